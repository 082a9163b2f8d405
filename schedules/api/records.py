"""What is recorded of a participant through the API besides visits: anchors and facts; and differences."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import FactKind
from participants.domain.fact_rows import FactRow, fact_of
from participants.models import Participant
from schedules.api.fields import OptionalText
from schedules.api.reading.views import ReadView
from schedules.api.writing import (
    DRY_RUN,
    IDEMPOTENCY_KEY,
    AnswersOnce,
    HourField,
    SourceBody,
    client_name,
    instant_of,
    on_behalf_of,
    require_record,
    source_kept,
)
from schedules.domain.visits.reported_values import ReportedField
from schedules.models import Settlement, ValueDifference
from schedules.selectors.exchange.agreements import anchor_on_record, differences_visible_to
from schedules.selectors.store.course import person_in_sight
from schedules.selectors.windows.verdicts import feeds_by_kind, windows_asked, windows_of_participant
from schedules.services.exchange.differences import ValuesDiffer, settle_difference
from schedules.services.exchange.reports import Report, report_anchor
from schedules.services.windows.facts import record_fact
from trials import request_clock
from trials.api.answers import page_answer
from trials.api.authentication import signed_in
from trials.api.bodies import StrictSerializer
from trials.api.permissions import require_act
from trials.api.queries import ListQuery, id_after
from trials.api.refusals import ValueDiffers
from trials.keyset import page_by_id
from trials.models import ApiAct
from trials.spoken import say
from trials.zones import roles_day, zone_of

KINDS = [kind.value for kind in FactKind if kind is not FactKind.WAIVER]
NEEDED = {FactKind.LODGING: ("minutes",)}


class AnchorBody(StrictSerializer):
    """That an anchor's day has come: the day at the site, and the hour where it is known."""

    code = serializers.CharField(max_length=60)
    actual_on = serializers.DateField()
    actual_at = HourField(required=False)
    reason = OptionalText(max_length=500)
    sure = serializers.BooleanField(default=False, help_text="An unlikely day is meant.")
    source = SourceBody(required=False)  # type: ignore[assignment]  # a field, and not the attribute


class AnchorOnRecord(serializers.Serializer):
    """An anchor as it is on record."""

    code = serializers.CharField()
    planned_on = serializers.DateField(allow_null=True)
    actual_on = serializers.DateField(allow_null=True)


class DetailBody(StrictSerializer):
    """What only some kinds of facts have."""

    minutes = serializers.IntegerField(required=False, min_value=0, max_value=10_000, help_text="Of travel.")
    planned_discharge = serializers.DateField(required=False)
    result = serializers.CharField(required=False, max_length=40)
    half_life_hours = serializers.FloatField(required=False, min_value=0, max_value=100_000)
    source = serializers.CharField(required=False, max_length=200)  # type: ignore[assignment]
    name = serializers.CharField(required=False, max_length=80)
    visit = serializers.CharField(required=False, max_length=64)
    since = serializers.DateField(required=False)
    holds = serializers.BooleanField(required=False)


class FactBody(StrictSerializer):
    """A fact that protocol windows are judged by."""

    kind = serializers.ChoiceField(KINDS)
    of = OptionalText(max_length=80, help_text="What it is of, by the protocol's code.")
    starts_on = serializers.DateField(required=False)
    starts_at = HourField(required=False)
    ends_on = serializers.DateField(required=False)
    ends_at = HourField(required=False)
    detail = DetailBody(required=False)
    reason = OptionalText(max_length=300)
    sure = serializers.BooleanField(default=False, help_text="An unlikely day is meant.")
    source = SourceBody(required=False)  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for end in ("starts", "ends"):
            if f"{end}_on" in attrs and f"{end}_at" in attrs:
                raise serializers.ValidationError({f"{end}_at": [_("Give a day or an instant, not both.")]})
        if "starts_on" not in attrs and "starts_at" not in attrs:
            raise serializers.ValidationError({"starts_on": [_("Give a day or an instant.")]})
        needed = NEEDED.get(FactKind(attrs["kind"]), ())
        missing = [name for name in needed if name not in attrs.get("detail", {})]
        if missing:
            raise serializers.ValidationError(
                {"detail": [_("This kind needs %(names)s.") % {"names": ", ".join(missing)}]}
            )
        return attrs


class FactRecorded(serializers.Serializer):
    """The fact that was put on record, and what a person should look at."""

    id = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField())


class DifferenceSerializer(serializers.Serializer):
    """A value on which an EDC and Dayzero do not agree."""

    id = serializers.IntegerField()
    trial = serializers.CharField(source="participant.trial.code")
    site = serializers.CharField(source="participant.site.code")
    subject_code = serializers.CharField(source="participant.subject_code")
    visit = serializers.IntegerField(source="visit_id", allow_null=True)
    visit_code = serializers.CharField(source="visit.code", default=None, allow_null=True)
    anchor = serializers.CharField()
    field = serializers.ChoiceField([one.value for one in ReportedField])
    item = serializers.CharField(
        help_text="The code of the activity, test, window or event; empty for a day."
    )
    ours = serializers.CharField(
        help_text="What is on record here: a day or an instant, `missed` or `cancelled` with its day; of an "
        "activity `done` or `left` with its hour or reason, of a window `kept` or `broken`, of a test its "
        "result. Empty for nothing."
    )
    theirs = serializers.CharField(help_text="What the EDC reported, in the same words.")
    client = serializers.CharField()
    reported = serializers.DictField(source="source", child=serializers.CharField())
    noticed_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    settlement = serializers.ChoiceField(
        [*Settlement.values, ""], help_text="Whose value was kept; empty while it waits."
    )
    settled_reason = serializers.CharField()


