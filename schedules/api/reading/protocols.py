"""Protocol versions as documents and as resolved schedules, and cohorts."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from schedules.api.fields import PlausibleDay
from schedules.api.reading.queries import CodesField
from schedules.api.reading.trials import CohortSerializer, TrialVersionSerializer
from schedules.api.reading.views import ReadView, asked, listed
from schedules.domain.plan.labels import in_language
from schedules.domain.visits.schedule_of_activities import ScheduledVisit, resolved_schedule
from schedules.models import Basis, VisitPlace, VisitTiming
from schedules.selectors.exchange.protocols import listed_cohorts, listed_versions, version_in_sight
from trials import request_clock
from trials.api.answers import answer, some_of
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, OneQuery, SparseMixin, id_after
from trials.api.schema import page_of
from trials.domain.protocols.protocol import AtOffset
from trials.formats.protocols.yaml import canonical_bytes
from trials.models import ProtocolVersion
from trials.selectors.records import protocol_of
from trials.spoken import say
from trials.zones import roles_day


class VersionRowSerializer(TrialVersionSerializer):
    """A published edition of a trial's protocol."""

    trial = serializers.CharField(source="trial.code", help_text="The trial's code.")


class VersionSerializer(VersionRowSerializer):
    """A published edition as a document."""

    document = serializers.SerializerMethodField(
        help_text="The whole document, every default filled in (docs/protocol-format.md): what the digest "
        "names."
    )
    text = serializers.CharField(source="document", help_text="The document as it was taken in: YAML.")

    @extend_schema(responses=serializers.DictField())
    def get_document(self, version: ProtocolVersion) -> Any:
        return json.loads(canonical_bytes(protocol_of(version)))


class ScheduledVisitSerializer(serializers.Serializer):
    """One visit of the schedule of activities."""

    code = serializers.CharField(help_text="The code that a participant's visit has.")
    rule = serializers.CharField(help_text="The code of the visit rule.")
    occurrence = serializers.IntegerField(help_text="Which of the rule's visits, from 1.")
    label = serializers.CharField(  # type: ignore[assignment]  # a field, and not the attribute
        help_text="What people call it, in the client's language."
    )
    epoch = serializers.CharField(help_text="The code of the period of the trial.")
    timing = serializers.ChoiceField(VisitTiming.values, help_text="How it is timed.")
    place = serializers.ChoiceField(VisitPlace.values, help_text="Where it happens.")
    counts_from = serializers.CharField(help_text="The code of the anchor, visit or activity it counts from.")
    offset = serializers.CharField(help_text="From there: a signed ISO 8601 duration.")
    opens_day = serializers.IntegerField(
        allow_null=True, help_text="Days from day zero to the first day of the window; null: not known by it."
    )
    target_day = serializers.IntegerField(allow_null=True, help_text="Days from day zero to the target.")
    closes_day = serializers.IntegerField(
        allow_null=True, help_text="Days from day zero to the last day of the window."
    )
    day_label = serializers.CharField(
        allow_null=True, help_text="The protocol's own name of the target's day, such as `D28`."
    )
    study_day = serializers.IntegerField(
        allow_null=True, help_text="The CDISC study day of the target; there is no day 0."
    )
    opens = serializers.DateField(allow_null=True, help_text="With `day_zero`: the first day of the window.")
    target = serializers.DateField(allow_null=True, help_text="With `day_zero`: the target.")
    closes = serializers.DateField(allow_null=True, help_text="With `day_zero`: the last day of the window.")
    basis = serializers.DictField(
        child=serializers.ChoiceField(Basis.values, allow_null=True),
        help_text="Of `timing` and `tolerance`: stated by the protocol or assumed; null for a range.",
    )
    block = serializers.CharField(allow_null=True, help_text="The block that it holds together with.")
    applies_to = serializers.ListField(
        child=serializers.CharField(), help_text="Traits, any of which asks for it; empty: everybody."
    )
    activities = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of what is done at it, in the document's order."
    )


class NamedCodeSerializer(serializers.Serializer):
    """A code and what people call it."""

    code = serializers.CharField(help_text="As visits name it.")
    label = serializers.CharField(  # type: ignore[assignment]  # a field, and not the attribute
        help_text="What people call it, in the client's language."
    )


class ScheduleSerializer(serializers.Serializer):
    """The schedule of activities of a protocol version, resolved."""

    id = serializers.IntegerField(help_text="Of the protocol version.")
    trial = serializers.CharField(help_text="The trial's code.")
    label = serializers.CharField(help_text="Of the version.")  # type: ignore[assignment]
    digest = serializers.CharField(help_text="Of the document that it was made from.")
    anchor = serializers.CharField(help_text="The code of the anchor that is day zero.")
    day_zero = serializers.DateField(
        allow_null=True, help_text="As you gave it; null: days are those of a day zero on 1 January 2001."
    )
    epochs = NamedCodeSerializer(many=True, help_text="The periods, in the document's order.")
    activities = NamedCodeSerializer(many=True, help_text="The activities, in the document's order.")
    visits = ScheduledVisitSerializer(many=True, help_text="By target, then in the document's order.")


