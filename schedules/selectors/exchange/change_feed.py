"""The change feed as a user may read it: numbered changes after a cursor, with the rows as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from participants.selectors.participants import participants_visible_to
from schedules.models import ChangeEvent
from schedules.selectors.exchange.visit_rows import ListedVisit, visits_by_id
from trials.models import User
from trials.zones import roles_day


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in the order of their numbers, the visits that they name, and the last number read."""

    events: Sequence[ChangeEvent]
    visits: Mapping[int, ListedVisit]
    last: int


def last_number() -> int:
    """The number of the newest change; 0 where there is none."""
    return int(ChangeEvent.objects.aggregate(last=Max("number"))["last"] or 0)


def changes_after(user: User, number: int, size: int, now: datetime) -> Changes:
    """Read up to `size` changes of what a user may see after a number; a constant number of queries."""
    head = last_number()
    found = ChangeEvent.objects.filter(
        number__gt=number, number__lte=head, participant__in=participants_visible_to(user, roles_day(now))
    ).select_related("participant__trial", "participant__site", "visit")
    events = list(found.order_by("number")[:size])
    visits = visits_by_id(user, {one.visit_id for one in events if one.visit_id}, now)
    last = events[-1].number if len(events) == size else head
    return Changes(events, visits, max(last or 0, number))
