"""What waits to be told, since when, and what came of telling by channel: for operations, naming nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce

from schedules.models import ReminderDelivery
from schedules.selectors.reminders.notices import open_reminders

LATELY = timedelta(days=1)
"""How far back what was sent and refused is counted."""
WEEK = timedelta(days=7)
"""How far back what was refused for good is listed."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel: what is open, what of it has failed before, and what was sent and refused lately."""

    channel: str
    open: int
    failed: int
    sent: int
    refused: int


def oldest_unsent(now: datetime) -> tuple[int, datetime | None]:
    """How many reminders that may leave are not told yet, and since when the oldest might; one query.

    What waits for its morning or for the end of a quiet hour is not late.
    """
    may_leave = open_reminders(now).filter(Q(not_before=None) | Q(not_before__lte=now))
    found = may_leave.aggregate(number=Count("pk"), since=Min(Coalesce("not_before", "created_at")))
    return found["number"], found["since"]


def channels_lately(now: datetime) -> list[ChannelState]:
    """Each channel over which something is open or was told lately, by its name; one query."""
    since = now - LATELY
    open_ = Q(sent_at=None, refused_at=None, lapsed_at=None)
    rows = (
        ReminderDelivery.objects.filter(open_ | Q(tried_at__gte=since))
        .order_by("channel")
        .values("channel")
        .annotate(
            open=Count("pk", filter=open_),
            failed=Count("pk", filter=open_ & Q(attempts__gt=0)),
            sent=Count("pk", filter=Q(sent_at__gte=since)),
            refused=Count("pk", filter=Q(refused_at__gte=since)),
        )
    )
    return [ChannelState(**row) for row in rows]


def troubled_deliveries(now: datetime, most: int = 50) -> list[ReminderDelivery]:
    """What could not be delivered yet, and what was refused lately, the newest attempt first; one query."""
    waiting = Q(sent_at=None, refused_at=None, lapsed_at=None, attempts__gt=0)
    lost = Q(sent_at=None, lapsed_at=None, refused_at__gte=now - WEEK)
    rows = ReminderDelivery.objects.filter(waiting | lost).select_related(
        "recipient",
        "reminder__participant__site",
        "reminder__participant__trial",
        "reminder__visit__participant__site",
        "reminder__visit__participant__trial",
    )
    return list(rows.order_by("-tried_at", "-pk")[:most])


def delivery_of(pk: int) -> ReminderDelivery | None:
    """One delivery by its number."""
    return ReminderDelivery.objects.filter(pk=pk).first()
