"""Protocol windows judged by facts: one small pure judge for each kind.

`judge` is the entry. The clock is an argument; the same window, facts and moment give the
same verdict. Parameters (28 days, two hours) come from the protocol's own terms and bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import CompanionConfirmed, Lodging, Occurrence, Waiver
from participants.domain.facts import Facts
from participants.domain.moments import DAY, Point, first_after, first_instant
from schedules.domain.plan.values import PlannedWindow
from schedules.domain.windows.judges.case import Case, Feeds, WindowJudge, cannot_judge, gap, proof
from schedules.domain.windows.judges.washed_out import begins, drugs_of
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from trials.domain.accounts.access import WAIVING_ROLE
from trials.domain.protocols.offsets import MonthLength
from trials.domain.protocols.protocol import Conduct, ProtocolWindow, Terms, Washout
from trials.domain.protocols.terms import ALL_TERMS
from trials.domain.words import mark as _

_WAIVED = _("Waived by %(by)s on %(at)s: %(reason)s")
_ENDED = _("The participant's part ended %(at)s.")
_ON_HOLD = _("On hold: it begins on the day that what it counts from takes place.")


def _judge_of(terms: type[Terms]) -> WindowJudge:
    """The judge in the module that bears the name of the kind; a kind without one stops the program here."""
    module = import_module(f"{__name__}.{terms.kind.replace('-', '_')}")
    found: WindowJudge = module.JUDGE
    return found


JUDGES = {terms: _judge_of(terms) for terms in ALL_TERMS}
"""Each kind of window with its judge. A new kind is its terms, its module here, and its messages."""
_SETTLED = frozenset({VerdictStatus.OPEN_AND_KEPT, VerdictStatus.AT_RISK})


def judge(
    window: PlannedWindow,
    facts: Facts,
    now: datetime,
    zone: ZoneInfo,
    month: MonthLength = MonthLength.CALENDAR,
) -> Verdict:
    """What a window comes to at an instant, by what is on record.

    `now` carries its zone; `zone` is the site's; `month` is the protocol's, and matters only to
    washouts that choose between months and half-lives. A withdrawal or death stops the clock:
    what was kept then is kept, and nothing is asked any more; a conduct that nobody confirmed
    stays unjudged. On hold nothing begins by a planned day that has gone by.
    """
    case = Case(window, facts, now.astimezone(UTC), zone, month)
    waiver = next((one for one in facts.waivers if _waives(one, window)), None)
    if waiver:
        at = case.local(waiver.at)
        words = proof(_WAIVED, waiver, by=waiver.by, at=at, reason=waiver.reason)
        return Verdict(VerdictStatus.WAIVED, at, evidence=(words,))
    ended = facts.ended_at
    if ended is not None and first_instant(ended, zone) <= case.now:
        return _at_the_end(replace(case, now=first_instant(ended, zone)), ended)
    return _by_kind(case)


def next_change_at(
    window: PlannedWindow,
    facts: Facts,
    now: datetime,
    zone: ZoneInfo,
    month: MonthLength = MonthLength.CALENDAR,
) -> datetime | None:
    """The next instant (UTC) at which the verdict changes by time alone; None where it never does."""
    verdict = judge(window, facts, now, zone, month)
    case = Case(window, facts, now.astimezone(UTC), zone, month)
    # In UTC: two instants of one zone are compared by what its clocks show, wrongly where those are set back.
    moments = sorted({moment.astimezone(UTC) for moment in _moments(case)})
    ahead = (moment for moment in moments if moment > case.now)
    return next((moment for moment in ahead if judge(window, facts, moment, zone, month) != verdict), None)


def feeds_of_terms(window: ProtocolWindow) -> Feeds:
    """The kinds of facts that a window's own terms are judged by, each with what the fact must be of."""
    return JUDGES[type(window.terms)].feeds(window, window.terms)


def _waives(waiver: Waiver, window: PlannedWindow) -> bool:
    named = waiver.window == window.rule.code and waiver.role == WAIVING_ROLE
    return window.rule.waivable and named and bool(waiver.reason.strip())


def _at_the_end(case: Case, ended: Point) -> Verdict:
    """The verdict with the clock stopped when the participant's part ended."""
    verdict = _by_kind(case)
    words = proof(_ENDED, at=case.local(ended))
    asked = verdict.needed_by is not None and verdict.needed_by <= case.now
    unknown = asked or isinstance(case.window.rule.terms, Conduct)
    if verdict.status is VerdictStatus.AT_RISK and unknown:
        missing = verdict.missing or tuple(one.words for one in verdict.evidence)
        return cannot_judge(verdict.since, gap(None, *missing), *verdict.evidence, words)
    evidence, needed_by = (*verdict.evidence, words), verdict.needed_by if asked else None
    if verdict.status in _SETTLED:
        return Verdict(VerdictStatus.KEPT, case.local(ended), evidence=evidence, needed_by=needed_by)
    missing = verdict.missing if verdict.status is VerdictStatus.CANNOT_JUDGE else ()
    return Verdict(verdict.status, verdict.since, evidence=evidence, missing=missing, needed_by=needed_by)


def _by_kind(case: Case) -> Verdict:
    terms = case.window.rule.terms
    if case.waits:
        return Verdict(VerdictStatus.NOT_YET, evidence=(proof(_ON_HOLD),))
    if _unplaced(case):
        return _misplaced(case)
    return JUDGES[type(terms)].judge(case, terms)


def _misplaced(case: Case) -> Verdict:
    """Without its days a window is needed by the first day it counts from, else by the first visit."""
    visits = (first_instant(visit.at, case.zone) for visit in case.facts.performed)
    needed_by = case.first_base_at() or min(visits, default=None)
    return cannot_judge(None, gap(needed_by, *case.window.missing))


def _unplaced(case: Case) -> bool:
    """Whether a day is missing without which the window cannot be placed; half-lives are the judge's."""
    if not case.window.missing:
        return False
    washout = isinstance(case.window.rule.terms, Washout) and drugs_of(case.window.rule.starts)
    return not washout or case.ends is None


def _moments(case: Case) -> Iterator[datetime]:
    """Every instant at which some verdict can turn: edges of the window, its anchors and its facts."""
    zone, facts = case.zone, case.facts
    points = [
        *(point for point in (case.starts, case.ends, facts.ended_at) if point is not None),
        *(point for point in _other_ends(case) if point is not None),
        *(base.at or base.day for _, base in case.window.bases),
        *facts.expected.values(),
        *(visit.at for visit in facts.performed),
        *(night.day for night in facts.nights_away),
        *_edges(facts),
        *(start for fact in facts.occurrences if fact.last is None and (start := _begins(case, fact))),
    ]
    for point in points:
        yield first_instant(point, zone)
        yield first_after(point, zone)


def _other_ends(case: Case) -> tuple[Point | None, ...]:
    other = case.window.other
    return (other.starts, other.ends) if other else ()


def _begins(case: Case, fact: Occurrence) -> Point | None:
    """Where a washout begins for something that lasts: it comes to lie inside with the passing of time."""
    return begins(case, fact) if isinstance(case.window.rule.terms, Washout) else None


def _edges(facts: Facts) -> Iterator[Point]:
    """The first and last days of what lasts, and the days on which that is over."""
    spans: tuple[Lodging | CompanionConfirmed, ...] = (*facts.lodgings, *facts.companions)
    for span in spans:
        yield span.from_day
        if span.to_day is not None:
            yield span.to_day
            yield span.to_day + DAY
    for stay in facts.admissions:
        yield stay.admitted_at
        for out in (stay.discharged_at, stay.planned_discharge):
            if out is not None:
                yield out
