"""The short names of visits, as they stand in a worklist and on a timeline: D28, M3, Screening."""

from __future__ import annotations

from datetime import date

from schedules.domain.plan.values import PlannedVisit
from trials.domain.protocols.offsets import Unit
from trials.domain.protocols.protocol import AtOffset, Each, Protocol

_LONG_UNITS = {Unit.WEEKS, Unit.MONTHS, Unit.YEARS}


def visit_mark(protocol: Protocol, visit: PlannedVisit, zero: date | None) -> str:
    """The shortest name that a coordinator knows a visit by.

    Weeks, months and years keep the protocol's unit (M3); days are counted from day zero, `zero`
    (D28). Ranges, and days while day zero is not known, have only their label.
    """
    timing = visit.rule.timing
    if not isinstance(timing, AtOffset | Each):
        return visit.label
    counted = visit.rule.counts_from.code == protocol.day_zero
    if counted and isinstance(timing, AtOffset) and visit.offset.unit in _LONG_UNITS:
        return f"{visit.offset.unit}{visit.offset.amount}"
    return visit.label if zero is None else protocol.day_label((visit.window.target - zero).days)


def day_range(protocol: Protocol, visit: PlannedVisit, zero: date | None) -> tuple[str, str] | None:
    """The labels of the window's first and last day, counted from day zero; None while that is unknown."""
    if zero is None:
        return None
    opens, _, closes = visit.window
    return protocol.day_label((opens - zero).days), protocol.day_label((closes - zero).days)
