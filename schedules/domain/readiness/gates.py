"""Gates before the next participant or dose level, judged before the point of no return.

Every parameter is the protocol's: which observation, which interval, how many at a level.
Software never decides a dose: a gate says whether and when the way is open, and why not.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import takewhile
from math import ceil
from zoneinfo import ZoneInfo

from participants.domain.moments import DAY, day_of
from schedules.domain.plan.explanations import offset_words
from schedules.domain.plan.values import AnchorKind, Plan
from trials.domain.language import Code
from trials.domain.protocols.offsets import MonthLength, Offset, Unit, shift_day
from trials.domain.protocols.protocol import DoseLevel, Gate, GateBefore, Observation, Protocol
from trials.domain.protocols.treatment_names import INFUSION, day_zero_name
from trials.domain.words import Say, Value, Words, day_text, plain
from trials.domain.words import mark as _

UNDER_OBSERVATION = _("Under observation until %(day)s: %(subject)s.")
PLANNED_BEFORE = _("Planned to begin on %(begins)s, then observed until %(day)s: %(subject)s.")
NO_REVIEW = _("No safety review of %(subject)s is on record.")


@dataclass(frozen=True, slots=True)
class Course:
    """One participant's way through treatment, planned or past.

    `begins` is the point of no return (the first chemotherapy, else the infusion); `observed`
    maps observation windows to their last days. `ended_on` cuts an observation short. A
    participant who is `replaced` left before the infusion, and does not count against the planned
    size of the level. Nobody is under observation who has not `begun`.
    """

    subject: str
    level: str | None
    begins: date
    infusion: date
    observed: tuple[tuple[str, date], ...] = ()
    ended_on: date | None = None
    replaced: bool = False
    begun: bool = True

    def observed_until(self, code: str) -> date | None:
        """The last day of an observation, or the day the participant's part ended if that was before it."""
        last = dict(self.observed).get(code)
        if last is None or self.ended_on is None:
            return last
        return min(last, self.ended_on)


@dataclass(frozen=True, slots=True)
class Review:
    """A safety review on record: of one participant; else of a whole level; else of the whole trial.

    `opens` says whether it lets anyone who is next begin.
    """

    on: date
    level: str | None = None
    subject: str | None = None
    opens: bool = True


