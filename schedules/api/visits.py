"""GET /api/v1/visits."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from schedules.api.fields import SiteInstant
from schedules.domain.visits.status import VisitStatus
from schedules.models import Basis, VisitPlace, VisitTiming
from schedules.selectors.exchange.data_capture import WantedVisits, listed_visits
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, page_document
from trials.services.store.exports import record_export
from trials.spoken import say

STATUSES = [status.value for status in VisitStatus]
ORDERS = ["id", "target"]
_LARGEST_ID = 2**63 - 1


class VisitQuery(ListQuery):
    """Which visits are wanted; without any of these, all in sight."""

    trial = serializers.CharField(required=False, help_text="A trial's code.")
    site = serializers.CharField(required=False, help_text="A site's code.")
    participant = serializers.IntegerField(required=False, min_value=1, max_value=_LARGEST_ID)
    status = serializers.ChoiceField(STATUSES, required=False, help_text="On the site's present day.")
    target_from = serializers.DateField(required=False, help_text="Targets on this day or later.")
    target_to = serializers.DateField(required=False, help_text="Targets on this day or earlier.")
    order = serializers.ChoiceField(
        ORDERS,
        default="id",
        required=False,
        help_text="`id` for a full read. `target` is a list to look at: a visit that is re-planned while "
        "you turn its pages can be left out or come twice.",
    )

    def validate_status(self, value: str) -> VisitStatus:
        return VisitStatus(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("target_from"), attrs.get("target_to")
        if first and last and first > last:
            words = gettext("%(last)s is before target_from; give %(first)s or a later day.")
            raise serializers.ValidationError({"target_to": words % {"first": first, "last": last}})
        return attrs


class VisitBasisSerializer(serializers.Serializer):
    """Whether the protocol states a thing or somebody assumed it; a range has no tolerance."""

    timing = serializers.ChoiceField(Basis.values, source="timing_basis")
    tolerance = serializers.SerializerMethodField()

    @extend_schema(responses=serializers.ChoiceField(Basis.values, allow_null=True))
    def get_tolerance(self, visit: Any) -> str | None:
        return visit.tolerance_basis or None


class VisitAnchorSerializer(serializers.Serializer):
    """What a visit counts from, and how that day is known."""

    code = serializers.CharField(source="visit.anchor_code")
    date = serializers.DateField(source="visit.anchor_on")
    kind = serializers.ChoiceField(["planned", "actual", "derived"], source="visit.anchor_kind")
    assumed = serializers.BooleanField(
        source="anchor_assumed",
        help_text="Whether it follows from other days by a rule that no record states.",
    )


class VisitSerializer(serializers.Serializer):
    """One visit of one participant. Days are whole days in the site's zone, both ends of a window inside."""

    id = serializers.IntegerField(source="visit.pk")
    trial = serializers.CharField(source="visit.participant.trial.code")
    site = serializers.CharField(source="visit.participant.site.code")
    participant = serializers.IntegerField(source="visit.participant_id")
    subject_code = serializers.CharField(source="visit.participant.subject_code")
    protocol_version = serializers.CharField()
    code = serializers.CharField(source="visit.code")
    label = serializers.CharField(source="visit.label")  # type: ignore[assignment]
    epoch = serializers.CharField(source="visit.epoch")
    timing = serializers.ChoiceField(VisitTiming.values, source="visit.timing")
    place = serializers.ChoiceField(VisitPlace.values, source="visit.place")
    anchor = VisitAnchorSerializer(source="*")
    offset = serializers.CharField(source="visit.offset", help_text="ISO 8601, signed.")
    opens = serializers.DateField(source="visit.opens")
    target = serializers.DateField(source="visit.target")
    closes = serializers.DateField(source="visit.closes")
    target_at = SiteInstant(source="visit.target_at")
    suggested = serializers.DateField(source="visit.suggested", allow_null=True)
    basis = VisitBasisSerializer(source="visit")
    status = serializers.ChoiceField(STATUSES, help_text="Derived on the site's present day.")
    booked_on = serializers.DateField(source="visit.booked_on", allow_null=True)
    booking_fits = serializers.BooleanField(
        allow_null=True,
        help_text="False once the window has left the booked day: no appointment. Null without a booking.",
    )
    booked_start = SiteInstant(source="visit.booked_start")
    booked_end = SiteInstant(source="visit.booked_end")
    performed_on = serializers.DateField(source="visit.performed_on", allow_null=True)
    performed_at = SiteInstant(source="visit.performed_at", recorded="visit.performed_zone")
    missed_on = serializers.DateField(
        source="visit.missed_on", allow_null=True, help_text="The day on which it was recorded as missed."
    )
    cancelled_on = serializers.DateField(source="visit.cancelled_on", allow_null=True)
    held_on = serializers.DateField(
        source="visit.held_on", allow_null=True, help_text="Since when its calendar waits."
    )
    unscheduled = serializers.BooleanField(source="visit.unscheduled")
    version = serializers.IntegerField(source="visit.version")
    because = serializers.CharField(help_text="Why the date is what it is, in words.")


class VisitPageSerializer(serializers.Serializer):
    """Visits by id or by target, and the address of those that follow."""

    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")
    next_cursor = serializers.CharField(allow_null=True, help_text="The `cursor` of the next page.")
    results = VisitSerializer(many=True)


class VisitList(APIView):
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
        page = asked.pop("cursor", None), asked.pop("page_size")
        asked["by_target"] = asked.pop("order") == "target"
        found = listed_visits(signed_in(request), WantedVisits(**asked), page, request_clock.now(), say)
        results = list(VisitSerializer(found.visits, many=True).data)
        record_export(
            by=signed_in(request),
            what="API: visits",
            form="json",
            rows=len(results),
            now=request_clock.now(),
            filters=request.query_params.urlencode(),
        )
        return Response(page_document(request, results, found.after))
