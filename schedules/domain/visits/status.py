"""The status of a visit on a day: derived from facts, never stored; today is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schedules.domain.plan.visit_windows import VisitWindow

CLOSING_DAYS = 3


class VisitStatus(StrEnum):
    """What a coordinator reads first about a visit."""

    UPCOMING = "upcoming"
    OPEN = "open"
    DUE = "due"
    CLOSING = "closing"
    OVERDUE = "overdue"
    MISSED = "missed"
    DONE = "done"
    DONE_EARLY = "done-early"
    DONE_LATE = "done-late"
    ON_HOLD = "on-hold"
    CANCELLED = "cancelled"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What the status of a visit follows from.

    `is_range`: over or within a range, which has no single due day. `free`: added at the site for one
    day, which is no window that could be missed. `missed` and `performed_on` are
    what people recorded. A visit that never applied is stored as cancelled too: the former says more.
    """

    window: VisitWindow
    is_range: bool = False
    performed_on: date | None = None
    missed: bool = False
    cancelled: bool = False
    on_hold: bool = False
    not_applicable: bool = False
    free: bool = False


def visit_status(visit: VisitFacts, today: date) -> VisitStatus:
    """The status of a visit on a day.

    What was recorded comes first. A live visit is upcoming until its window opens, missed once it
    has closed; in between due on its target, overdue after it, closing in its last days. A range is
    never due or overdue: it goes from open to closing to missed. A free visit stays overdue until
    somebody records what became of it.
    """
    recorded = _recorded(visit)
    if recorded:
        return recorded
    window = visit.window
    if today < window.opens:
        return VisitStatus.UPCOMING
    if today > window.closes:
        return VisitStatus.OVERDUE if visit.free else VisitStatus.MISSED
    if not visit.is_range and today >= window.target:
        return VisitStatus.DUE if today == window.target else VisitStatus.OVERDUE
    if days_left(window, today) <= CLOSING_DAYS:
        return VisitStatus.CLOSING
    return VisitStatus.OPEN


def days_left(window: VisitWindow, today: date) -> int:
    """Days until the window closes: 0 on its last day, negative afterwards."""
    return (window.closes - today).days


def _recorded(visit: VisitFacts) -> VisitStatus | None:
    if visit.performed_on is not None:
        outside = visit.window.days_outside(visit.performed_on)
        if outside:
            return VisitStatus.DONE_EARLY if outside < 0 else VisitStatus.DONE_LATE
        return VisitStatus.DONE
    marks = (
        (visit.not_applicable, VisitStatus.NOT_APPLICABLE),
        (visit.cancelled, VisitStatus.CANCELLED),
        (visit.missed, VisitStatus.MISSED),
        (visit.on_hold, VisitStatus.ON_HOLD),
    )
    return next((status for marked, status in marks if marked), None)
