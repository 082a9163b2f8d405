"""Who went through treatment when, in a whole trial: what gates are judged by, and the cohort board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, CourseStep, Participant, SafetyReview
from participants.selectors import recorded
from schedules.domain.gates import (
    Cohorts,
    Course,
    GateVerdict,
    LevelBoard,
    Review,
    board,
    earliest_start,
    gate_status,
)
from schedules.models import ProtocolWindow, Visit, WindowKind
from schedules.selectors.course import STEPS, clock_at
from schedules.selectors.judging import ended_on
from trials.domain.protocol import Protocol
from trials.models import Cohort, ProtocolVersion, Trial
from trials.selectors import protocol_of, published_versions

People = QuerySet[Participant, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """A participant on the board: their course, whether it has begun, and the gate before a start to come."""

    participant: Participant
    course: Course
    begun: bool
    gate: GateVerdict | None
    observed_until: date | None


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A dose level (None: the whole trial), its slots, its reviews and the earliest next start."""

    cohort: Cohort | None
    level: LevelBoard
    slots: tuple[Slot, ...]
    reviews: tuple[SafetyReview, ...]
    next_start: date | None
    next_gate: GateVerdict


@dataclass(frozen=True, slots=True)
class TrialBoard:
    """The cohort board of a trial on a day."""

    trial: Trial
    protocol: Protocol
    today: date
    levels: tuple[LevelRow, ...]


@dataclass(frozen=True, slots=True)
class TrialCourses:
    """The courses of a trial's participants with the rows they were read from."""

    people: Mapping[str, Participant]
    courses: tuple[Course, ...]
    begun: frozenset[str]


def cohorts_of(protocol: Protocol, trial: int) -> Cohorts:
    """What the gates of a protocol are judged by, in the whole trial; six queries, however many take part."""
    return Cohorts.of(protocol, courses_of(protocol, trial).courses, reviews_of(trial))


def is_gated(protocol: Protocol) -> bool:
    """Whether anything of a protocol asks for gates at all."""
    return bool(protocol.gates or protocol.dose_levels)


def courses_of(protocol: Protocol, trial: int) -> TrialCourses:
    """The courses, planned or past, of everybody in a trial whose day zero is known."""
    people = list(Participant.objects.filter(trial=trial).select_related("cohort", "site").order_by("pk"))
    ids = Participant.objects.filter(trial=trial).values("pk")
    anchors: dict[int, dict[str, RecordedAnchor]] = defaultdict(dict)
    for anchor in Anchor.objects.filter(participant__in=ids):
        anchors[anchor.participant_id][anchor.code] = recorded(anchor)
    marked = [rule.code for rule in protocol.anchors if rule.point_of_no_return]
    derived = _derived(ids, marked)
    observed = _observed(ids)
    ends = _ends(ids)
    found: list[Course] = []
    begun: set[str] = set()
    for person in people:
        course, is_begun = _course(
            person, anchors[person.pk], _Starts(marked, protocol.day_zero, derived.get(person.pk))
        )
        if course is None or (ends.get(person.pk) and not is_begun):
            continue
        infused = (anchors[person.pk].get(protocol.day_zero) or RecordedAnchor("")).actual_on
        over = ends.get(person.pk)
        found.append(
            replace(
                course,
                observed=tuple(observed.get(person.pk, ())),
                ended_on=over,
                replaced=bool(over and not infused),
            )
        )
        if is_begun:
            begun.add(person.subject_code)
    return TrialCourses({one.subject_code: one for one in people}, tuple(found), frozenset(begun))


def reviews_of(trial: int) -> list[Review]:
    """The safety reviews that opened the way, of each level."""
    rows = SafetyReview.objects.filter(cohort__trial=trial, opens_next=True).order_by("held_on")
    return [Review(on, level) for on, level in rows.values_list("held_on", "cohort__code")]