class DifferencePage(serializers.Serializer):
    """Differences by id."""

    next = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)
    results = DifferenceSerializer(many=True)


class DifferenceQuery(ListQuery):
    """Which differences are wanted; without `settled` those that are open."""

    settled = serializers.BooleanField(default=False, required=False)


class SettlementBody(StrictSerializer):
    """Why a difference is settled; what is on record stays as it is."""

    reason = serializers.CharField(max_length=300)


class ParticipantAnchors(AnswersOnce):
    """The days of a participant that others count from."""

    @extend_schema(
        operation_id="anchors_record",
        summary="Record that an anchor's day has come",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=AnchorBody,
        responses={200: AnchorOnRecord},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        require_act(request, ApiAct.ANCHORS)
        person = person_recorded(request, id)
        return self.once(request, lambda: (200, _anchor(request, person)))


class ParticipantFacts(AnswersOnce):
    """What protocol windows are judged by."""

    @extend_schema(
        operation_id="facts_record",
        summary="Record a fact",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=FactBody,
        responses={201: FactRecorded},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        require_act(request, ApiAct.FACTS)
        person = person_recorded(request, id)
        return self.once(request, lambda: (201, _fact(request, person)))


class DifferenceList(ReadView):
    """The differences in the reader's sight."""

    @extend_schema(
        operation_id="differences_list",
        summary="Days, activities and results on which an EDC and Dayzero do not agree",
        parameters=[DifferenceQuery],
        responses={200: DifferencePage},
    )
    def get(self, request: Request) -> HttpResponse:
        query = DifferenceQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        rows = _differences(request).filter(settled_at__isnull=not asked["settled"])
        page = page_by_id(rows, id_after(asked), asked["page_size"])
        return page_answer(request, list(DifferenceSerializer(page.rows, many=True).data), page.after)


class DifferenceSettled(AnswersOnce):
    """A difference that a person settles."""

    @extend_schema(
        operation_id="differences_settle",
        summary="Settle a difference, with a reason",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=SettlementBody,
        responses={200: DifferenceSerializer},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        require_act(request, ApiAct.VISITS)
        found = _differences(request).filter(pk=id).first()
        if found is None:
            raise NotFound
        require_record(request, found.participant)

        def settle() -> tuple[int, Any]:
            body = SettlementBody(data=request.data)
            body.is_valid(raise_exception=True)
            with on_behalf_of(request, None):
                row = settle_difference(
                    difference=found,
                    now=request_clock.now(),
                    by=signed_in(request),
                    reason=body.validated_data["reason"],
                )
            return 200, DifferenceSerializer(row).data

        return self.once(request, settle)


def _differences(request: Request) -> QuerySet[ValueDifference]:
    return differences_visible_to(signed_in(request), roles_day(request_clock.now()))


def person_recorded(request: Request, pk: int) -> Participant:
    """A participant of whom the client may record something. Raises NotFound and PermissionDenied."""
    person = person_in_sight(signed_in(request), roles_day(request_clock.now()), pk)
    if person is None:
        raise NotFound
    require_record(request, person)
    return person


def _anchor(request: Request, person: Participant) -> Any:
    body = AnchorBody(data=request.data)
    body.is_valid(raise_exception=True)
    values, zone = body.validated_data, zone_of(person.site)
    at = instant_of(values, "actual_at", zone)
    if at is not None and at.astimezone(zone).date() != values["actual_on"]:
        raise ValidationError({"actual_at": [_("This hour is not on the day in actual_on.")]})
    anchor = RecordedAnchor(
        values["code"], actual_on=values["actual_on"], actual_at=at, actual_zone=zone.key if at else ""
    )
    source = values.get("source")
    report = Report("", values["reason"], client_name(request), source_kept(source), values["sure"])
    with on_behalf_of(request, source):
        try:
            report_anchor(
                participant=person,
                anchor=anchor,
                report=report,
                by=signed_in(request),
                now=request_clock.now(),
            )
        except ValuesDiffer as differs:
            raise ValueDiffers(str(differs), _shown(person, anchor.code)) from differs
    return _shown(person, anchor.code)


def _shown(person: Participant, code: str) -> Any:
    return AnchorOnRecord(anchor_on_record(person, code)).data


def _fact(request: Request, person: Participant) -> Any:
    body = FactBody(data=request.data)
    body.is_valid(raise_exception=True)
    values, zone = body.validated_data, zone_of(person.site)
    participant_windows = windows_of_participant(person, say)
    feeds = feeds_by_kind(windows_asked(participant_windows.protocol, person))[FactKind(values["kind"])]
    named = {feed.of for feed in feeds}
    if "" not in named and values["of"] not in named:
        possible = ", ".join(sorted(named)) or _("none")
        words = _("No window of this participant is judged by “%(of)s”; possible are: %(possible)s.")
        raise ValidationError({"of": [words % {"of": values["of"], "possible": possible}]})
    detail = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.get("detail", {}).items()
    }
    row = FactRow(
        values["kind"],
        values["of"],
        values.get("starts_on"),
        instant_of(values, "starts_at", zone),
        values.get("ends_on"),
        instant_of(values, "ends_at", zone),
        detail,
        starts_zone=zone.key if values.get("starts_at") else "",
        ends_zone=zone.key if values.get("ends_at") else "",
    )
    with on_behalf_of(request, values.get("source")):
        recorded = record_fact(
            participant=person,
            fact=fact_of(row, zone),
            by=signed_in(request),
            now=request_clock.now(),
            reason=values["reason"],
            sure=values["sure"],
        )
    return {"id": recorded.stored.pk, "warnings": [warning.text(say) for warning in recorded.warnings]}
