"""What is on record of participants: anchors, facts, steps of courses, activities done, windows judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from participants.domain.fact_kinds import FactKind
from participants.domain.lifecycle import Extent, Phase, Step
from participants.domain.moments import on_record
from schedules.api.fields import SiteInstant
from schedules.api.reading.participants import AnchorSerializer, ProtocolWindowSerializer
from schedules.api.reading.queries import PeopleQuery
from schedules.api.reading.views import ReadView, asked, listed
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from schedules.selectors.exchange.people import WantedPeople
from schedules.selectors.exchange.person_rows import (
    Judged,
    PersonCourse,
    listed_activities,
    listed_anchors,
    listed_facts,
    listed_steps,
    listed_windows,
    person_course,
)
from schedules.selectors.store.course import person_in_sight
from trials import request_clock
from trials.api.answers import answer, some_of
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, OneQuery, SparseMixin, id_after
from trials.api.schema import page_of
from trials.keyset import Page
from trials.models import User
from trials.spoken import say
from trials.zones import roles_day, zone_of

PagesOf = Callable[[User, WantedPeople, tuple[int | None, int], datetime], Page[Any]]

FACT_KINDS = [kind.value for kind in FactKind]


class WhoseSerializer(serializers.Serializer):
    """Whose a row is."""

    id = serializers.IntegerField(source="row.pk", help_text="Ours.")
    trial = serializers.CharField(source="row.participant.trial.code", help_text="The trial's code.")
    site = serializers.CharField(
        source="row.participant.site.code", help_text="The code of the participant's present site."
    )
    participant = serializers.IntegerField(source="row.participant_id", help_text="The participant's id.")
    subject_code = serializers.CharField(
        source="row.participant.subject_code", help_text="The participant's pseudonym."
    )


class AnchorRowSerializer(WhoseSerializer, AnchorSerializer):
    """A day that others count from, planned and then actual."""


class FactRowSerializer(WhoseSerializer):
    """A fact that protocol windows are judged by; a corrected one stands withdrawn beside its correction."""

    kind = serializers.ChoiceField(FACT_KINDS, source="row.kind", help_text="What kind of fact it is.")
    of = serializers.CharField(
        source="row.of",
        help_text="The protocol's code of the drug, the test, …; empty where none is needed.",
    )
    of_said = serializers.CharField(
        source="label", help_text="What that is called, from the protocol, in the client's language."
    )
    starts_on = serializers.DateField(
        source="row.starts_on", allow_null=True, help_text="The day, or the first one, at the site."
    )
    starts_at = SiteInstant(
        source="row.starts_at",
        recorded="row.starts_zone",
        help_text="The hour, where it is known, with the offset of the place of the record.",
    )
    ends_on = serializers.DateField(
        source="row.ends_on", allow_null=True, help_text="The last day; null for one day or no known end."
    )
    ends_at = SiteInstant(
        source="row.ends_at",
        recorded="row.ends_zone",
        help_text="The hour of the end, with the offset of the place of the record.",
    )
    detail = serializers.DictField(
        source="row.detail",
        help_text="What only this kind has: `minutes` of travel, a `result`, `half_life_hours`, …",
    )
    corrects = serializers.IntegerField(
        source="row.corrects_id", allow_null=True, help_text="The id of the fact that it puts right."
    )
    withdrawn_at = SiteInstant(
        source="row.withdrawn_at", help_text="When it was withdrawn or corrected; null while it stands."
    )
    withdrawn_reason = serializers.CharField(
        source="row.withdrawn_reason", help_text="Why, as a person wrote it."
    )
    recorded_at = SiteInstant(source="row.recorded_at", help_text="When it was put on record.")


class StepSerializer(serializers.Serializer):
    """A step of a participant's course."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    step = serializers.ChoiceField([step.value for step in Step], help_text="What happened.")
    step_said = serializers.CharField(
        source="get_step_display", help_text="The same in the client's language."
    )
    happened_on = serializers.DateField(help_text="The day at the site, as entered.")
    reason = serializers.CharField(help_text="As a person wrote it; empty where none is asked for.")
    attempt = serializers.IntegerField(help_text="The attempt at screening that it belongs to, from 1.")
    ends = serializers.SerializerMethodField(
        help_text="What it ends: treatment, the visits of the protocol, or all contact; null for nothing."
    )
    undone = serializers.BooleanField(help_text="Whether a person took it back.")

    @extend_schema(responses=serializers.ChoiceField([one.value for one in Extent], allow_null=True))
    def get_ends(self, step: Any) -> str | None:
        extent = step.taken.extent
        return extent.value if extent else None


