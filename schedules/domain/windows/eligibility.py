"""The eligibility clock: what was taken or happened, and the days on which it lets somebody in.

Both directions ask the engine's own washout windows, placed for a candidate day, so that no
date here can differ from the one that the window is judged by. A screening visit that has not
been performed is taken to be on the last day of its range that still leads to the infusion:
that gives the earliest infusion, and the last day for a dose.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import Dose, Occurrence
from participants.domain.facts import Facts
from participants.domain.moments import DAY, Point, day_of, first_instant, local
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known, Plan, PlannedWindow
from schedules.domain.windows.judges.case import Case
from schedules.domain.windows.judges.washed_out import begins, drugs_of, inside
from schedules.domain.windows.judges.washout import code_in
from trials.domain.protocols.protocol import Protocol, Washout
from trials.domain.words import Code, Say, Value, Words, day_text, plain
from trials.domain.words import mark as _

HORIZON = timedelta(days=366 * 25)
"""How far ahead a candidate day is looked for; no washout on record is longer."""


_A_YEAR = 366


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be enrolled: the protocol, what is set and on record, and the site's zone."""

    protocol: Protocol
    facts: Facts
    zone: ZoneInfo
    anchors: Mapping[str, AnchorDay] = field(default_factory=dict)
    traits: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that sets a day: the window, what is on record, and the day that it allows.

    `allowed_on` is None where nothing on record tells: a condition that lasts, or a half-life
    that is not known.
    """

    window: str
    fact: Occurrence
    allowed_on: date | None
    words: Words

    def text(self, say: Say = plain) -> str:
        """The reason as a sentence."""
        return self.words.text(say, day_text)


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest day for an anchor, None while it cannot be told; what sets it comes first."""

    anchor: str
    day: date | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last day on which something may be taken for a wished day; None with what is missing."""

    code: str
    window: str
    day: date | None
    missing: tuple[Words, ...] = ()


def known_of(facts: Facts, zone: ZoneInfo, comes_of_age: date | None = None) -> Known:
    """What the engine is told of the facts: visits, activities by their codes, and half-lives.

    An activity was done when its test was taken or its procedure done, the latest counting.
    """
    performed = {
        name: _actual(visit.at, zone)
        for visit in facts.performed
        for name in facts.names_of_visit(visit.code)
    }
    done = [(test.test, test.taken_at) for test in facts.tests]
    done += [(fact.code, fact.first) for fact in facts.occurrences if not isinstance(fact, Dose)]
    done.sort(key=lambda pair: first_instant(pair[1], zone))
    activities = {code: _actual(at, zone) for code, at in done}
    return Known(performed, activities, facts.half_lives, comes_of_age)


def earliest(candidate: Candidate, anchor: str, not_before: date) -> Earliest:
    """The earliest day, from `not_before` on, that every washout on record allows for an anchor.

    Only windows that an anchor of this day can place are asked: for screening, those that
    count from it or from what comes before it.
    """
    search = _Search(candidate, anchor, not_before)
    reasons = sorted(search.reasons(), key=lambda reason: reason.allowed_on or date.max, reverse=True)
    days = [reason.allowed_on for reason in reasons]
    found = None if None in days else max([search.first_day(), *(day for day in days if day)])
    return Earliest(anchor, found, tuple(reasons))


def last_days(candidate: Candidate, anchor: str, wished: date) -> tuple[LastDay, ...]:
    """For everything that a washout forbids, the last day on which it may be taken for a wished day.

    One row for each substance, the earliest where several windows forbid it, in the order of the
    protocol. Half-lives are the longest on record for the drug.
    """
    search = _Search(candidate, anchor, wished)
    found: dict[str, LastDay] = {}
    for window in search.washouts(wished):
        for code in _codes(window):
            row = LastDay(code, window.rule.code, _last_free(window, candidate.zone), window.missing)
            found[code] = _stricter(found.get(code), row)
    return tuple(found.values())


def _actual(at: Point, zone: ZoneInfo) -> AnchorDay:
    instant = local(at, zone) if isinstance(at, datetime) else None
    return AnchorDay(day_of(at, zone), AnchorKind.ACTUAL, instant)


def _codes(window: PlannedWindow) -> tuple[str, ...]:
    terms = window.rule.terms
    return terms.of if isinstance(terms, Washout) else ()


def _last_free(window: PlannedWindow, zone: ZoneInfo) -> date | None:
    """The start itself, which has the whole washout behind it; of an instant, the last day wholly before."""
    starts = window.starts
    if isinstance(starts, datetime):
        local = starts.astimezone(zone)
        return local.date() - DAY
    return starts


def _stricter(one: LastDay | None, other: LastDay) -> LastDay:
    if one is None or one.day is None:
        return other if one is None else one
    return one if other.day is not None and one.day <= other.day else other


@dataclass(slots=True)
class _Search:
    """Places the washouts for candidate days of one anchor, each day once."""

    candidate: Candidate
    anchor: str
    not_before: date
    placed: dict[date, tuple[PlannedWindow, ...]] = field(default_factory=dict)

    def washouts(self, day: date) -> tuple[PlannedWindow, ...]:
        """The washouts for a candidate day."""
        if day not in self.placed:
            plan = self._plan(day)
            self.placed[day] = tuple(
                window for window in plan.windows if isinstance(window.rule.terms, Washout)
            )
        return self.placed[day]

    def reasons(self) -> Iterator[Reason]:
        """Everything on record that does not allow the first day."""
        for window in self.washouts(self.not_before):
            for fact in self.candidate.facts.occurrences:
                if fact.code in {*_codes(window), *drugs_of(window.rule.starts)}:
                    yield from self._reason(window, fact)

    def first_day(self) -> date:
        """The first day that leaves room for a screening visit that has not been performed."""
        fitting = (self.not_before + timedelta(days=n) for n in range(_A_YEAR))
        return next((day for day in fitting if self._has_room(day)), self.not_before)

    def _has_room(self, day: date) -> bool:
        return all(set_.day >= self.not_before for set_ in self._assumed(self._first_plan(day)).values())

    def _reason(self, window: PlannedWindow, fact: Occurrence) -> Iterator[Reason]:
        code = window.rule.code
        if window.ends is None and window.missing:
            return  # what it leads up to has no day yet: the clock of that day asks it
        if self._moves(code):
            if self._free(code, fact, self.not_before):
                return
            allowed = None if fact.last is None else self._first_free(code, fact)
            yield Reason(code, fact, allowed, self._words(window, fact, allowed))
        elif inside(self._case(window), fact) is not False:
            words = _("%(code)s on %(day)s lies in a period that is already fixed (%(window)s)")
            yield Reason(code, fact, None, Words.of(words, self._values(window, fact)))

    def _words(self, window: PlannedWindow, fact: Occurrence, allowed: date | None) -> Words:
        values = self._values(window, fact)
        if fact.last is None:
            return Words.of(_("%(code)s since %(day)s lasts (%(window)s)"), values)
        if allowed is None:
            return Words.of(_("%(code)s on %(day)s: its half-life is not known (%(window)s)"), values)
        values["allowed"] = allowed
        return Words.of(_("%(code)s on %(day)s: not before %(allowed)s (%(window)s)"), values)

    def _values(self, window: PlannedWindow, fact: Occurrence) -> dict[str, Value]:
        day = day_of(fact.first, self.candidate.zone)
        return {"code": Code(code_in(window.rule, fact.code)), "day": day, "window": window.rule.label}

    def _moves(self, code: str) -> bool:
        """Whether a window moves with the candidate day: not so if it counts from a day already set."""
        near, far = self._window(code, self.not_before), self._window(code, self.not_before + HORIZON)
        return near is None or far is None or near.ends != far.ends

    def _window(self, code: str, day: date) -> PlannedWindow | None:
        return next((window for window in self.washouts(day) if window.rule.code == code), None)

    def _case(self, window: PlannedWindow) -> Case:
        candidate = self.candidate
        now = first_instant(self.not_before, candidate.zone)
        return Case(window, candidate.facts, now, candidate.zone, candidate.protocol.month)

    def _first_free(self, code: str, fact: Occurrence) -> date | None:
        """The first candidate day whose window leaves the fact behind, by halving: windows only move on."""
        offsets = range(HORIZON.days)
        place = bisect_left(
            offsets, True, key=lambda n: self._free(code, fact, self.not_before + timedelta(days=n))
        )
        return self.not_before + timedelta(days=place) if place < len(offsets) else None

    def _free(self, code: str, fact: Occurrence, day: date) -> bool:
        """Whether a fact lies before the window of a candidate day; after its end counts as inside."""
        window = self._window(code, day)
        if window is None or (window.ends is None and window.missing):
            return True
        case = self._case(replace(window, ends=None))
        if drugs_of(window.rule.starts) and begins(case, fact) is None:
            return False
        return inside(case, fact) is False

    def _first_plan(self, day: date) -> Plan:
        return self._project({**self._set(), self.anchor: AnchorDay(day)})

    def _plan(self, day: date) -> Plan:
        """The plan for a candidate day, a visit that sets an anchor being on the last day of its range."""
        first = self._first_plan(day)
        assumed = self._assumed(first)
        if not assumed:
            return first
        return self._project({**self._set(), **assumed, self.anchor: AnchorDay(day)})

    def _assumed(self, plan: Plan) -> dict[str, AnchorDay]:
        """The anchors that follow a visit not yet performed, on the last day of that visit's range."""
        closes = {visit.code: visit.window.closes for visit in plan.visits}
        performed = known_of(self.candidate.facts, self.candidate.zone).performed
        return {
            rule.code: AnchorDay(closes[rule.derived.visit], AnchorKind.DERIVED)
            for rule in plan.protocol.anchors
            if rule.derived
            and rule.derived.visit in closes
            and rule.derived.visit not in performed
            and rule.code not in self._set()
            and rule.code != self.anchor
        }

    def _set(self) -> dict[str, AnchorDay]:
        """The anchors that stand while the candidate day moves: actual ones, and those that none derives."""
        rules = self.candidate.protocol.anchor_by_code
        later = rules[self.anchor].not_after if self.anchor in rules else ()
        return {
            code: day
            for code, day in self.candidate.anchors.items()
            if day.kind is AnchorKind.ACTUAL
            or (code in rules and rules[code].derived is None and code not in later)
        }

    def _project(self, anchors: Mapping[str, AnchorDay]) -> Plan:
        candidate = self.candidate
        known = known_of(candidate.facts, candidate.zone)
        return project(candidate.protocol, anchors, candidate.traits, None, known, candidate.zone)
