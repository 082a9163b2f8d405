"""GET /api/v1/visits."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from schedules.api.changes import feed_cursor
from schedules.api.serializers import APPOINTMENTS, WINDOWS, VisitSerializer
from schedules.api.visit_reports import VisitsReported
from schedules.domain.visits.status import Appointment, WindowPosition
from schedules.selectors.exchange.data_capture import WantedVisits, listed_visits
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, page_document
from trials.spoken import say

ORDERS = ["id", "target"]
_LARGEST_ID = 2**63 - 1


class VisitQuery(ListQuery):
    """Which visits are wanted; without any of these, all in sight."""

    trial = serializers.CharField(required=False, help_text="A trial's code.")
    site = serializers.CharField(required=False, help_text="A site's code.")
    participant = serializers.IntegerField(required=False, min_value=1, max_value=_LARGEST_ID)
    window = serializers.MultipleChoiceField(
        choices=WINDOWS, required=False, help_text="On the site's present day; repeat it for several values."
    )
    appointment = serializers.MultipleChoiceField(
        choices=APPOINTMENTS,
        required=False,
        help_text="On the site's present day; repeat it for several values.",
    )
    target_from = serializers.DateField(required=False, help_text="Targets on this day or later.")
    target_to = serializers.DateField(required=False, help_text="Targets on this day or earlier.")
    order = serializers.ChoiceField(
        ORDERS,
        default="id",
        required=False,
        help_text="`id` for a full read. `target` is a list to look at: a visit that is re-planned while "
        "you turn its pages can be left out or come twice.",
    )

    def validate_window(self, values: set[str]) -> list[WindowPosition]:
        return [position for position in WindowPosition if position.value in values]

    def validate_appointment(self, values: set[str]) -> list[Appointment]:
        return [appointment for appointment in Appointment if appointment.value in values]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("target_from"), attrs.get("target_to")
        if first and last and first > last:
            words = gettext("%(last)s is before target_from; give %(first)s or a later day.")
            raise serializers.ValidationError({"target_to": words % {"first": first, "last": last}})
        return attrs


class VisitPageSerializer(serializers.Serializer):
    """Visits by id or by target, and the address of those that follow."""

    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")
    next_cursor = serializers.CharField(allow_null=True, help_text="The `cursor` of the next page.")
    changes_cursor = serializers.CharField(
        allow_null=True,
        help_text="On the first page: where the change feed stood when the read began. Read all pages, then "
        "follow /api/v1/changes from here.",
    )
    results = VisitSerializer(many=True)


class VisitList(VisitsReported):
    """The visits in the reader's sight."""

    @extend_schema(
        operation_id="visits_list",
        summary="Visits: a full read by id, or a list by target day",
        parameters=[VisitQuery],
        responses={200: VisitPageSerializer},
    )
    def get(self, request: Request) -> Response:
        query = VisitQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = dict(query.validated_data)
        begins = None if "cursor" in asked else feed_cursor()  # before the rows are read
        page = asked.pop("cursor", None), asked.pop("page_size")
        asked["by_target"] = asked.pop("order") == "target"
        found = listed_visits(signed_in(request), WantedVisits(**asked), page, request_clock.now(), say)
        results = list(VisitSerializer(found.visits, many=True).data)
        return Response({**page_document(request, results, found.after), "changes_cursor": begins})