@dataclass(frozen=True, slots=True)
class GateReason:
    """Why a gate is closed: the gate, since it may not be one, words, and the day that lifts it if known."""

    gate: str | None
    words: Words
    opens_on: date | None

    def text(self, say: Say = plain) -> str:
        """The reason as a sentence."""
        return self.words.text(say, day_text)


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether a planned start passes every gate.

    `opens_on` is the first day on which the point of no return may be passed: the planned day
    itself where the way is open, None where no day can be told yet.
    """

    open: bool
    opens_on: date | None
    reasons: tuple[GateReason, ...] = ()


@dataclass(frozen=True, slots=True)
class Cohorts:
    """What gates are judged by: the protocol's gates and levels, who went before, and the reviews.

    `firsts` are those who are infused first at each level; they are found once.
    """

    gates: tuple[Gate, ...]
    levels: tuple[DoseLevel, ...] = ()
    courses: tuple[Course, ...] = ()
    reviews: tuple[Review, ...] = ()
    month: MonthLength = MonthLength.CALENDAR
    zero: Code = INFUSION
    firsts: Mapping[str | None, Course] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        firsts: dict[str | None, Course] = {}
        for course in self.courses:
            first = firsts.get(course.level)
            earlier = first is None or (course.infusion, course.begins) < (first.infusion, first.begins)
            if not course.replaced and earlier:
                firsts[course.level] = course
        object.__setattr__(self, "firsts", firsts)

    def holds(self, planned: Course) -> bool:
        """Whether a planned course is on record as it is, and so has its place among the others."""
        return any(
            (one.subject, one.begins, one.infusion) == (planned.subject, planned.begins, planned.infusion)
            for one in self.courses
        )

    def without(self, subjects: Container[str]) -> Cohorts:
        """The same without some participants."""
        return replace(self, courses=tuple(one for one in self.courses if one.subject not in subjects))

    def at_start(self, day: date, begun: Container[str]) -> Cohorts:
        """By whom a start that took place is judged: not by those who were to begin that day and have not."""
        return replace(self, courses=tuple(c for c in self.courses if c.subject in begun or c.begins != day))

    @classmethod
    def of(cls, protocol: Protocol, courses: Sequence[Course], reviews: Sequence[Review] = ()) -> Cohorts:
        """The cohorts of a protocol, with these participants and reviews."""
        return cls(
            protocol.gates,
            protocol.dose_levels,
            tuple(courses),
            tuple(reviews),
            protocol.month,
            day_zero_name(protocol),
        )


def course_of(plan: Plan, subject: str, level: str | None, zone: ZoneInfo) -> Course | None:
    """A participant's course as the plan has it; None while day zero is not known.

    The point of no return is the anchor that the protocol marks so, else day zero.
    """
    zero = plan.day_zero
    if zero is None:
        return None
    marked = [rule.code for rule in plan.protocol.anchors if rule.point_of_no_return]
    begins = [plan.anchors[code].day for code in marked if code in plan.anchors]
    starts = (plan.anchors.get(code) for code in (*marked, plan.protocol.day_zero))
    begun = any(start is not None and start.kind is AnchorKind.ACTUAL for start in starts)
    observed = tuple(
        (window.rule.code, day_of(window.ends, zone))
        for window in plan.windows
        if isinstance(window.rule.terms, Observation) and window.ends is not None
    )
    return Course(subject, level, min([*begins, zero]), zero, observed, begun=begun)


def gate_status(cohorts: Cohorts, planned: Course) -> GateVerdict:
    """Whether a planned course passes the gates, judged by those who begin no later than it does.

    Observation and review must be behind it when the point of no return is passed; intervals are
    counted between infusions. Where several reasons stand, the latest day opens.
    """
    queued = cohorts.holds(planned)
    before = [course for course in cohorts.courses if _goes_before(course, planned, queued=queued)]
    reasons = (*_order(cohorts, planned, before), *_gates(cohorts, planned, before))
    if not reasons:
        return GateVerdict(True, planned.begins)
    days = [reason.opens_on for reason in reasons]
    known = [day for day in days if day is not None]
    return GateVerdict(False, max(known) if len(known) == len(days) else None, reasons)


def waiting_of(cohorts: Cohorts) -> frozenset[str]:
    """Those who are planned, have not begun, and wait at a closed gate themselves."""
    planned = (course for course in cohorts.courses if not course.begun)
    return frozenset(course.subject for course in planned if not gate_status(cohorts, course).open)


def gate_ahead(cohorts: Cohorts, planned: Course, waiting: Container[str] | None = None) -> GateVerdict:
    """Whether a planned course passes the gates; where not, the first day on which it really does.

    By the day that lifts what stands in the way now, others that are planned may have begun: anyone who
    begins until then counts as going before. Not those who are planned after it and are `waiting`
    themselves (found here where not given): two that wait for one thing do not wait for each other. The
    reasons are those of the planned day, and those that set the day. None where something without a
    day, such as a review, stands in the way.
    """
    first = verdict = gate_status(cohorts, planned)
    reasons = first.reasons
    if not first.open and cohorts.holds(planned):
        cohorts = cohorts.without(_behind(cohorts, planned, waiting))
    for _round in range(len(cohorts.courses) + 1):
        if verdict.open or verdict.opens_on is None:
            break
        reasons = tuple(dict.fromkeys((*first.reasons, *verdict.reasons)))
        planned = _moved(planned, verdict.opens_on)
        verdict = gate_status(cohorts, planned)
    if not verdict.open:
        reasons = tuple(dict.fromkeys((*first.reasons, *verdict.reasons)))
    return GateVerdict(first.open, verdict.opens_on if verdict.open else None, reasons)


def earliest_start(cohorts: Cohorts, planned: Course) -> date | None:
    """The first day, from the planned one on, on which the point of no return may be passed, as above."""
    return gate_ahead(cohorts, planned).opens_on


def _moved(course: Course, begins: date) -> Course:
    return Course(course.subject, course.level, begins, course.infusion + (begins - course.begins))


def _goes_before(course: Course, planned: Course, *, queued: bool) -> bool:
    """Whether a course begins before a planned one.

    Of two that are on record for one day and have not begun, one goes first: by the infusion, then by the
    subject code. Else each would wait for the other. Who is not on record yet waits for all of that day.
    """
    if course.subject == planned.subject or course.begins > planned.begins:
        return False
    if course.begins < planned.begins or course.begun or not queued:
        return True
    return (course.infusion, course.subject) < (planned.infusion, planned.subject)


def _behind(cohorts: Cohorts, planned: Course, waiting: Container[str] | None) -> frozenset[str]:
    """Those on record who are planned after this one and wait at a closed gate themselves."""
    later = [
        course
        for course in cohorts.courses
        if not (course.begun or course.subject == planned.subject)
        and not _goes_before(course, planned, queued=True)
    ]
    if waiting is None and later:
        waiting = waiting_of(cohorts)
    return frozenset(course.subject for course in later if waiting and course.subject in waiting)


def _reason(
    gate: Gate | None, opens_on: date | None, template: str, values: Mapping[str, Value]
) -> GateReason:
    return GateReason(gate.code if gate else None, Words.of(template, values), opens_on)


def _order(cohorts: Cohorts, planned: Course, before: Sequence[Course]) -> Iterator[GateReason]:
    """Levels are opened in order, each after the one below has its planned size; none is overfilled."""
    codes = [level.code for level in cohorts.levels]
    if planned.level is None or planned.level not in codes:
        return
    place = codes.index(planned.level)
    level = cohorts.levels[place]
    if level.planned is not None and _filled(cohorts.courses, level, planned.subject) >= level.planned:
        values: dict[str, Value] = {"level": level.label, "n": level.planned}
        yield _reason(None, None, _("Level %(level)s has its %(n)d participants."), values)
    if place and not _at(before, level.code):
        yield from _below(cohorts.levels[place - 1], level, before)


def _below(lower: DoseLevel, level: DoseLevel, before: Sequence[Course]) -> Iterator[GateReason]:
    """What the level below still lacks before this one is opened."""
    filled = _filled(before, lower)
    values: dict[str, Value] = {"lower": lower.label, "level": level.label, "n": filled}
    if lower.planned is None and not filled:
        words = _("Nobody has begun at %(lower)s, which comes before %(level)s.")
        yield _reason(None, None, words, values)
    elif lower.planned is not None and filled < lower.planned:
        values["planned"] = lower.planned
        words = _("%(lower)s has %(n)d of %(planned)d participants; %(level)s comes after it.")
        yield _reason(None, None, words, values)


def _filled(courses: Sequence[Course], level: DoseLevel, but: str = "") -> int:
    return sum(not course.replaced and course.subject != but for course in _at(courses, level.code))


def _at(courses: Sequence[Course], level: str) -> list[Course]:
    return [course for course in courses if course.level == level]


def _gates(cohorts: Cohorts, planned: Course, before: Sequence[Course]) -> Iterator[GateReason]:
    for gate in cohorts.gates:
        of_level = gate.before is GateBefore.LEVEL
        earlier = _lower_level(cohorts, planned, before) if of_level else before
        for course in earlier:
            yield from _observation(gate, planned, course)
            yield from _interval(cohorts, gate, planned, course)
            yield from _review(cohorts, gate, planned, course)


def _lower_level(cohorts: Cohorts, planned: Course, before: Sequence[Course]) -> list[Course]:
    """Those at the level below, for anyone who is the first at a level; nobody for those who follow."""
    codes = [level.code for level in cohorts.levels]
    first = planned.level in codes and not _at(before, str(planned.level))
    place = codes.index(str(planned.level)) if first else 0
    return _at(before, codes[place - 1]) if place else []


def _observation(gate: Gate, planned: Course, course: Course) -> Iterator[GateReason]:
    """The observation of anyone who went before must be over: the day after its last day opens."""
    if gate.observation is None:
        return
    until = course.observed_until(gate.observation)
    if until is None:
        words = _("When the observation of %(subject)s ends is not known.")
        yield _reason(gate, None, words, {"subject": course.subject})
    elif planned.begins <= until:
        values: dict[str, Value] = {"subject": course.subject, "day": until}
        if course.begun:
            yield _reason(gate, until + DAY, UNDER_OBSERVATION, values)
        else:
            yield _reason(gate, until + DAY, PLANNED_BEFORE, {**values, "begins": course.begins})


def _interval(cohorts: Cohorts, gate: Gate, planned: Course, course: Course) -> Iterator[GateReason]:
    """So much time between infusions, longer after the first of a level; who had none is not waited for."""
    if course.replaced:
        return
    first = cohorts.firsts.get(course.level, course) == course
    interval = gate.first_of_level_interval if first and gate.first_of_level_interval else gate.interval
    if interval is None:
        return
    allowed = _after_interval(course.infusion, interval, cohorts.month)
    if planned.infusion < allowed:
        words = _("%(interval)s from the %(zero)s of %(subject)s: no %(zero)s before %(day)s.")
        values: dict[str, Value] = {
            "interval": offset_words(interval),
            "zero": cohorts.zero,
            "subject": course.subject,
            "day": allowed,
        }
        yield _reason(gate, allowed - (planned.infusion - planned.begins), words, values)


def _after_interval(infusion: date, interval: Offset, month: MonthLength) -> date:
    """The first day that lies the whole interval after an infusion day; hours are rounded up to days."""
    if interval.unit is Unit.HOURS:
        return infusion + timedelta(days=ceil(interval.amount / 24))
    return shift_day(infusion, interval, month)


def _review(cohorts: Cohorts, gate: Gate, planned: Course, course: Course) -> Iterator[GateReason]:
    """A review of anyone who was infused before, or of the level, not before the observation ended.

    One that does not let the next begin closes the way that an earlier one had opened.
    """
    if not gate.review or course.replaced:
        return
    since = course.observed_until(gate.observation) if gate.observation else course.infusion
    held = [review for review in cohorts.reviews if since and _reviews(review, course, since)]
    held.sort(key=lambda review: review.on)
    opened = list(takewhile(lambda review: review.opens, reversed(held)))
    values: dict[str, Value] = {"subject": course.subject}
    if not held:
        yield _reason(gate, None, NO_REVIEW, values)
    elif not opened:
        values["day"] = held[-1].on
        words = _("The safety review of %(day)s, after %(subject)s, does not let the next one begin.")
        yield _reason(gate, None, words, values)
    elif planned.begins < opened[-1].on:
        values["day"] = opened[-1].on
        words = _("The safety review of %(subject)s was on %(day)s.")
        yield _reason(gate, opened[-1].on, words, values)


def _reviews(review: Review, course: Course, since: date) -> bool:
    of_all = review.subject is None and review.level in {None, course.level}
    return (of_all or review.subject == course.subject) and review.on >= since