def trial_board(trial: Trial, now: datetime) -> TrialBoard | None:
    """The cohort board of a trial by its newest published version; None where it has none."""
    version: ProtocolVersion | None = published_versions(trial).first()
    if version is None:
        return None
    protocol = protocol_of(version)
    read = courses_of(protocol, trial.pk)
    cohorts = Cohorts.of(protocol, read.courses, reviews_of(trial.pk))
    sites = [person.site for person in read.people.values()]
    today = clock_at(sites[0], now).today if sites else now.date()
    rows = {cohort.code: cohort for cohort in Cohort.objects.filter(trial=trial).order_by("position")}
    reviews: dict[str, list[SafetyReview]] = defaultdict(list)
    for review in SafetyReview.objects.filter(cohort__trial=trial).select_related("cohort", "recorded_by"):
        reviews[review.cohort.code].append(review)
    levels = [
        _level_row(cohorts, level, read, rows.get(level.level or ""), reviews[level.level or ""], today)
        for level in board(cohorts, today)
    ]
    return TrialBoard(trial, protocol, today, tuple(levels))


@dataclass(frozen=True, slots=True)
class _Starts:
    """Which anchors say when a course begins, and the day that the stored visits count from."""

    marked: list[str]
    day_zero: str
    derived: date | None


def _course(
    person: Participant, anchors: Mapping[str, RecordedAnchor], starts: _Starts
) -> tuple[Course | None, bool]:
    """The course of one participant, and whether its point of no return is behind."""
    zero = anchors.get(starts.day_zero)
    if zero is None:
        return None, False
    infusion = zero.actual_on or zero.planned_on
    assert infusion is not None
    set_ = [anchors[code] for code in starts.marked if code in anchors]
    days = [day for one in set_ if (day := one.actual_on or one.planned_on)]
    if not set_ and starts.derived:
        days = [starts.derived]
    begun = any(one.actual_on for one in (*set_, zero))
    level = person.cohort.code if person.cohort else None
    return Course(person.subject_code, level, min([*days, infusion]), infusion), begun


def _derived(ids: People, marked: list[str]) -> dict[int, date]:
    """The days that the visits at the point of no return count from, where no anchor of their own stands."""
    visits = Visit.objects.filter(participant__in=ids, anchor_code__in=marked, cancelled_on=None)
    return dict(visits.order_by("-anchor_on").values_list("participant_id", "anchor_on")) if marked else {}


def _observed(ids: People) -> dict[int, list[tuple[str, date]]]:
    windows = ProtocolWindow.objects.filter(
        participant__in=ids, kind=WindowKind.OBSERVATION, ends_on__isnull=False, cancelled_on=None
    )
    found: dict[int, list[tuple[str, date]]] = defaultdict(list)
    for pk, code, ends in windows.values_list("participant_id", "code", "ends_on"):
        if ends:
            found[pk].append((code, ends))
    return found


def _ends(ids: People) -> dict[int, date]:
    steps: dict[int, list[CourseStep]] = defaultdict(list)
    for step in CourseStep.objects.filter(participant__in=ids, undone=False, step__in=STEPS).order_by("pk"):
        steps[step.participant_id].append(step)
    return {pk: day for pk, taken in steps.items() if (day := ended_on(taken))}


def _level_row(
    cohorts: Cohorts,
    level: LevelBoard,
    read: TrialCourses,
    cohort: Cohort | None,
    reviews: Iterable[SafetyReview],
    today: date,
) -> LevelRow:
    watched = dict(level.observed_until)
    slots = tuple(
        Slot(
            read.people[course.subject],
            course,
            course.subject in read.begun,
            None if course.subject in read.begun else gate_status(cohorts, course),
            watched.get(course.subject),
        )
        for course in sorted(level.courses, key=lambda one: (one.begins, one.subject))
    )
    newcomer = Course("", level.level, today, today + _usual_lead(level.courses))
    return LevelRow(
        cohort,
        level,
        slots,
        tuple(reviews),
        earliest_start(cohorts, newcomer),
        gate_status(cohorts, newcomer),
    )


def _usual_lead(courses: Iterable[Course]) -> timedelta:
    """The days from the point of no return to the infusion, as they are planned here."""
    return max((course.infusion - course.begins for course in courses), default=timedelta(0))
