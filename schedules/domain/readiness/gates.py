"""Gates before the next participant or dose level, judged before the point of no return.

Every parameter is the protocol's: which observation, which interval, how many at a level.
Software never decides a dose: a gate says whether and when the next participant may start, and why not.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import takewhile
from math import ceil
from zoneinfo import ZoneInfo

from participants.domain.moments import DAY, day_of
from schedules.domain.plan.explanations import offset_words
from schedules.domain.plan.values import AnchorKind, Plan
from schedules.domain.readiness.starting_order import ALWAYS, NEVER, Row
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
    `late` is one whose day is over and has not come: of the infusion once treatment has begun, which
    leaves the end of an observation unknown, else of the beginning, which opens nothing for others.
    """

    subject: str
    level: str | None
    begins: date
    infusion: date
    observed: tuple[tuple[str, date], ...] = ()
    ended_on: date | None = None
    replaced: bool = False
    begun: bool = True
    late: bool = False

    @property
    def awaits_infusion(self) -> bool:
        """Whether it has begun, and nobody knows when the infusion will be."""
        return self.begun and self.late

    @property
    def opens(self) -> bool:
        """Whether it counts towards what a level must have before others may begin."""
        return self.begun or not self.late

    def observed_until(self, code: str) -> date | None:
        """The last day of an observation, or the day the participant's part ended if that was before it."""
        if self.awaits_infusion:
            return None
        last = next((day for one, day in self.observed if one == code), None)
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
    itself where the gate is open, None where no day can be told yet.
    """

    open: bool
    opens_on: date | None
    reasons: tuple[GateReason, ...] = ()


@dataclass(frozen=True, slots=True)
class Cohorts:
    """What gates are judged by: the protocol's gates and levels, who went before, and the reviews.

    What many planned starts ask of it is `found` once.
    """

    gates: tuple[Gate, ...]
    levels: tuple[DoseLevel, ...] = ()
    courses: tuple[Course, ...] = ()
    reviews: tuple[Review, ...] = ()
    month: MonthLength = MonthLength.CALENDAR
    zero: Code = INFUSION
    found: _Found = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", _Found(self))

    def holds(self, planned: Course) -> bool:
        """Whether a planned course is on record as it is, and so has its place among the others."""
        return (planned.subject, planned.begins, planned.infusion) in self.found.on_record

    def without(self, subjects: Container[str]) -> Cohorts:
        """The same without some participants."""
        return replace(self, courses=tuple(one for one in self.courses if one.subject not in subjects))

    def at_start(self, day: date, begun: Container[str]) -> Cohorts:
        """Leave out who was to begin on a day and has not: a start that took place waited for nobody."""
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


class _Found:
    """What of cohorts is looked for once, when it is first asked for."""

    def __init__(self, cohorts: Cohorts) -> None:
        self._of = cohorts

    @cached_property
    def on_record(self) -> frozenset[tuple[str, date, date]]:
        """The subjects with their days."""
        return frozenset((one.subject, one.begins, one.infusion) for one in self._of.courses)

    @cached_property
    def waiting(self) -> frozenset[str]:
        """Give those who are planned, have not begun, and wait at a closed gate themselves."""
        starts = [_Start(self._of, course, queued=True) for course in self._of.courses if not course.begun]
        return frozenset(start.planned.subject for start in starts if start.is_barred)

    @cached_property
    def by_infusion(self) -> Mapping[str | None, Sequence[Course]]:
        """Those at each level who have a place there, in the order of their infusions."""
        levels: dict[str | None, list[Course]] = {}
        for course in sorted(self._of.courses, key=lambda one: (one.infusion, one.begins)):
            if not (course.replaced or course.late):
                levels.setdefault(course.level, []).append(course)
        return levels

    @cached_property
    def at(self) -> Mapping[str | None, Sequence[Course]]:
        """Those at each level, by the day on which they begin."""
        levels: dict[str | None, list[Course]] = {}
        for course in sorted(self._of.courses, key=lambda one: one.begins):
            levels.setdefault(course.level, []).append(course)
        return levels

    @cached_property
    def filled(self) -> Mapping[str | None, int]:
        """How many have a place at each level."""
        return {level: sum(not one.replaced for one in found) for level, found in self.at.items()}

    @cached_property
    def reviews(self) -> Mapping[str | None, Sequence[tuple[int, Review]]]:
        """The reviews with their places: of each subject, and under None those of a level or of all."""
        found: dict[str | None, list[tuple[int, Review]]] = {}
        for place, review in enumerate(self._of.reviews):
            found.setdefault(review.subject, []).append((place, review))
        return found

    @cached_property
    def barriers(self) -> Sequence[_Barriers]:
        """For each gate what each course puts in the way of anyone who comes after it."""
        return [_Barriers(self._of, gate) for gate in self._of.gates]


class _Barriers:
    """What each course puts in the way of others at a gate: the same for every start that it bars.

    A board asks it of each planned start, a search for day zero of each day, so that it is put into words
    once. An interval alone depends on the start: on the days from its point of no return to its infusion.
    """

    def __init__(self, cohorts: Cohorts, gate: Gate) -> None:
        self._of, self._gate = cohorts, gate
        courses = cohorts.courses
        self.row = Row(
            [course.begins for course in courses],
            [_bars_begin(cohorts, gate, course) for course in courses],
            [_bars_infusion(cohorts, gate, course) for course in courses],
        )
        self._observations: dict[int, GateReason | None] = {}
        self._reviews: dict[int, GateReason | None] = {}

    def observation(self, number: int) -> GateReason | None:
        """What the observation of the course with this number bars, before the day that it names."""
        if number not in self._observations:
            self._observations[number] = _observation(self._gate, self._of.courses[number])
        return self._observations[number]

    def review(self, number: int) -> GateReason | None:
        """What its safety review bars, in the same way."""
        if number not in self._reviews:
            self._reviews[number] = _review(self._of, self._gate, self._of.courses[number])
        return self._reviews[number]


def is_late(begins: date, infusion: date, *, begun: bool, infused: bool, today: date | None) -> bool:
    """Whether the next day of a course is over and has not come; nobody's where no day is given."""
    return today is not None and not infused and (infusion if begun else begins) < today


