"""Where a washout begins for one thing taken: in its own half-lives, where the protocol counts in them.

What happened exactly so long before the anchor has the whole of it behind it. With four weeks
before screening, a vaccine of 3 November allows screening from 1 December on: the first day
of a washout counts against nobody, its last day does.
"""

from __future__ import annotations

from datetime import timedelta
from math import floor

from participants.domain.fact_kinds import FactKind, Occurrence
from participants.domain.moments import (
    DAY,
    Point,
    after,
    at_or_before,
    day_of,
    first_instant,
)
from schedules.domain.windows.judges.case import Case
from trials.domain.protocols.offsets import Offset, Unit, shift_day, shift_instant
from trials.domain.protocols.protocol import Bound, HalfLives, Moment, Pick

# Washouts name substances and conditions alike; which kind of fact a code most likely is.
_HINTS = (
    (FactKind.VACCINATION, ("vaccine",)),
    (FactKind.INFECTION, ("infection",)),
    (FactKind.PROCEDURE, ("transplant", "surgery", "exchange", "separation", "dialysis", "replacement")),
    (FactKind.DOSE, ("drug", "inhibitor", "immunosuppressant", "biologic", "factor", "treatment", "trial")),
)


def kind_for(code: str) -> FactKind:
    """The kind of fact that something named by a washout most likely is."""
    return next(
        (kind for kind, words in _HINTS if any(word in code for word in words)),
        FactKind.ILLNESS,
    )


def drugs_of(bound: Bound | None) -> frozenset[str]:
    """The drugs whose half-lives a bound counts in."""
    moments = bound.moments if bound else ()
    return frozenset(moment.offset.drug for moment in moments if isinstance(moment.offset, HalfLives))


def inside(case: Case, fact: Occurrence) -> bool | None:
    """Whether something lies inside a washout; None where a half-life or an hour would have to tell."""
    ended = case.ends is None or at_or_before(fact.first, case.ends, case.zone)
    begun = _after_start(case, fact)
    if ended is False or begun is False:
        return False
    return None if ended is None or begun is None else True


def begins(case: Case, fact: Occurrence) -> Point | None:
    """The start of the washout for one thing; None where it has none or a half-life is missing."""
    if not drugs_of(case.window.rule.starts):
        return case.starts
    points, unknown = _own_starts(case, fact)
    return None if unknown or not points else _pick(case, points)


def _after_start(case: Case, fact: Occurrence) -> bool | None:
    last = case.today if fact.last is None else fact.last
    if not drugs_of(case.window.rule.starts):
        return True if case.starts is None else after(last, case.starts, case.zone)
    points, unknown = _own_starts(case, fact)
    start = _pick(case, points) if points else None
    later = None if start is None else after(last, start, case.zone)
    if not unknown:
        return later
    return _for_certain(case, last, later)


def _for_certain(case: Case, last: Point, later: bool | None) -> bool | None:
    """What can be said although a half-life is missing: it could only make an earliest start earlier.

    And it could only make a latest start later. The day that the washout leads up to is inside
    whatever the half-life.
    """
    bound = case.window.rule.starts
    if bound and bound.pick is Pick.EARLIEST and later is True:
        return True
    if bound and bound.pick is Pick.LATEST and later is False:
        return False
    on_last_day = case.ends is not None and day_of(last, case.zone) >= day_of(case.ends, case.zone)
    return True if on_last_day else None


def _pick(case: Case, points: list[Point]) -> Point:
    bound = case.window.rule.starts
    choose = max if bound and bound.pick is Pick.LATEST else min
    return choose(points, key=lambda point: first_instant(point, case.zone))


def _own_starts(case: Case, fact: Occurrence) -> tuple[list[Point], bool]:
    """Every start that the protocol names, by this thing's own half-life, and whether one is not known."""
    bound = case.window.rule.starts
    found = [_start(case, moment, fact) for moment in (bound.moments if bound else ())]
    known = [point for points in found for point in points]
    unknown = any(
        not points and isinstance(moment.offset, HalfLives)
        for moment, points in zip(bound.moments if bound else (), found, strict=True)
    )
    return known, unknown


def _start(case: Case, moment: Moment, fact: Occurrence) -> list[Point]:
    base = dict(case.window.bases).get(moment.counts_from.code)
    if base is None:
        return []
    offset = moment.offset
    if isinstance(offset, HalfLives):
        half_life = case.facts.half_life_of(fact, offset.drug)
        return [] if half_life is None else [base.day + _whole_days(offset.count * half_life)]
    return [_shifted(case, base.at, base.day, offset)]


def _whole_days(length: timedelta) -> timedelta:
    """Towards the past, as a washout must be over in full: −3.5 days are −4."""
    return floor(length / DAY) * DAY


def _shifted(case: Case, at: Point | None, day: Point, offset: Offset) -> Point:
    if offset.unit is Unit.HOURS:
        instant = first_instant(at if at is not None else day, case.zone)
        return shift_instant(instant.astimezone(case.zone), offset)
    return shift_day(day_of(day, case.zone), offset, case.month)
