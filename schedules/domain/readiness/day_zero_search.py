"""Finding a day zero: the days of a range, the best first, each with everything that speaks against it.

Every reason has a weight (WEIGHTS, which a site may set otherwise), a day's points are their sum, and
fewer are better. Each full week after the first day that is possible weighs as much as the mildest
objection, and of two days with as many points the earlier comes first. The same record gives the same
order. No protocol says how these weigh: they are assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from participants.domain.lifecycle import Phase
from participants.domain.product import Product, ready_on, usual_days
from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.plan.holds import find_hold
from schedules.domain.plan.suggestions import moves
from schedules.domain.plan.values import Plan, PlannedVisit
from schedules.domain.readiness.beds import critical_days, days_in_hospital, stays
from schedules.domain.readiness.checklist import readiness_of
from schedules.domain.readiness.start_context import (
    Answer,
    Item,
    Line,
    Start,
    sentences,
    start_day,
)
from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Over, Place, Role, Within
from trials.domain.protocols.treatment_names import first_treatment_name
from trials.domain.refusals import Refusal
from trials.domain.sites.closed_days import closed_words
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Code, Say, Value, Words, listed, plain
from trials.domain.words import mark as _

MOST_DAYS = 120
"""The longest range that is searched at once."""

_WEEK_DAYS = 7

FURTHEST = timedelta(days=3 * 366)
"""No day zero is looked for later than this after today."""


class Objection(StrEnum):
    """What can speak against a day zero, the most severe first."""

    PAST = "past"
    COURSE = "course"
    CONTRADICTION = "contradiction"
    GATE = "gate"
    BLOCK = "block"
    BED = "bed"
    SLOT = "slot"
    NO_SCREENING = "no-screening"
    VISIT_GONE = "visit-gone"
    PRODUCT = "product"
    AWAY = "away"
    EXPIRED = "expired"
    NO_CLINIC_DAY = "no-clinic-day"
    CONSENT = "consent"
    TEST = "test"
    STAY_ON_HOLIDAY = "stay-on-holiday"
    HOLD = "hold"
    SHIFTED = "shifted"
    PROVISIONAL = "provisional"
    LATER_PROVISIONAL = "later-provisional"
    NOT_KNOWN = "not-known"


IMPOSSIBLE = frozenset(
    {Objection.PAST, Objection.COURSE, Objection.CONTRADICTION, Objection.GATE, Objection.NO_SCREENING}
)
"""What rules a day out: it is still listed, last, with its reason."""

WEIGHTS: Mapping[Objection, int] = {
    Objection.BLOCK: 100,
    Objection.BED: 100,
    Objection.SLOT: 100,
    Objection.VISIT_GONE: 90,
    Objection.PRODUCT: 80,
    Objection.AWAY: 70,
    Objection.EXPIRED: 60,
    Objection.NO_CLINIC_DAY: 40,
    Objection.CONSENT: 30,
    Objection.TEST: 20,
    Objection.STAY_ON_HOLIDAY: 15,
    Objection.HOLD: 5,
    Objection.SHIFTED: 1,
    Objection.PROVISIONAL: 1,
}
"""Points against a day, for each thing of a kind; for each day on hold, each visit that leaves its target.

Ours, and shown as assumed: no protocol ranks them. What cannot be had again (a block that breaks, a bed, a
slot, a lost visit) comes before what a new test or consent mends, and what only leaves its target last.
`DAYZERO_DAY_ZERO_WEIGHTS` sets others.
"""

WEEK = "week"
"""The name of the weight of a full week of waiting, beside those of the reasons."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Points for each kind of reason, and for each full week after the first day that is possible."""

    of: Mapping[Objection, int] = field(default_factory=lambda: WEIGHTS)
    week: int = min(WEIGHTS.values())

    @classmethod
    def changed(cls, by: Mapping[str, int]) -> Weights:
        """The usual weights with some of them changed, by their names; `week` is that of waiting.

        Where nobody says what a week weighs, it weighs as much as the mildest objection that counts.
        Raises DomainError for a name that is none, and for fewer than no points.
        """
        names = {kind.value: kind for kind in WEIGHTS}
        if wrong := sorted(set(by) - {*names, WEEK}):
            known = ", ".join((*names, WEEK))
            raise DomainError(f"{', '.join(wrong)}: no weight has this name; there are {known}")
        if less := sorted(name for name, points in by.items() if points < 0):
            raise DomainError(f"{', '.join(less)}: a weight is 0 or more")
        of = {kind: by.get(name, WEIGHTS[kind]) for name, kind in names.items()}
        return cls(of, by.get(WEEK, min((points for points in of.values() if points), default=0)))