class CohortRowSerializer(CohortSerializer):
    """One dose level, with whose it is."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    trial = serializers.CharField(source="trial.code", help_text="The trial's code.")


class VersionsQuery(SparseMixin, ListQuery):
    """Which versions are wanted; without a trial, all in sight."""

    shows = VersionRowSerializer

    trial = CodesField(help_text="A trial's code.")


class OneVersionQuery(SparseMixin, OneQuery):
    """Which fields of a version are wanted."""

    shows = VersionSerializer


class CohortsQuery(SparseMixin, ListQuery):
    """Which cohorts are wanted; without a trial, all in sight."""

    shows = CohortRowSerializer

    trial = CodesField(help_text="A trial's code.")


class ScheduleQuery(SparseMixin, OneQuery):
    """For whom and from which day the schedule is resolved."""

    shows = ScheduleSerializer

    day_zero = PlausibleDay(required=False, help_text="The day of the anchor that is day zero.")
    trait = CodesField(help_text="A trait's code; without any, the visits of everybody are shown.")


class VersionList(ReadView):
    """The published protocol versions in the reader's sight."""

    @extend_schema(
        operation_id="protocol_versions_list",
        summary="Published protocol versions, by id",
        parameters=[VersionsQuery],
        responses={200: page_of("VersionRow", VersionRowSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(VersionsQuery, request)
        given, today = query.validated_data, roles_day(request_clock.now())
        page = listed_versions(
            signed_in(request), today, given["trial"], (id_after(given), given["page_size"])
        )
        return listed(request, query, VersionRowSerializer, (page.rows, page.after))


class VersionDetail(ReadView):
    """One published protocol version in the reader's sight."""

    @extend_schema(
        operation_id="protocol_versions_retrieve",
        summary="A protocol version as a document",
        parameters=[OneVersionQuery],
        responses={200: VersionSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        query = asked(OneVersionQuery, request)
        shown = VersionSerializer(_version(request, id)).data
        return answer(request, some_of([shown], query.names)[0])


class VersionSchedule(ReadView):
    """The schedule of one protocol version in the reader's sight."""

    @extend_schema(
        operation_id="protocol_versions_schedule",
        summary="A protocol version as a resolved schedule of activities",
        parameters=[ScheduleQuery],
        responses={200: ScheduleSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        query = asked(ScheduleQuery, request)
        version = _version(request, id)
        shown = _schedule(version, query.validated_data)
        return answer(request, some_of([shown], query.names)[0])


class CohortList(ReadView):
    """The cohorts of trials in the reader's sight."""

    @extend_schema(
        operation_id="cohorts_list",
        summary="Cohorts (dose levels), by id",
        parameters=[CohortsQuery],
        responses={200: page_of("CohortRow", CohortRowSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(CohortsQuery, request)
        given, today = query.validated_data, roles_day(request_clock.now())
        page = listed_cohorts(
            signed_in(request), today, given["trial"], (id_after(given), given["page_size"])
        )
        return listed(request, query, CohortRowSerializer, (page.rows, page.after))


def _version(request: Request, pk: int) -> ProtocolVersion:
    found = version_in_sight(signed_in(request), roles_day(request_clock.now()), pk)
    if found is None:
        raise NotFound
    return found


def _schedule(version: ProtocolVersion, given: dict[str, Any]) -> dict[str, Any]:
    protocol, zero = protocol_of(version), given.get("day_zero")
    known = [trait.code for trait in protocol.traits]
    if unknown := sorted(set(given["trait"]) - set(known)):
        words = _("There is no trait %(unknown)s; possible are %(names)s.")
        said = {"unknown": ", ".join(unknown), "names": ", ".join(known) or _("none")}
        raise ValidationError({"trait": [words % said]})
    spoken = in_language(protocol, say)
    visits = resolved_schedule(spoken, frozenset(given["trait"]) if given["trait"] else None, zero)
    return {
        "id": version.pk,
        "trial": version.trial.code,
        "label": version.label,
        "digest": version.digest,
        "anchor": protocol.day_zero,
        "day_zero": zero,
        "epochs": [{"code": one.code, "label": one.label} for one in spoken.epochs],
        "activities": [{"code": one.code, "label": one.label} for one in spoken.activities],
        "visits": [_visit(visit, protocol, dated=zero is not None) for visit in visits],
    }


def _visit(visit: ScheduledVisit, protocol: Any, *, dated: bool) -> dict[str, Any]:
    slot, days = visit.slot, visit.days
    rule, timing = slot.rule, slot.rule.timing
    opens, target, closes = days or (None, None, None)
    window = visit.window if dated else None
    return {
        "code": slot.code,
        "rule": rule.code,
        "occurrence": slot.occurrence,
        "label": visit.label,
        "epoch": rule.epoch,
        "timing": timing.kind.value,
        "place": rule.place.value,
        "counts_from": rule.counts_from.code,
        "offset": slot.offset.iso,
        "opens_day": opens,
        "target_day": target,
        "closes_day": closes,
        "day_label": None if target is None else protocol.day_label(target),
        "study_day": visit.study_day,
        "opens": window.opens if window else None,
        "target": window.target if window else None,
        "closes": window.closes if window else None,
        "basis": {
            "timing": rule.basis.kind.value,
            "tolerance": timing.tolerance.basis.kind.value if isinstance(timing, AtOffset) else None,
        },
        "block": rule.block,
        "applies_to": list(rule.applies_to),
        "activities": [one.code for one in visit.activities],
    }