def course_of(
    plan: Plan, subject: str, level: str | None, zone: ZoneInfo, today: date | None = None
) -> Course | None:
    """A participant's course as the plan has it; None while day zero is not known.

    The point of no return is the anchor that the protocol marks so, else day zero. With `today` it says of
    the course whether it is late, as others are judged by it.
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
    first, infused = min([*begins, zero]), plan.anchors[plan.protocol.day_zero].kind is AnchorKind.ACTUAL
    late = is_late(first, zero, begun=begun, infused=infused, today=today)
    return Course(subject, level, first, zero, observed, begun=begun, late=late)


def gate_status(cohorts: Cohorts, planned: Course) -> GateVerdict:
    """Whether a planned course passes the gates, judged by those who begin no later than it does.

    Observation and review must be behind it when the point of no return is passed; intervals are
    counted between infusions. Where several reasons stand, the latest day opens.
    """
    return _status(_Start(cohorts, planned, cohorts.holds(planned)))


@dataclass(frozen=True, slots=True)
class _Start:
    """A planned start among the others: whether it has its place on record, and who is not looked at."""

    cohorts: Cohorts
    planned: Course
    queued: bool
    left_out: Callable[[Course], bool] | None = None

    def follows(self, course: Course) -> bool:
        """Whether a course goes before it."""
        if self.left_out is not None and self.left_out(course):
            return False
        return _goes_before(course, self.planned, queued=self.queued)

    def before_at(self, level: str) -> Iterator[Course]:
        """Those at a level who go before it."""
        for course in self.cohorts.found.at.get(level, ()):
            if course.begins > self.planned.begins:
                return
            if self.follows(course):
                yield course

    def opened_at(self, level: str) -> Iterator[Course]:
        """Those of them that count towards what the level must have."""
        return (course for course in self.before_at(level) if course.opens)

    @property
    def reasons(self) -> Iterator[GateReason]:
        """What stands in its way."""
        yield from _order(self)
        yield from _gates(self, sorted)

    @property
    def is_barred(self) -> bool:
        """Whether anything does; the first that is found is enough."""
        return next(_order(self), None) is not None or next(_gates(self, iter), None) is not None


def _status(start: _Start) -> GateVerdict:
    reasons = tuple(start.reasons)
    if not reasons:
        return GateVerdict(True, start.planned.begins)
    days = [reason.opens_on for reason in reasons]
    known = [day for day in days if day is not None]
    return GateVerdict(False, max(known) if len(known) == len(days) else None, reasons)


def waiting_of(cohorts: Cohorts) -> frozenset[str]:
    """Give those who are planned, have not begun, and wait at a closed gate themselves."""
    return cohorts.found.waiting


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
    left_out = None
    if not first.open and cohorts.holds(planned):
        left_out = _behind(planned, waiting_of(cohorts) if waiting is None else waiting)
    # Each round lets at least one more course go before it, so that no more rounds than courses are needed.
    for _round in range(len(cohorts.courses) + 1):
        if verdict.open or verdict.opens_on is None:
            break
        reasons = _distinct(first.reasons, verdict.reasons)
        planned = _moved(planned, verdict.opens_on)
        verdict = _status(_Start(cohorts, planned, cohorts.holds(planned), left_out))
    if not verdict.open:
        reasons = _distinct(first.reasons, verdict.reasons)
    return GateVerdict(first.open, verdict.opens_on if verdict.open else None, reasons)


def _distinct(*several: Iterable[GateReason]) -> tuple[GateReason, ...]:
    """All of these reasons in order, each once; most are the very same, and not compared by their words."""
    same = {id(reason): reason for reasons in several for reason in reasons}
    return tuple(dict.fromkeys(same.values()))


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


def _behind(planned: Course, waiting: Container[str]) -> Callable[[Course], bool]:
    """Tell of a course on record whether it is planned after this one and waits at a closed gate itself."""

    def is_behind(course: Course) -> bool:
        if course.begun or course.subject == planned.subject or course.subject not in waiting:
            return False
        return not _goes_before(course, planned, queued=True)

    return is_behind


def _reason(
    gate: Gate | None, opens_on: date | None, template: str, values: Mapping[str, Value]
) -> GateReason:
    return GateReason(gate.code if gate else None, Words.of(template, values), opens_on)


def _order(start: _Start) -> Iterator[GateReason]:
    """Levels are opened in order, each after the one below has its planned size; none is overfilled."""
    levels, planned = start.cohorts.levels, start.planned
    place = next((n for n, level in enumerate(levels) if level.code == planned.level), None)
    if place is None:
        return
    level = levels[place]
    if level.planned is not None and _is_full(start, level.code, level.planned):
        values: dict[str, Value] = {"level": level.label, "n": level.planned}
        yield _reason(None, None, _("Level %(level)s has its %(n)d participants."), values)
    if place and next(start.opened_at(level.code), None) is None:
        yield from _below(levels[place - 1], level, start)


def _is_full(start: _Start, level: str, size: int) -> bool:
    """Whether a level has its planned size without this start."""
    if start.cohorts.found.filled.get(level, 0) < size:
        return False
    others = (
        not (course.replaced or course.subject == start.planned.subject)
        and not (start.left_out and start.left_out(course))
        for course in start.cohorts.found.at[level]
    )
    return sum(others) >= size


def _below(lower: DoseLevel, level: DoseLevel, start: _Start) -> Iterator[GateReason]:
    """What the level below still lacks before this one is opened."""
    filled = sum(not course.replaced for course in start.opened_at(lower.code))
    values: dict[str, Value] = {"lower": lower.label, "level": level.label, "n": filled}
    if lower.planned is None and not filled:
        words = _("Nobody has begun at %(lower)s, which comes before %(level)s.")
        yield _reason(None, None, words, values)
    elif lower.planned is not None and filled < lower.planned:
        values["planned"] = lower.planned
        words = _("%(lower)s has %(n)d of %(planned)d participants; %(level)s comes after it.")
        yield _reason(None, None, words, values)


def _gates(start: _Start, order: Callable[[Iterator[int]], Iterable[int]]) -> Iterator[GateReason]:
    """What keeps the gates closed, of each in an order of those who may keep it so by their numbers."""
    cohorts, planned = start.cohorts, start.planned
    for gate, barriers in zip(cohorts.gates, cohorts.found.barriers, strict=True):
        barring = barriers.row.barring(planned.begins, planned.infusion)
        of_level = gate.before is GateBefore.LEVEL
        for number in _lower_level(start) if of_level else order(barring):
            if start.follows(course := cohorts.courses[number]):
                observation, review = barriers.observation(number), barriers.review(number)
                if observation is not None and _bars(observation, planned):
                    yield observation
                yield from _interval(start, gate, course)
                if review is not None and _bars(review, planned):
                    yield review


def _bars(reason: GateReason, planned: Course) -> bool:
    return reason.opens_on is None or planned.begins < reason.opens_on


def _bars_begin(cohorts: Cohorts, gate: Gate, course: Course) -> int:
    """Before which day, as an ordinal, nobody after a course may begin: by its observation and review."""
    bars = NEVER
    if gate.observation is not None:
        until = course.observed_until(gate.observation)
        bars = ALWAYS if until is None else until.toordinal() + 1
    if gate.review and not course.replaced:
        opened = _opened(_held(cohorts, gate, course))
        bars = max(bars, opened[-1].on.toordinal() if opened else ALWAYS)
    return bars


def _bars_infusion(cohorts: Cohorts, gate: Gate, course: Course) -> int:
    """Before which day, as an ordinal, nobody after a course is infused, by the longest of the intervals."""
    intervals = () if course.replaced else (gate.interval, gate.first_of_level_interval)
    if course.awaits_infusion and any(intervals):
        return ALWAYS
    days = (_after_interval(course.infusion, one, cohorts.month) for one in intervals if one is not None)
    return max((day.toordinal() for day in days), default=NEVER)


def _lower_level(start: _Start) -> list[int]:
    """The numbers of those at the level below, for who is first at a level; nobody for those who follow."""
    codes = [level.code for level in start.cohorts.levels]
    place = codes.index(start.planned.level) if start.planned.level in codes else 0
    if not place or next(start.opened_at(codes[place]), None) is not None:
        return []
    below = {course.subject for course in start.before_at(codes[place - 1])}
    return [number for number, course in enumerate(start.cohorts.courses) if course.subject in below]


def _observation(gate: Gate, course: Course) -> GateReason | None:
    """The observation of anyone who went before must be over: the day after its last day opens."""
    if gate.observation is None:
        return None
    until = course.observed_until(gate.observation)
    if until is None:
        words = _("When the observation of %(subject)s ends is not known.")
        return _reason(gate, None, words, {"subject": course.subject})
    values: dict[str, Value] = {"subject": course.subject, "day": until}
    if course.begun:
        return _reason(gate, until + DAY, UNDER_OBSERVATION, values)
    return _reason(gate, until + DAY, PLANNED_BEFORE, {**values, "begins": course.begins})


def _interval(start: _Start, gate: Gate, course: Course) -> Iterator[GateReason]:
    """So much time between infusions, longer after the first of a level; who had none is not waited for."""
    cohorts, planned = start.cohorts, start.planned
    longer = gate.first_of_level_interval
    interval = longer if longer and _is_first(start, course) else gate.interval
    if course.replaced or interval is None:
        return
    if course.awaits_infusion:
        words = _("When the %(zero)s of %(subject)s will be is not known.")
        yield _reason(gate, None, words, {"zero": cohorts.zero, "subject": course.subject})
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


def _is_first(start: _Start, course: Course) -> bool:
    """Whether a course is infused first at its level."""
    at_level = start.cohorts.found.by_infusion.get(course.level, ())
    first = next((one for one in at_level if not (start.left_out and start.left_out(one))), course)
    return first == course


def _after_interval(infusion: date, interval: Offset, month: MonthLength) -> date:
    """The first day that lies the whole interval after an infusion day; hours are rounded up to days."""
    if interval.unit is Unit.HOURS:
        return infusion + timedelta(days=ceil(interval.amount / 24))
    return shift_day(infusion, interval, month)


def _review(cohorts: Cohorts, gate: Gate, course: Course) -> GateReason | None:
    """A review of anyone who was infused before, or of the level, not before the observation ended.

    One that does not let the next begin closes the way that an earlier one had opened.
    """
    if not gate.review or course.replaced:
        return None
    held = _held(cohorts, gate, course)
    opened = _opened(held)
    values: dict[str, Value] = {"subject": course.subject}
    if not held:
        return _reason(gate, None, NO_REVIEW, values)
    if not opened:
        words = _("The safety review of %(day)s, after %(subject)s, does not let the next one begin.")
        return _reason(gate, None, words, {**values, "day": held[-1].on})
    words = _("The safety review of %(subject)s was on %(day)s.")
    return _reason(gate, opened[-1].on, words, {**values, "day": opened[-1].on})


def _held(cohorts: Cohorts, gate: Gate, course: Course) -> list[Review]:
    """The reviews that count for a course at a gate, by their days."""
    since = course.observed_until(gate.observation) if gate.observation else course.infusion
    if since is None or course.awaits_infusion:
        return []
    known = cohorts.found.reviews
    possible = sorted((*known.get(None, ()), *known.get(course.subject, ())), key=lambda one: one[0])
    held = [review for _place, review in possible if _reviews(review, course, since)]
    return sorted(held, key=lambda review: review.on)


def _opened(held: Sequence[Review]) -> list[Review]:
    """The last of these reviews as long as each lets the next begin, the latest first."""
    return list(takewhile(lambda review: review.opens, reversed(held)))


def _reviews(review: Review, course: Course, since: date) -> bool:
    of_all = review.subject is None and review.level in {None, course.level}
    return (of_all or review.subject == course.subject) and review.on >= since