USUAL_WEIGHTS = Weights()


AGAINST_LABELS: Mapping[Objection, str] = {
    Objection.PAST: _("The start is over"),
    Objection.COURSE: _("The course has gone on"),
    Objection.CONTRADICTION: _("It contradicts what is on record"),
    Objection.GATE: _("The gate is closed"),
    Objection.BLOCK: _("A public holiday among the days that hold together"),
    Objection.BED: _("No ward bed is free"),
    Objection.SLOT: _("No slot for day zero is free on the day"),
    Objection.NO_SCREENING: _("What comes before the start no longer fits"),
    Objection.VISIT_GONE: _("What comes before the start can no longer be done"),
    Objection.PRODUCT: _("The product is not ready by then"),
    Objection.AWAY: _("Somebody is away on a day in hospital"),
    Objection.EXPIRED: _("Screening has expired"),
    Objection.NO_CLINIC_DAY: _("A window without a clinic day"),
    Objection.CONSENT: _("Consent must be given first"),
    Objection.TEST: _("A test is to be repeated"),
    Objection.STAY_ON_HOLIDAY: _("The stay in hospital lies over a public holiday"),
    Objection.HOLD: _("A day on hold before day zero"),
    Objection.SHIFTED: _("A visit leaves its target for a clinic day"),
    Objection.PROVISIONAL: _("A year whose official calendar is not out"),
    Objection.LATER_PROVISIONAL: _("Visits in years whose official calendar is not out"),
    Objection.NOT_KNOWN: _("Something is not on record"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks against a day, in words, how often it does, and the points that it costs."""

    against: Objection
    why: tuple[Words, ...]
    points: int = 0
    of: str = ""
    times: int = 1

    def text(self, say: Say = plain) -> str:
        """The reason as a sentence."""
        return sentences(self.why, say)


@dataclass(frozen=True, slots=True)
class CandidateDay:
    """A day zero that was looked at: its start, whether it can be at all, points against, and why.

    `weeks` are the full weeks after the first day of the search that is possible, and `waiting` the points
    for them, which are part of `points`.
    """

    day: date
    start: date
    possible: bool
    points: int
    reasons: tuple[Reason, ...]
    weeks: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """The days of a range, the best first; `common` are the reasons that hold for every one of them."""

    days: tuple[CandidateDay, ...]
    common: tuple[Reason, ...] = ()


def refusals_of_range(first: date, last: date, today: date) -> Iterator[Refusal]:
    """Why a range cannot be searched: turned round, longer than MOST_DAYS, over, or too far away."""
    words: dict[str, object] = {"first": first, "last": last, "today": today, "most": MOST_DAYS}
    if last < first:
        message = _("%(last)s is before %(first)s: give that day or a later one.")
        yield Refusal("last", message, words)
    elif (last - first).days >= MOST_DAYS:
        message = _("That is longer than %(most)d days: give a shorter range.")
        yield Refusal("last", message, words)
    if last < today:
        message = _("The range is over: today is %(today)s at the site.")
        yield Refusal("last", message, words)
    if first > today + FURTHEST:
        yield Refusal("first", _("%(first)s is more than three years away."), words)


def rank_days(start: Start, first: date, last: date, weights: Weights = USUAL_WEIGHTS) -> Ranking:
    """Every day from the first to the last as day zero, the best first; refusals_of_range says which may."""
    days = [candidate_day(start, first + timedelta(days=n), weights) for n in range((last - first).days + 1)]
    days = _with_waiting(days, weights)
    common = tuple(
        reason for reason in days[0].reasons if all(reason in day.reasons for day in days) and len(days) > 1
    )
    own = [
        replace(day, reasons=tuple(reason for reason in day.reasons if reason not in common)) for day in days
    ]
    own.sort(key=lambda day: (not day.possible, day.points, day.day))
    return Ranking(tuple(own), common)


def _with_waiting(days: Sequence[CandidateDay], weights: Weights) -> list[CandidateDay]:
    """The days with the points that each full week after the first possible one costs."""
    earliest = min((day.day for day in days if day.possible), default=None)
    if earliest is None:
        return list(days)
    waits = [max(0, (day.day - earliest).days) // _WEEK_DAYS for day in days]
    return [
        replace(day, weeks=weeks, waiting=weeks * weights.week, points=day.points + weeks * weights.week)
        for day, weeks in zip(days, waits, strict=True)
    ]


def candidate_day(start: Start, day: date, weights: Weights = USUAL_WEIGHTS) -> CandidateDay:
    """One day as day zero, with everything that speaks against it, the most severe first."""
    plan = start.plan_with(day)
    begins = start_day(plan, day)
    found = [
        *_order(start, plan, begins),
        *_readiness(start, plan, begins),
        *_before_start(start, plan, begins),
        *_absences(start, plan),
        *_visits(start, plan),
        *_stays(start, plan),
        *_hold(plan),
        *_provisional(start, plan),
    ]
    found = [replace(one, points=one.times * weights.of.get(one.against, 0)) for one in found]
    order = list(Objection)
    found.sort(key=lambda reason: order.index(reason.against))
    possible = not any(reason.against in IMPOSSIBLE for reason in found)
    return CandidateDay(day, begins, possible, sum(reason.points for reason in found), tuple(found))


def _reason(
    against: Objection, template: str, values: Mapping[str, Value] | None = None, times: int = 1
) -> Reason:
    return Reason(against, (Words.of(template, values),), times=times)


def _order(start: Start, plan: Plan, begins: date) -> Iterator[Reason]:
    """A day that is over, and anchors that cannot be true together with it."""
    first = plan.day_zero if start.begun else begins
    if first and first < start.today:
        yield _reason(Objection.PAST, _("It would begin on %(day)s, which is over."), {"day": first})
    for found in find_contradictions(
        plan.protocol, plan.anchors, plan.protocol.effective_traits(start.traits)
    ):
        yield _reason(Objection.CONTRADICTION, _("%(message)s."), {"message": found.words})


def _readiness(start: Start, plan: Plan, begins: date) -> Iterator[Reason]:
    """What the list before the start says no to, or does not know, as far as it tells days apart."""
    day = (plan.day_zero if start.begun else None) or begins
    for line in readiness_of(start, plan, day):
        against = _against(start, plan, line, day)
        if against:
            yield Reason(against, line.why, of=line.of)


_NO: Mapping[Item, Objection] = {
    Item.CONSENT: Objection.CONSENT,
    Item.VISIT: Objection.EXPIRED,
    Item.TEST: Objection.TEST,
    Item.PRODUCT: Objection.PRODUCT,
    Item.GATE: Objection.GATE,
    Item.BED: Objection.BED,
    Item.SLOT: Objection.SLOT,
    Item.HOLIDAYS: Objection.BLOCK,
}
_WAITING = frozenset({Phase.CONDITIONING, Phase.ON_HOLD})


def _against(start: Start, plan: Plan, line: Line, day: date) -> Objection | None:
    if line.item is Item.COURSE:
        phase = start.person.phase if start.person else Phase.SCREENING
        return Objection.COURSE if phase not in {Phase.SCREENING, Phase.REPEATING, *_WAITING} else None
    if line.answer is Answer.NO:
        return _NO[line.item]
    return None if line.answer is Answer.YES else _against_unknown(start, plan, line, day)


def _against_unknown(start: Start, plan: Plan, line: Line, day: date) -> Objection | None:
    if line.item is Item.VISIT:
        closes = {visit.label: visit.window.closes for visit in plan.visits}
        return Objection.VISIT_GONE if closes[line.of] < start.today else None
    if line.item is Item.PRODUCT and (ready := _product_expected(start)):
        return Objection.PRODUCT if ready > day else None
    told_elsewhere = line.item is Item.TEST or (line.item is Item.HOLIDAYS and start.calendar is not None)
    return None if told_elsewhere else Objection.NOT_KNOWN


def _product_expected(start: Start) -> date | None:
    """The day on which a product that is not there yet is expected, also where that is only assumed."""
    collection = start.anchors.get(start.protocol.code_of(Role.COLLECTION))
    product = start.person.product if start.person else Product()
    day, usual = collection.day if collection else None, usual_days(start.protocol)
    return ready_on(product, start.today, day, usual)


def _before_start(start: Start, plan: Plan, begins: date) -> Iterator[Reason]:
    """What a newcomer has still to do before the start, and cannot any more: nothing of it is on record."""
    if start.person is not None:
        return
    eve = begins - timedelta(days=1)
    for visit in plan.visits:
        opens, closes = visit.window.opens, min(visit.window.closes, eve)
        asked = not visit.rule.block and opens < begins and visit.window.closes <= begins
        if asked and not _still_fits(start, visit, opens, closes):
            values: dict[str, Value] = {"visit": visit.label, "opens": opens, "closes": closes}
            template = _("%(visit)s would have had to be done from %(opens)s to %(closes)s.")
            yield _reason(Objection.NO_SCREENING, template, values)


def _still_fits(start: Start, visit: PlannedVisit, opens: date, closes: date) -> bool:
    """Whether a day of a visit is left; once its days have begun to pass, one on which the site works."""
    left = max(opens, start.today)
    if closes < left:
        return False
    if left == opens or start.calendar is None or visit.rule.place is not Place.CLINIC:
        return True
    return start.calendar.nearest_working_day(left, left, closes) is not None


def _absences(start: Start, plan: Plan) -> Iterator[Reason]:
    """Days in hospital or of the block on which somebody who is needed is away."""
    needed = sorted({*critical_days(plan), *days_in_hospital(plan, start.zone)} & start.away.keys())
    who = dict.fromkeys(start.away[day] for day in needed)
    for text in who:
        days = [day for day in needed if start.away[day] == text]
        values: dict[str, Value] = {"who": closed_words(text), "day": days[0], "n": len(days)}
        yield _reason(Objection.AWAY, _("Days in hospital from %(day)s on (%(n)d): %(who)s."), values)


def _visits(start: Start, plan: Plan) -> Iterator[Reason]:
    """Windows without a clinic day, and visits that leave their target for one."""
    calendar = start.calendar
    if calendar is None:
        return
    shifted = []
    for visit in plan.visits:
        if visit.rule.place is Place.WARD or not _to_come(start, visit):
            continue
        opens = max(visit.window.opens, start.today)
        target = max(visit.window.target, opens)
        near = calendar.nearest_working_day(opens, target, visit.window.closes)
        if near is None:
            yield _no_clinic_day(visit, opens, calendar)
        elif near != target and moves(visit) and _has_target(visit):
            shifted.append(visit.label)
    if shifted:
        values: dict[str, Value] = {"visits": listed(shifted)}
        template = _("Off the target, on the nearest clinic day: %(visits)s.")
        yield _reason(Objection.SHIFTED, template, values, len(shifted))


def _has_target(visit: PlannedVisit) -> bool:
    """Whether the protocol names a day for a visit; one on any day of a range is never off it."""
    timing = visit.rule.timing
    return not isinstance(timing, Within) or timing.target is not None


def _to_come(start: Start, visit: PlannedVisit) -> bool:
    ended = start.person.ended if start.person else frozenset()
    done = visit.code in start.known.performed or visit.code in ended
    return not done and visit.window.closes >= start.today


def _no_clinic_day(visit: PlannedVisit, opens: date, calendar: WorkingDays) -> Reason:
    values: dict[str, Value] = {"visit": visit.label, "opens": opens, "closes": visit.window.closes}
    holiday = calendar.holiday_name(visit.window.target)
    if holiday:
        template = _("%(visit)s: no clinic day from %(opens)s to %(closes)s (%(holiday)s).")
        return _reason(Objection.NO_CLINIC_DAY, template, values | {"holiday": Code(holiday)})
    return _reason(
        Objection.NO_CLINIC_DAY, _("%(visit)s: no clinic day from %(opens)s to %(closes)s."), values
    )


def _stays(start: Start, plan: Plan) -> Iterator[Reason]:
    """Stays in hospital that lie over public holidays, each of them named."""
    calendar = start.calendar
    for first, last in _spans_in_hospital(plan, start.zone) if calendar else ():
        assert calendar is not None
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        named = {day: name for day in days if (name := calendar.holiday_name(day)) is not None}
        met = {name: day for day, name in reversed(named.items())}
        for name, day in sorted(met.items(), key=lambda one: one[1]):
            values: dict[str, Value] = {"first": first, "last": last, "day": day, "name": Code(name)}
            template = _("The stay from %(first)s to %(last)s lies over %(name)s (%(day)s).")
            yield _reason(Objection.STAY_ON_HOLIDAY, template, values)


def _spans_in_hospital(plan: Plan, zone: ZoneInfo) -> list[tuple[date, date]]:
    """The stays in hospital, and visits over days on the ward that do not hold together as a block."""
    ward = [
        (visit.window.opens, visit.window.closes)
        for visit in plan.visits
        if visit.rule.place is Place.WARD and isinstance(visit.rule.timing, Over) and not visit.rule.block
    ]
    return list(dict.fromkeys((*stays(plan, zone), *ward)))


def _hold(plan: Plan) -> Iterator[Reason]:
    """The days that somebody waits whose chemotherapy has begun."""
    hold = find_hold(plan.protocol, plan.anchors)
    if hold:
        template = _("Days on hold: %(n)d; %(start)s was given for %(expected)s.")
        start = first_treatment_name(plan.protocol, hold.anchor)
        values: dict[str, Value] = {"n": hold.days, "start": start, "expected": hold.expected}
        yield _reason(Objection.HOLD, template, values, hold.days)


def _provisional(start: Start, plan: Plan) -> Iterator[Reason]:
    """Years whose official calendar is not out: each until the stay is over costs points, later ones none."""
    calendar = start.calendar
    if calendar is None:
        return
    to_come = [visit for visit in plan.visits if _to_come(start, visit)]
    unsure = [year for year in _years(to_come) if calendar.is_provisional(year)]
    last = _last_of_stay(start, plan).year
    for year in (year for year in unsure if year <= last):
        template = _("The official calendar is not out for %(year)d.")
        yield _reason(Objection.PROVISIONAL, template, {"year": year})
    if later := [year for year in unsure if year > last]:
        template = _("Visits from %(year)d on: no official calendar is out for them yet.")
        yield _reason(Objection.LATER_PROVISIONAL, template, {"year": later[0]})


def _last_of_stay(start: Start, plan: Plan) -> date:
    """The last day in hospital, or day zero where nobody stays after it."""
    ends = (end for _first, end in stays(plan, start.zone))
    return max((plan.day_zero or start.today, *ends))


def _years(visits: Sequence[PlannedVisit]) -> list[int]:
    return sorted({day.year for visit in visits for day in (visit.window.opens, visit.window.closes)})
