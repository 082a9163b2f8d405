"""The days that a start takes up at a site: on the ward, in hospital, for the infusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from participants.domain.moments import DAY, day_of
from schedules.domain.plan.values import Plan, PlannedVisit
from trials.domain.protocols.protocol import AtOffset, Place, Stay, Within


@dataclass(frozen=True, slots=True)
class Occupied:
    """The days that one other participant takes a bed, both ends inside, and the day of their infusion."""

    spans: tuple[tuple[date, date], ...]
    infusion: date | None = None


@dataclass(frozen=True, slots=True)
class Beds:
    """A site's ward beds and infusions a day (None: not on record), and how many others take on each day."""

    ward_beds: int | None = None
    infusions_per_day: int | None = None
    taken: Mapping[date, int] = field(default_factory=dict)
    infusions: Mapping[date, int] = field(default_factory=dict)

    @classmethod
    def of(cls, ward_beds: int | None, infusions_per_day: int | None, others: Iterable[Occupied]) -> Beds:
        """The beds of a site with what the others take; a participant takes one bed, however often named."""
        taken: Counter[date] = Counter()
        infusions: Counter[date] = Counter()
        for one in others:
            taken.update({day for span in one.spans for day in _days(*span)})
            infusions.update([one.infusion] if one.infusion else [])
        return cls(ward_beds, infusions_per_day, taken, infusions)


def critical_days(plan: Plan) -> tuple[date, ...]:
    """The days of the blocks and of what is done on the ward, which cannot leave their places, in order."""
    days = {day for visit in plan.visits if is_critical(visit) for day in visit_days(visit)}
    return tuple(sorted(days))


def is_critical(visit: PlannedVisit) -> bool:
    """Whether a visit holds its day: in a block, or on the ward at no tolerance."""
    if visit.rule.block:
        return True
    return visit.rule.place is Place.WARD and visit.window.opens == visit.window.closes


def visit_days(visit: PlannedVisit) -> Sequence[date]:
    """The days on which a visit takes place: its range, or its target."""
    if isinstance(visit.rule.timing, AtOffset | Within):
        return [visit.window.target]
    return list(_days(visit.window.opens, visit.window.closes))


def days_in_hospital(plan: Plan, zone: ZoneInfo) -> tuple[date, ...]:
    """The days that a plan asks for a bed: ward visits and stays in hospital, each day once, in order."""
    days = {day for visit in plan.visits if visit.rule.place is Place.WARD for day in visit_days(visit)}
    for first, last in stays(plan, zone):
        days.update(_days(first, last))
    return tuple(sorted(days))


def stays(plan: Plan, zone: ZoneInfo) -> tuple[tuple[date, date], ...]:
    """The stays in hospital, first and last day, as far as both are known."""
    return tuple(
        (day_of(window.starts, zone), day_of(window.ends, zone))
        for window in plan.windows
        if isinstance(window.rule.terms, Stay) and window.starts is not None and window.ends is not None
    )


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY
