"""Whose reminders may have changed since a sweep: by the trail, and by the days that have passed.

A sweep that knows it need not look at everybody. What time alone makes due it finds by the days of the
rules; here stands whom it looks at besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet

from participants.models import Fact
from schedules.models import Flag, ReminderPause, Visit
from trials.models import AuditEntry

MOST = 1000
"""For more participants than these, one look at everybody is cheaper."""

_MOST_ENTRIES = 50_000
"""For more entries than these, as after an amendment of everybody, one look at everybody is cheaper."""

_DAY = timedelta(days=1)


def newest_entry() -> int:
    """Give the number of the trail's newest entry; 0 where it has none."""
    return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def people_changed(*, after: int, newest: int) -> set[int] | None:
    """Give whose record the trail says has changed after an entry, up to another one; at most one query.

    None where everybody is to be looked at: a setting, a form, a review or a role has changed, or too many.
    """
    if newest <= after:
        return set()
    if newest - after > _MOST_ENTRIES:
        return None
    entries = AuditEntry.objects.filter(pk__gt=after, pk__lte=newest)
    found = set(entries.order_by().values_list("participant_id", flat=True).distinct()[: MOST + 1])
    return None if None in found or len(found) > MOST else {one for one in found if one is not None}


def people_of_passed_days(earliest: date, latest: date) -> set[int] | None:
    """Give who has something that a rule reads and that ended on one of these days; one query.

    A booking that is over, a flag that wakes on the day after, lodging that ends, a pause. None
    where everybody is to be looked at: the pause of a trial has ended, or too many.
    """
    if earliest > latest:
        return set()
    passed = (earliest, latest)
    pauses = ReminderPause.objects.filter(ended=False, last__range=passed)
    lodging = Fact.objects.filter(kind="lodging", withdrawn_at=None, ends_on__range=passed)
    waking = Flag.objects.filter(cleared_at=None, snoozed_until__range=(earliest + _DAY, latest + _DAY))
    booked = Visit.objects.running().filter(booked_on__range=passed)
    found = _people([booked, waking, lodging, pauses.filter(person=None)])
    return None if None in found or len(found) > MOST else {one for one in found if one is not None}


def _people(of: Sequence[QuerySet[Any]]) -> set[int | None]:
    first, *others = (rows.order_by().values_list("participant_id", flat=True) for rows in of)
    return set(first.union(*others)[: MOST + 1])
