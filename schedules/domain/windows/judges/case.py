"""A window about to be judged, with everything that a judge may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import Fact, FactKind
from participants.domain.facts import Facts
from participants.domain.moments import (
    DAY,
    Point,
    between,
    day_of,
    first_after,
    first_instant,
    local,
)
from schedules.domain.plan.values import AnchorDay, AnchorKind, Awaited, PlannedWindow
from schedules.domain.windows.verdicts import Evidence, Verdict, VerdictStatus
from trials.domain.language import Named
from trials.domain.protocols.offsets import MonthLength
from trials.domain.protocols.protocol import Bound, Freshness, ProtocolWindow
from trials.domain.words import Value, Words


@dataclass(frozen=True, slots=True)
class Case:
    """One window, the facts, the moment, the site's zone and what the protocol means by a month."""

    window: PlannedWindow
    facts: Facts
    now: datetime
    zone: ZoneInfo
    month: MonthLength = MonthLength.CALENDAR

    def visit(self, code: str) -> Named:
        """A visit by its label; the verdict stays the same as long as the code does."""
        return Named(code, self.facts.visit_names.get(code, code))

    @property
    def starts(self) -> Point | None:
        """The window's first day or instant."""
        return self.window.starts

    @property
    def ends(self) -> Point | None:
        """The window's last day or instant."""
        return self.window.ends

    @property
    def today(self) -> date:
        """The day it is at the site."""
        return day_of(self.now, self.zone)

    @property
    def opened(self) -> bool:
        """Whether the window has begun; one without a start always has."""
        return self.starts is None or self.opens_at <= self.now

    @property
    def over(self) -> bool:
        """Whether the window lies behind; one without an end never does."""
        over_at = self.over_at
        return over_at is not None and over_at <= self.now

    @property
    def opens_at(self) -> datetime:
        """The first instant of the window (UTC); the present for a window without a start."""
        return self.now if self.starts is None else first_instant(self.starts, self.zone)

    @property
    def over_at(self) -> datetime | None:
        """The first instant after the window (UTC).

        Where it ends by a visit that is still to come it is not over, whatever day stands for that meanwhile.
        A test can be repeated until what it must precede begins: while only the day of that is known,
        its window is over with the day, though what is valid for every hour of it ends sooner.
        """
        other, rule = self.window.other, self.window.rule
        if self._awaits(rule.ends):
            return None
        asked = isinstance(rule.terms, Freshness) and not self._begun(rule.ends)
        if asked and other and other.ends is not None:
            return first_instant(other.ends, self.zone)
        return None if self.ends is None else first_after(self.ends, self.zone)

    def _awaits(self, bound: Bound | None) -> Awaited | None:
        """What sets the day of a bound that is merely expected; None where its days stand."""
        codes = {moment.counts_from.code for moment in bound.moments} if bound else set()
        found = {base.awaits for code, base in self.window.bases if code in codes}
        return next((one for one in (Awaited.BOOKING, Awaited.VISIT) if one in found), None)

    def _begun(self, bound: Bound | None) -> bool:
        """Whether something that a bound counts from has taken place."""
        codes = {moment.counts_from.code for moment in bound.moments} if bound else set()
        return any(base.kind is AnchorKind.ACTUAL for code, base in self.window.bases if code in codes)

    @property
    def due_at(self) -> datetime | None:
        """The first instant of the window's last day, or its last instant (UTC).

        None while the visit by which it ends has no day: what is answered then would be asked again.
        """
        waits = self._awaits(self.window.rule.ends) is Awaited.BOOKING
        return None if self.ends is None or waits else first_instant(self.ends, self.zone)

    def holds(self, point: Point) -> bool | None:
        """Whether a point lies inside the window; None where only its hour would tell."""
        return between(point, self.starts, self.ends, self.zone)

    def holds_by_hour(self, point: Point) -> bool | None:
        """Whether a point lies inside the window; None also where only the hour of an anchor would tell."""
        holds, other = self.holds(point), self.window.other
        if other is None or holds is None:
            return holds
        return holds if between(point, other.starts, other.ends, self.zone) is holds else None

    @property
    def other(self) -> Case | None:
        """The window read the other way, where the hour of an anchor is not known."""
        other = self.window.other
        if other is None:
            return None
        return replace(self, window=replace(self.window, starts=other.starts, ends=other.ends, other=None))

    def days(self) -> Iterator[date]:
        """The window's days, both ends inside; of a window without an end, those up to today."""
        day = self.today if self.starts is None else day_of(self.starts, self.zone)
        last = self.today if self.ends is None else day_of(self.ends, self.zone)
        while day <= last:
            yield day
            day += DAY

    def local(self, point: Point) -> Point:
        """An instant in the site's zone or that of its record; a day as it is."""
        return local(point, self.zone) if isinstance(point, datetime) else point

    def anchor_awaited(self, bound: Bound | None) -> bool:
        """Whether a bound counts from a visit that has not been: another day for it still mends."""
        return self._awaits(bound) is not None

    def anchor_ahead(self, bound: Bound | None) -> datetime | None:
        """When the first of the days that a bound counts from comes; None once any has come or is actual.

        As long as all of them lie ahead, moving them still mends what they forbid.
        """
        codes = {moment.counts_from.code for moment in bound.moments} if bound else set()
        bases = [base for code, base in self.window.bases if code in codes]
        moments = [self._moment(base) for base in bases if base.kind is not AnchorKind.ACTUAL]
        if not moments or len(moments) < len(bases) or min(moments) <= self.now:
            return None
        return min(moments)

    @property
    def waits(self) -> bool:
        """Whether a window would be open by planned days alone, while a hold says that they did not come."""
        starts = self.window.rule.starts
        codes = {moment.counts_from.code for moment in starts.moments} if starts else set()
        planned = (code in codes and base.kind is not AnchorKind.ACTUAL for code, base in self.window.bases)
        return self.facts.on_hold and self.starts is not None and self.opened and any(planned)

    def first_base_at(self) -> datetime | None:
        """The first instant (UTC) of the earliest day that the window counts from."""
        moments = [self._moment(base) for _, base in self.window.bases]
        return min(moments) if moments else None

    def _moment(self, base: AnchorDay) -> datetime:
        return first_instant(base.at or base.day, self.zone)


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing, by when it is needed, and from when on an answer holds, or what is missing counts."""

    words: tuple[Words, ...] = ()
    needed_by: datetime | None = None
    answers_from: datetime | None = None
    counts_from: Point | None = None


NO_GAP = Gap()


def proof(template: str, fact: Fact | None = None, /, **values: Value) -> Evidence:
    """Evidence in words, with the fact it rests on."""
    return Evidence(Words.of(template, values), fact)


def gap(needed_by: datetime | None, *words: Words) -> Gap:
    """Something missing by a moment."""
    return Gap(words, needed_by)


def by_time(case: Case, evidence: tuple[Evidence, ...] = (), missing: Gap = NO_GAP) -> Verdict:
    """Not yet, open and kept, or kept: what a window comes to when nothing speaks against it."""
    if not case.opened:
        return Verdict(
            VerdictStatus.NOT_YET,
            evidence=evidence,
            missing=missing.words,
            needed_by=missing.needed_by,
            answers_from=missing.answers_from,
            counts_from=missing.counts_from,
        )
    if case.over:
        return Verdict(VerdictStatus.KEPT, case.ends, evidence=evidence)
    return Verdict(
        VerdictStatus.OPEN_AND_KEPT,
        case.starts,
        evidence=evidence,
        missing=missing.words,
        needed_by=missing.needed_by,
        answers_from=missing.answers_from,
        counts_from=missing.counts_from,
    )


def at_risk(case: Case, since: Point | None, becomes: datetime, *evidence: Evidence) -> Verdict:
    """At risk until that instant; of a window that has not opened, not yet, with the same instant."""
    status = VerdictStatus.AT_RISK if case.opened else VerdictStatus.NOT_YET
    since = (since if since is None else case.local(since)) if case.opened else None
    return Verdict(status, since, becomes.astimezone(UTC), evidence)


def at_risk_of_a_visit(case: Case, since: Point, *evidence: Evidence) -> Verdict:
    """At risk until the visit takes place, whose day is merely expected; not yet before the window opens."""
    if not case.opened:
        return Verdict(VerdictStatus.NOT_YET, evidence=evidence)
    return Verdict(VerdictStatus.AT_RISK, case.local(since), evidence=evidence)


def violated(case: Case, since: Point, *evidence: Evidence) -> Verdict:
    """Violated since a day or an instant."""
    return Verdict(VerdictStatus.VIOLATED, case.local(since), evidence=evidence)


def cannot_judge(since: Point | None, missing: Gap, *evidence: Evidence) -> Verdict:
    """Not to be judged for want of a fact."""
    return Verdict(
        VerdictStatus.CANNOT_JUDGE,
        since,
        evidence=evidence,
        missing=missing.words,
        needed_by=missing.needed_by,
        answers_from=missing.answers_from,
        counts_from=missing.counts_from,
    )


def awaited(case: Case, missing: Gap, *evidence: Evidence) -> Verdict:
    """The verdict without a fact: not yet before the window opens, from then on it cannot be judged."""
    if not case.opened:
        return by_time(case, evidence, missing)
    return cannot_judge(case.starts, missing, *evidence)


Feeds = Iterable[tuple[FactKind, str]]
"""Kinds of facts, each with what such a fact must be of; empty where there is nothing to name."""


def no_facts(_window: ProtocolWindow, _terms: Any) -> Feeds:
    """Nothing can be recorded for the window: visits alone decide."""
    return ()


@dataclass(frozen=True, slots=True)
class WindowJudge:
    """What is done with windows of one kind: how they are judged, and which facts they are judged by."""

    terms: type[Any]
    judge: Callable[[Case, Any], Verdict]
    feeds: Callable[[ProtocolWindow, Any], Feeds] = no_facts
