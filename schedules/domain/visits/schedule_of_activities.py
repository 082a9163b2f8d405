"""A protocol version's schedule of activities, resolved: every visit in its order, with its days.

Without a day zero the days are counted for one on REFERENCE: where a rule counts in months or years they are
those of that calendar, and differ from another's by a day or two.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from schedules.domain.plan.projection import project
from schedules.domain.plan.slots import Slot, slots_of
from schedules.domain.plan.values import AnchorDay, PlannedVisit
from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.occurrences import label_at
from trials.domain.protocols.protocol import Activity, Protocol, study_day

REFERENCE = date(2001, 1, 1)
"""A Monday, and the first day of a year that is no leap year."""


@dataclass(frozen=True, slots=True)
class ScheduledVisit:
    """One visit of the schedule, the activities at it, and its window; None where it waits for an anchor.

    `zero` is the day from which days are counted.
    """

    slot: Slot
    label: str
    activities: tuple[Activity, ...]
    window: VisitWindow | None
    zero: date

    @property
    def days(self) -> tuple[int, int, int] | None:
        """Days from day zero to opens, target and closes."""
        if self.window is None:
            return None
        opens, target, closes = ((day - self.zero).days for day in self.window)
        return opens, target, closes

    @property
    def study_day(self) -> int | None:
        """The CDISC study day of the target: day zero is day 1, and there is no day 0."""
        return study_day(self.window.target, self.zero) if self.window else None


def resolved_schedule(
    protocol: Protocol, traits: AbstractSet[str] | None = None, day_zero: date | None = None
) -> tuple[ScheduledVisit, ...]:
    """Give every visit that a protocol asks of somebody with these traits (None: of anybody), in order.

    Sorted by target, then as in the document; a visit that waits for an anchor which day zero does not
    date stands after the one before it in the document. Raises OffsetError where a day leads outside the
    calendar.
    """
    given = frozenset(trait.code for trait in protocol.traits) if traits is None else frozenset(traits)
    zero = day_zero or REFERENCE
    plan = project(protocol, {protocol.day_zero: AnchorDay(zero)}, given)
    planned: dict[str, PlannedVisit] = {visit.code: visit for visit in plan.visits}
    found: list[tuple[tuple[date, int], ScheduledVisit]] = []
    before = date.min
    for place, slot in enumerate(slots_of(protocol, protocol.effective_traits(given))):
        scheduled = _scheduled(protocol, slot, planned.get(slot.code), zero)
        before = scheduled.window.target if scheduled.window else before
        found.append(((before, place), scheduled))
    return tuple(visit for _key, visit in sorted(found, key=lambda pair: pair[0]))


def _scheduled(protocol: Protocol, slot: Slot, visit: PlannedVisit | None, zero: date) -> ScheduledVisit:
    """What the schedule says of a slot, with the window of its visit where the plan could place it."""
    label = visit.label if visit else label_at(slot.rule, slot.occurrence, slot.offset)
    done = tuple(one for one in protocol.activities if {slot.code, slot.rule.code} & set(one.visits))
    return ScheduledVisit(slot, label, done, visit.window if visit else None, zero)
