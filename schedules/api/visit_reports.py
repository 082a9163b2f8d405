"""GET and PATCH /api/v1/visits/{id}, and PATCH of up to 500 visits: what was booked, done and missed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from schedules.api.fields import OptionalText, PlausibleDay
from schedules.api.reading.queries import LARGEST_ID, EdcShown
from schedules.api.serializers import VisitSerializer, edc_named, visit_document
from schedules.api.writing import (
    DRY_RUN,
    IF_MATCH,
    HourField,
    SourceBody,
    client_name,
    dry_run_asked,
    instant_of,
    kept_unless,
    on_behalf_of,
    problem_of,
    require_record,
    source_kept,
    version_named,
)
from schedules.domain.visits.values import Answer, Booking, Completion, Sampled
from schedules.models import Visit
from schedules.selectors.exchange.data_capture import VisitKey, visit_by_key
from schedules.selectors.exchange.visit_rows import listed_visit
from schedules.selectors.store.course import visit_in_sight
from schedules.services.exchange.differences import ValuesDiffer
from schedules.services.exchange.reports import Act, Report, report_visit
from trials import request_clock
from trials.api.answers import answer, some_of
from trials.api.authentication import signed_in
from trials.api.bodies import StrictSerializer
from trials.api.errors import Problem, overtaken
from trials.api.permissions import require_act
from trials.api.queries import OneQuery, SparseMixin
from trials.api.refusals import Overtaken, ValueDiffers, VersionNotNamed
from trials.domain.errors import Stale
from trials.models import ApiAct
from trials.spoken import say
from trials.zones import roles_day, zone_of

MOST_ITEMS = 500
INCLUDES = ["because"]
ACTS = ("performed", "booked", "missed", "cancelled", "restored")


class ActivityBody(StrictSerializer):
    """Whether an activity was done; if not, why."""

    done = serializers.BooleanField()
    reason = OptionalText(max_length=300)
    at = HourField(required=False)


class ResultBody(StrictSerializer):
    """The result of a sample taken at the visit, and its hour where it is known."""

    result = serializers.CharField(
        max_length=120, help_text="In the words of the protocol where it has them."
    )
    at = HourField(required=False)


class PerformedBody(StrictSerializer):
    """That the visit was done: its day at the site, its hour where known, its activities by code."""

    on = serializers.DateField(help_text="The day at the site.")
    at = HourField(required=False)
    activities = serializers.DictField(child=ActivityBody(), required=False)
    confirmed = serializers.DictField(
        child=serializers.BooleanField(),
        required=False,
        help_text="Whether protocol windows were kept, by code.",
    )
    results = serializers.DictField(
        child=ResultBody(),
        required=False,
        help_text="Of tests that windows need, taken at the visit, by the test's code.",
    )
    events = serializers.ListField(
        child=serializers.CharField(max_length=80),
        required=False,
        help_text="What was done at the visit that a window asks for once, by code.",
    )
    sure = serializers.BooleanField(default=False, help_text="An unlikely day is meant.")
    accept_orphans = serializers.BooleanField(
        default=False, help_text="Bookings that lose their window by it are to be booked again."
    )


class BookedBody(StrictSerializer):
    """A day for the visit, the hours where they are fixed, and a place."""

    on = serializers.DateField(help_text="The day at the site.")
    start = HourField(required=False)
    end = HourField(required=False)
    place = OptionalText(max_length=120)
    resource = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=LARGEST_ID,
        help_text="The id of a room, bed or slot of the site.",
    )
    staff = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=LARGEST_ID,
        help_text="The id of somebody of the site's staff.",
    )
    sure = serializers.BooleanField(default=False, help_text="An unlikely day is meant.")
    anyway = serializers.BooleanField(
        default=False, help_text="Book in spite of what clashes with it; give a reason."
    )


class TrueField(serializers.BooleanField):
    """An act that is named or left out."""

    def to_internal_value(self, data: Any) -> bool:
        if super().to_internal_value(data) is not True:
            raise serializers.ValidationError(_("Give true, or leave it out."))
        return True


class VisitReport(StrictSerializer):
    """One act with a visit: exactly one of `performed`, `booked`, `missed`, `cancelled` and `restored`."""

    performed = PerformedBody(required=False)
    booked = BookedBody(required=False, allow_null=True, help_text="null gives the booking up.")
    missed = TrueField(required=False)
    cancelled = TrueField(required=False)
    restored = TrueField(
        required=False, help_text="Take back that it was done, missed or cancelled: a correction."
    )
    reason = OptionalText(max_length=500, help_text="Asked for where the screens ask for one.")
    source = SourceBody(required=False)  # type: ignore[assignment]  # a field, and not the attribute

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ACTS if name in attrs]
        if len(given) != 1:
            words = _("Give exactly one of %(acts)s.") % {"acts": ", ".join(ACTS)}
            raise serializers.ValidationError(ErrorDetail(words, "one_act"))
        return attrs


class VisitItem(VisitReport):
    """An act with a visit that is named by its id or by its natural key, in the version that was read."""

    id = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    trial = serializers.CharField(required=False, max_length=40)
    subject_code = serializers.CharField(required=False, max_length=32)
    code = serializers.CharField(required=False, max_length=64, help_text="Of the visit, or of its rule.")
    occurrence = serializers.IntegerField(
        required=False, min_value=1, max_value=32767, help_text="With it, `code` is that of the rule."
    )
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class BulkBody(StrictSerializer):
    """Up to 500 acts, each by itself: one that is refused holds up no other."""

    items = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=MOST_ITEMS)


class BulkRequest(serializers.Serializer):
    """What the schema says of it."""

    items = VisitItem(many=True)


class ItemResult(serializers.Serializer):
    """What became of one item: the visit as it is now, or the problem."""

    index = serializers.IntegerField()
    status = serializers.IntegerField(help_text="As if it had been sent by itself.")
    visit = VisitSerializer(allow_null=True)
    problem = Problem(allow_null=True)


class BulkAnswer(serializers.Serializer):
    """A result for each item, in their order."""

    results = ItemResult(many=True)


class AsOfQuery(serializers.Serializer):
    """How a visit is to be told."""

    as_of = PlausibleDay(
        required=False,
        help_text="Take `window` and `appointment` on this day, by what is on record now; else on the site's "
        "present day.",
    )
    include = serializers.MultipleChoiceField(
        choices=INCLUDES, required=False, help_text="`because`: the explanation of the date, in words."
    )


class OneVisitQuery(SparseMixin, AsOfQuery, OneQuery, EdcShown):
    """How one visit is to be told."""

    shows = VisitSerializer


class VisitDetail(APIView):
    """One visit in the reader's sight."""

    validates = True

    @extend_schema(
        operation_id="visits_retrieve",
        summary="A visit",
        parameters=[OneVisitQuery],
        responses={200: VisitSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        query = OneVisitQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked, user = query.validated_data, signed_in(request)
        names = query.names_for(user)
        found = listed_visit(user, id, request_clock.now(), asked.get("as_of"))
        if found is None:
            raise NotFound
        document = visit_document(found, say, because="because" in asked.get("include", ()))
        shown = some_of(edc_named([document], [found], names), query.names)
        return answer(request, shown[0], version=found.state.version)

    @extend_schema(
        operation_id="visits_report",
        summary="Record that a visit was booked, done, missed or cancelled",
        parameters=[IF_MATCH, DRY_RUN],
        request=VisitReport,
        responses={200: VisitSerializer},
    )
    def patch(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        require_act(request, ApiAct.VISITS)
        dry_run = dry_run_asked(request)
        visit = visit_in_sight(signed_in(request), roles_day(request_clock.now()), id)
        if visit is None:
            raise NotFound
        require_record(request, visit.participant)
        version = version_named(request)
        body = VisitReport(data=request.data)
        body.is_valid(raise_exception=True)
        data = reported(request, visit, version, body.validated_data, dry_run=dry_run)
        return answer(request, data, version=data["version"])


class VisitsReported(APIView):
    """Many visits at once; mixed into the list's address."""

    @extend_schema(
        operation_id="visits_report_many",
        summary="Record up to 500 acts, with a result for each",
        parameters=[DRY_RUN],
        request=BulkRequest,
        responses={200: BulkAnswer},
    )
    def patch(self, request: Request) -> Response:
        require_act(request, ApiAct.VISITS)
        dry_run = dry_run_asked(request)
        body = BulkBody(data=request.data)
        body.is_valid(raise_exception=True)
        items = body.validated_data["items"]
        return Response({"results": [self._item(request, n, one, dry_run) for n, one in enumerate(items)]})

    def _item(self, request: Request, index: int, given: Any, dry_run: bool) -> dict[str, Any]:
        try:
            item = VisitItem(data=given)
            item.is_valid(raise_exception=True)
            values = dict(item.validated_data)
            visit = _named(request, values)
            version = values.pop("version", None)
            if version is None:
                raise VersionNotNamed(_("Name the version that you read."))
            data = reported(request, visit, version, values, dry_run=dry_run)
        except Exception as error:  # noqa: BLE001  what is ours is raised again inside
            problem = problem_of(error, self)
            return {"index": index, "status": problem["status"], "visit": None, "problem": problem}
        return {"index": index, "status": 200, "visit": data, "problem": None}


def visit_data(request: Request, pk: int) -> dict[str, Any]:
    """A visit as the API shows it. Raises NotFound."""
    found = listed_visit(signed_in(request), pk, request_clock.now())
    if found is None:
        raise NotFound
    return visit_document(found, say)


def reported(
    request: Request, visit: Visit, version: int, values: dict[str, Any], *, dry_run: bool
) -> dict[str, Any]:
    """The visit as it is after a report; raises what the services refuse, and ValueDiffers."""
    require_record(request, visit.participant)
    user, now, source = signed_in(request), request_clock.now(), values.get("source")
    act = _act(visit, values)
    report = Report(act, values.get("reason", ""), client_name(request), source_kept(source))
    with on_behalf_of(request, source):
        try:
            with kept_unless(dry_run):
                # Not raised in here: the difference is kept in this very transaction, and would go with it.
                try:
                    report_visit(visit=visit, version=version, report=report, by=user, now=now)
                except ValuesDiffer as error:
                    differs: ValuesDiffer | None = error
                else:
                    differs = None
                data = visit_data(request, visit.pk)
        except Stale as stale:
            raise Overtaken(overtaken(stale), visit_data(request, visit.pk)) from stale
    if differs:
        raise ValueDiffers(str(differs), data)
    return data


def _act(visit: Visit, values: dict[str, Any]) -> Act:
    zone = zone_of(visit.participant.site)
    if "performed" in values:
        done = values["performed"]
        answers, where = done.get("activities"), "performed.activities"
        said = {
            code: Answer(one["done"], one["reason"], _hour(one, "at", zone, f"{where}.{code}"))
            for code, one in (answers or {}).items()
        }
        return Completion(
            on=done["on"],
            at=_hour(done, "at", zone, "performed"),
            activities=None if answers is None else said,
            outside_reason=values.get("reason", ""),
            accept_unbookable=done["accept_orphans"],
            confirmed=done.get("confirmed", {}),
            sure=done["sure"],
            results={
                code: Sampled(one["result"], _hour(one, "at", zone, f"performed.results.{code}"))
                for code, one in done.get("results", {}).items()
            },
            events=frozenset(done.get("events", ())),
        )
    if "booked" in values:
        booked = values["booked"]
        if booked is None:
            return "unbooked"
        start, end = (_hour(booked, name, zone, "booked") for name in ("start", "end"))
        taken = (booked["resource"], booked["staff"], booked["anyway"])
        return Booking(booked["on"], start, end, booked["place"], booked["sure"], *taken)
    return next(name for name in ("missed", "cancelled", "restored") if name in values)


def _hour(given: dict[str, Any], name: str, zone: Any, where: str) -> Any:
    return instant_of(given, name, zone, f"{where}.{name}")


def _named(request: Request, values: dict[str, Any]) -> Visit:
    """The visit of an item, by id or natural key. Raises NotFound and ValidationError."""
    user, now = signed_in(request), request_clock.now()
    pk = values.pop("id", None)
    key = {name: values.pop(name, None) for name in ("trial", "subject_code", "code", "occurrence")}
    if pk is not None:
        if any(value is not None for value in key.values()):
            words = _("Name the visit by its id, or by trial, subject_code and code; not by both.")
            raise ValidationError({"id": [words]})
        visit = visit_in_sight(user, roles_day(now), pk)
    elif missing := [name for name in ("trial", "subject_code", "code") if not key[name]]:
        words = _("Name the visit by its id, or by trial, subject_code and code.")
        raise ValidationError({name: [ErrorDetail(words, "required")] for name in missing})
    else:
        visit = visit_by_key(user, VisitKey(**key), now)
    if visit is None:
        raise NotFound
    return visit
