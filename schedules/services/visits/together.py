"""Two visits of one participant on one journey: booked by one act, and cancelled by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from schedules.domain.errors import VisitRefused
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.services.store.visit_writing import RECORD, lock_participant
from schedules.services.visits.appointments import book_visit, unbook_visit
from trials.audit.acts import recorded
from trials.domain.errors import Stale
from trials.models import User
from trials.spoken import say

Versioned = Sequence[tuple[Visit, int]]
"""Visits of one participant, each with the version that was shown."""


@recorded
def book_together(
    *, visits: Versioned, booking: Booking, by: User | None, reason: str = "", now: datetime
) -> list[Visit]:
    """Book several visits of one participant for the same day and hour as one appointment: all or none.

    Raises VisitRefused, whose words name the visit that is refused, and Stale unless all are as shown.
    """
    said: dict[str, Any] = {"booking": booking, "by": by, "reason": reason, "now": now}
    return _each(visits, book_visit, said)


@recorded
def unbook_together(*, visits: Versioned, by: User | None, reason: str, now: datetime) -> list[Visit]:
    """Cancel the bookings of several visits of one participant with one reason: all or none.

    Raises VisitRefused and Stale as `book_together`.
    """
    return _each(visits, unbook_visit, {"by": by, "reason": reason, "now": now})


def _each(visits: Versioned, act: Callable[..., Visit], said: dict[str, Any]) -> list[Visit]:
    lock_participant(visits[0][0].participant_id)
    stored = Visit.objects.in_bulk([visit.pk for visit, _version in visits])
    for visit, version in visits:
        if stored[visit.pk].version != version:
            raise Stale(RECORD, visit.pk, version, stored[visit.pk].version)
    done = []
    for visit, _version in visits:
        # the act before may have moved it: it is read again, under the lock
        fresh = Visit.objects.select_related("participant").get(pk=visit.pk)
        try:
            done.append(act(visit=fresh, version=fresh.version, **said))
        except VisitRefused as refused:
            name = say(visit.label)
            named = {key: [f"{name}: {one}" for one in words] for key, words in refused.fields.items()}
            raise refused.said_as(named) from refused
    return done