class StepRowSerializer(StepSerializer):
    """A step of somebody's course, with whose it is."""

    trial = serializers.CharField(source="participant.trial.code", help_text="The trial's code.")
    site = serializers.CharField(
        source="participant.site.code", help_text="The code of the participant's present site."
    )
    participant = serializers.IntegerField(source="participant_id", help_text="The participant's id.")
    subject_code = serializers.CharField(
        source="participant.subject_code", help_text="The participant's pseudonym."
    )


class CourseSerializer(serializers.Serializer):
    """Where a participant stands in a trial."""

    participant = serializers.IntegerField(source="participant.pk", help_text="The participant's id.")
    subject_code = serializers.CharField(
        source="participant.subject_code", help_text="The participant's pseudonym."
    )
    phase = serializers.ChoiceField(
        [phase.value for phase in Phase],
        help_text="Derived from the steps that stand, chemotherapy and infusion: `withdrawn`, `lost`, …",
    )
    steps = StepSerializer(many=True, help_text="In the order in which they were recorded, undone ones too.")


class ActivitySerializer(serializers.Serializer):
    """Whether an activity of the schedule was done at a visit."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    trial = serializers.CharField(source="participant.trial.code", help_text="The trial's code.")
    site = serializers.CharField(
        source="participant.site.code", help_text="The code of the participant's present site."
    )
    participant = serializers.IntegerField(source="participant_id", help_text="The participant's id.")
    subject_code = serializers.CharField(
        source="participant.subject_code", help_text="The participant's pseudonym."
    )
    visit = serializers.IntegerField(source="visit_id", help_text="The id of the visit.")
    visit_code = serializers.CharField(source="visit.code", help_text="The code of the visit.")
    code = serializers.CharField(help_text="The activity's code in the protocol version.")
    label = serializers.SerializerMethodField(  # type: ignore[assignment]  # a field, and not the attribute
        help_text="What people call it, from the protocol, in the client's language."
    )
    done = serializers.BooleanField(help_text="Whether it was done, as recorded.")
    done_at = serializers.SerializerMethodField(
        help_text="When, where the hour is recorded, with the offset of the place where it was recorded."
    )
    reason = serializers.CharField(help_text="Why it was not done, as a person wrote it.")

    def get_label(self, activity: Any) -> str:
        return say(activity.label)

    @extend_schema(responses=serializers.DateTimeField(allow_null=True))
    def get_done_at(self, activity: Any) -> datetime | None:
        zone = zone_of(activity.participant.site)
        return on_record(activity.done_at, activity.visit.performed_zone, zone)


class VerdictSerializer(serializers.Serializer):
    """What a window comes to now, by what is on record."""

    status = serializers.ChoiceField(
        [one.value for one in VerdictStatus],
        help_text="`cannot-judge`: a fact is missing; `at-risk`: not kept yet, and it can still be.",
    )
    since = serializers.CharField(
        allow_null=True,
        help_text="Since when it is so: a day at the site, or an instant with its offset; null for no point.",
    )
    becomes_violation_at = serializers.DateTimeField(
        allow_null=True, help_text="From when it is a violation unless something changes; null for never."
    )
    because = serializers.ListField(
        child=serializers.CharField(), help_text="The evidence, in words of the client's language."
    )
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="What is not on record, in words of the client's language."
    )
    needed_by = serializers.DateTimeField(
        allow_null=True, help_text="By when that is needed; null where nothing waits for it yet."
    )


def verdict_document(verdict: Verdict, zone: ZoneInfo) -> dict[str, Any]:
    """A verdict as it is sent, instants by the clocks of the zone."""
    becomes, needed = verdict.becomes_violation_at, verdict.needed_by if verdict.missing else None
    return {
        "status": verdict.status.value,
        "since": verdict.since,
        "becomes_violation_at": becomes.astimezone(zone) if becomes else None,
        "because": list(verdict.because(say)),
        "missing": list(verdict.missing_text(say)),
        "needed_by": needed.astimezone(zone) if needed else None,
    }


class WindowRowSerializer(WhoseSerializer, ProtocolWindowSerializer):
    """An interval in which something must hold, and what it comes to; an end not known yet is null."""

    waivable = serializers.BooleanField(help_text="Whether the protocol lets an investigator waive it.")
    verdict = serializers.SerializerMethodField(
        help_text="What it comes to now; null where the protocol no longer asks for it."
    )

    @extend_schema(responses=VerdictSerializer(allow_null=True))
    def get_verdict(self, judged: Judged) -> Any:
        return verdict_document(judged.verdict, judged.zone) if judged.verdict else None


class AnchorsQuery(SparseMixin, PeopleQuery):
    """Whose anchors are wanted."""

    shows = AnchorRowSerializer


class FactsQuery(SparseMixin, PeopleQuery):
    """Whose facts are wanted."""

    shows = FactRowSerializer


class StepsQuery(SparseMixin, PeopleQuery):
    """Whose steps are wanted."""

    shows = StepRowSerializer


class ActivitiesQuery(SparseMixin, PeopleQuery):
    """Whose activities are wanted."""

    shows = ActivitySerializer


class WindowsQuery(SparseMixin, PeopleQuery):
    """Whose windows are wanted."""

    shows = WindowRowSerializer


class OneCourseQuery(SparseMixin, OneQuery):
    """Which fields of a course are wanted."""

    shows = CourseSerializer


def page_of_rows(
    request: Request, query: ListQuery, item: Any, pages: Callable[..., Page[Any]], wanted: WantedPeople
) -> HttpResponse:
    """A page of what some selector lists by id."""
    given = query.validated_data
    page = pages(signed_in(request), wanted, (id_after(given), given["page_size"]), request_clock.now())
    return listed(request, query, item, (page.rows, page.after))


def _spoken(pages: Callable[..., Page[Any]]) -> PagesOf:
    return lambda user, wanted, page, now: pages(user, wanted, page, now, say)


class AnchorList(ReadView):
    """The anchors of participants in the reader's sight."""

    @extend_schema(
        operation_id="anchors_list",
        summary="Anchors, by id: planned and actual days that others count from",
        parameters=[AnchorsQuery],
        responses={200: page_of("AnchorRow", AnchorRowSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(AnchorsQuery, request)
        return page_of_rows(request, query, AnchorRowSerializer, _spoken(listed_anchors), query.people)


class FactList(ReadView):
    """The facts of participants in the reader's sight."""

    @extend_schema(
        operation_id="facts_list",
        summary="Facts, by id: what protocol windows are judged by, withdrawn ones too",
        parameters=[FactsQuery],
        responses={200: page_of("FactRow", FactRowSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(FactsQuery, request)
        return page_of_rows(request, query, FactRowSerializer, _spoken(listed_facts), query.people)


class StepList(ReadView):
    """The steps of courses in the reader's sight."""

    @extend_schema(
        operation_id="course_steps_list",
        summary="Steps of courses, by id: screen failure, withdrawal, lost to follow-up, …",
        parameters=[StepsQuery],
        responses={200: page_of("StepRow", StepRowSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(StepsQuery, request)
        return page_of_rows(request, query, StepRowSerializer, listed_steps, query.people)


class ActivityList(ReadView):
    """What was done at visits in the reader's sight."""

    @extend_schema(
        operation_id="activities_list",
        summary="Activities done or left at visits, by id",
        parameters=[ActivitiesQuery],
        responses={200: page_of("Activity", ActivitySerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(ActivitiesQuery, request)
        return page_of_rows(request, query, ActivitySerializer, listed_activities, query.people)


class WindowList(ReadView):
    """The protocol windows of participants in the reader's sight."""

    @extend_schema(
        operation_id="protocol_windows_list",
        summary="Protocol windows, by id, each with its verdict at this moment",
        parameters=[WindowsQuery],
        responses={200: page_of("WindowRow", WindowRowSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(WindowsQuery, request)
        return page_of_rows(request, query, WindowRowSerializer, _spoken(listed_windows), query.people)


class CourseDetail(ReadView):
    """The course of one participant in the reader's sight."""

    @extend_schema(
        operation_id="participants_course",
        summary="Where a participant stands in the trial, and the steps that led there",
        parameters=[OneCourseQuery],
        responses={200: CourseSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        query = asked(OneCourseQuery, request)
        person = person_in_sight(signed_in(request), roles_day(request_clock.now()), id)
        if person is None:
            raise NotFound
        found: PersonCourse = person_course(person)
        return answer(request, some_of([CourseSerializer(found).data], query.names)[0])
