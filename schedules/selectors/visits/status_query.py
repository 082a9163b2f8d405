"""The status of a day as a query: `visit_status` in the database's words, and proved equal to it."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import F, Q

from schedules.domain.visits.status import CLOSING_DAYS, VisitStatus
from schedules.selectors.store.stored_visits import FREE, LIVE, RANGES

_UNDONE = Q(performed_on=None)
_STANDING = _UNDONE & Q(applies=True, cancelled_on=None)
_DONE = Q(performed_on__isnull=False)
_MISSED = _STANDING & Q(missed_on__isnull=False)

# what people recorded says it, whatever the day
_RECORDED = {
    VisitStatus.DONE: _DONE & Q(performed_on__gte=F("opens"), performed_on__lte=F("closes")),
    VisitStatus.DONE_EARLY: _DONE & Q(performed_on__lt=F("opens")),
    VisitStatus.DONE_LATE: _DONE & Q(performed_on__gt=F("closes")),
    VisitStatus.NOT_APPLICABLE: _UNDONE & Q(applies=False),
    VisitStatus.CANCELLED: _UNDONE & Q(applies=True, cancelled_on__isnull=False),
    VisitStatus.ON_HOLD: _STANDING & Q(missed_on=None, held_on__isnull=False),
}


def status_condition(status: VisitStatus, today: date) -> Q:
    """The condition on visits that have this status on this day; of all statuses exactly one holds."""
    if status in _RECORDED:
        return _RECORDED[status]
    live = Q(**LIVE)
    if status is VisitStatus.UPCOMING:
        return live & Q(opens__gt=today)
    if status is VisitStatus.MISSED:
        return _MISSED | (live & Q(closes__lt=today) & ~FREE)
    within = Q(opens__lte=today, closes__gte=today) & _within_the_window(status, today)
    return live & (within | (Q(closes__lt=today) & FREE)) if status is VisitStatus.OVERDUE else live & within


def _within_the_window(status: VisitStatus, today: date) -> Q:
    """What tells an open window's visits apart: a range is never due or overdue."""
    once = ~Q(timing__in=RANGES)
    pressing = once & Q(target__lte=today)
    closing = Q(closes__lte=today + timedelta(days=CLOSING_DAYS))
    return {
        VisitStatus.DUE: once & Q(target=today),
        VisitStatus.OVERDUE: once & Q(target__lt=today),
        VisitStatus.CLOSING: ~pressing & closing,
        VisitStatus.OPEN: ~pressing & ~closing,
    }[status]
