"""What calendars need after a backup was restored: phones have seen more than the database remembers.

A phone keeps the higher SEQUENCE of two. So every stamp is set ahead of whatever may have been given out
since the backup, and dated now: no calendar goes backwards, and what was lost is overwritten on every phone.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from schedules.models import (
    CalendarChunk,
    CalendarFeed,
    CalendarState,
    FeedShown,
    Visit,
    VisitStamp,
    WindowStamp,
)
from trials.audit.acts import recorded_as_caused

AHEAD = 10_000
"""More than a visit can have changed between two backups."""


@transaction.atomic
def set_feeds_ahead(*, now: datetime) -> int:
    """Set revision and stamp of everything that calendars show ahead; give how many subscriptions work.

    A constant number of statements. Visits of frozen trials keep theirs: nothing of them has changed since.
    """
    instant = now.replace(microsecond=0)
    for stamps in (VisitStamp.objects, WindowStamp.objects):
        stamps.update(sequence=F("sequence") + AHEAD, changed_at=Greatest(F("changed_at"), instant))
    Visit.objects.filter(participant__trial__frozen_on=None).update(
        sequence=F("sequence") + AHEAD, changed_at=Greatest(F("changed_at"), instant)
    )
    CalendarState.objects.update(
        revision=F("revision") + AHEAD, changed_at=Greatest(F("changed_at"), instant)
    )
    CalendarChunk.objects.all().delete()
    FeedShown.objects.update(basis="", changed_at=Greatest(F("changed_at"), instant))
    return CalendarFeed.objects.filter(revoked_at=None).count()


@recorded_as_caused
def end_all_feeds(*, now: datetime) -> int:
    """Revoke every calendar address, where nobody can say which had been revoked since the backup."""
    return CalendarFeed.objects.filter(revoked_at=None).update(revoked_at=now)
