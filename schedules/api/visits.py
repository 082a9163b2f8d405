"""GET /api/v1/visits."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language, gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from schedules.api.reading.queries import (
    CodesField,
    EdcQuery,
    PeopleQuery,
    SinceField,
    feed_cursor,
    people_of,
)
from schedules.api.reading.views import ReadView
from schedules.api.serializers import (
    APPOINTMENTS,
    EDC_STATUSES,
    WINDOWS,
    VisitSerializer,
    edc_named,
    said_once,
    visit_document,
)
from schedules.api.visit_reports import AsOfQuery, VisitsReported
from schedules.domain.visits.edc_words import EdcStatus
from schedules.domain.visits.status import Appointment, WindowPosition
from schedules.selectors.exchange.odm import ExternalNames
from schedules.selectors.exchange.visit_rows import WantedVisits, listed_visits
from trials import request_clock
from trials.api.answers import page_answer, some_of
from trials.api.authentication import signed_in
from trials.api.queries import SeveralField, SparseMixin
from trials.api.schema import page_of

ORDERS = ["id", "target"]
# As many as the column holds: PostgreSQL answers a larger number with an error of the server.
_MOST_OCCURRENCES = 32767


class VisitQuery(SparseMixin, PeopleQuery, EdcQuery, AsOfQuery):
    """Which visits are wanted; without any of these, all in sight."""

    shows = VisitSerializer

    code = CodesField(help_text="A visit's code.")
    rule = CodesField(
        help_text="The code of a visit rule: with trial, subject_code and occurrence the natural key."
    )
    occurrence = SeveralField(
        child=serializers.IntegerField(min_value=1, max_value=_MOST_OCCURRENCES),
        help_text="Which of a rule's visits, from 1.",
    )
    edc_event = CodesField(help_text="StudyEventOID, by the map of `edc`.")
    edc_repeat_key = CodesField(help_text="StudyEventRepeatKey, by the map of `edc`.")
    window = serializers.MultipleChoiceField(
        choices=WINDOWS,
        required=False,
        help_text="On the site's present day, or `as_of`; repeat it for several values.",
    )
    appointment = serializers.MultipleChoiceField(
        choices=APPOINTMENTS,
        required=False,
        help_text="On the site's present day, or `as_of`; repeat it for several values.",
    )
    edc_status = serializers.MultipleChoiceField(
        choices=EDC_STATUSES,
        required=False,
        help_text="In an EDC's words, whatever the day; repeat it for several values.",
    )
    target_from = serializers.DateField(required=False, help_text="Targets on this day or later.")
    target_to = serializers.DateField(required=False, help_text="Targets on this day or earlier.")
    window_from = serializers.DateField(
        required=False, help_text="Windows that have this day or a later one in them."
    )
    window_to = serializers.DateField(
        required=False, help_text="Windows that have this day or an earlier one in them."
    )
    changed_since = SinceField()
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

    def validate_edc_status(self, values: set[str]) -> list[EdcStatus]:
        return [status for status in EdcStatus if status.value in values]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("target", "window"):
            first, last = attrs.get(f"{name}_from"), attrs.get(f"{name}_to")
            if first and last and first > last:
                words = gettext("%(last)s is before %(name)s_from; give %(first)s or a later day.")
                said = words % {"first": first, "last": last, "name": name}
                raise serializers.ValidationError({f"{name}_to": said})
        return super().validate(attrs)

    def wanted(self, names: ExternalNames | None = None) -> WantedVisits:
        """Which visits are asked for, also by the names of an EDC."""
        asked: dict[str, Any] = self.validated_data
        return WantedVisits(
            people=people_of(asked, names),
            further=names.visits(asked["edc_event"], asked["edc_repeat_key"]) if names else None,
            codes=asked["code"],
            rules=asked["rule"],
            occurrences=asked["occurrence"],
            window=asked.get("window", ()),
            appointment=asked.get("appointment", ()),
            edc_status=asked.get("edc_status", ()),
            target=(asked.get("target_from"), asked.get("target_to")),
            touching=(asked.get("window_from"), asked.get("window_to")),
            changed_since=asked.get("changed_since"),
            as_of=asked.get("as_of"),
            by_target=asked["order"] == "target",
        )


VisitPageSerializer = page_of("Visit", VisitSerializer, follows=True)


class VisitList(ReadView, VisitsReported):
    """The visits in the reader's sight."""

    @extend_schema(
        operation_id="visits_list",
        summary="Visits: a full read by id, or a list by target day",
        parameters=[VisitQuery],
        responses={200: VisitPageSerializer},
    )
    def get(self, request: Request) -> HttpResponse:
        query = VisitQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        begins = None if "cursor" in asked else feed_cursor()  # before the rows are read
        page = asked.get("cursor"), asked["page_size"]
        user = signed_in(request)
        names = query.names_for(user)
        found = listed_visits(user, query.wanted(names), page, request_clock.now())
        because = "because" in asked.get("include", ())
        speak = partial(said_once, get_language() or "en")
        documents = (visit_document(one, speak, because=because) for one in found.visits)
        results = some_of(edc_named(documents, found.visits, names), query.names)
        return page_answer(request, results, found.after, {"changes_cursor": begins})
