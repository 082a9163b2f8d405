"""Which messages about one thing are claimed: another about it waits until it is known what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from schedules.models import Reminder, ReminderDelivery
from schedules.selectors.reminders.notices import is_old, thing_named
from schedules.selectors.reminders.ways import EMAIL

Thing = tuple[int | str, str]
"""Who hears, and the thing that it is about."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is claimed, whom it tells of what, and whether its claim has grown old."""

    row: ReminderDelivery
    thing: Thing
    old: bool

    def holds_up(self, row: ReminderDelivery, thing: Thing) -> bool:
        """Whether another row waits for this one: it may be leaving, or have left before its worker died.

        Of two with old claims, which an earlier release could leave, neither waits for the other.
        """
        waits = not self.old or row.claimed_at is None
        return waits and thing == self.thing and row.message != self.row.message


def thing_heard(row: ReminderDelivery, receivers: Mapping[str, str]) -> Thing:
    """Whom a row tells of what."""
    return hearer(row, receivers), thing_named(row.reminder)


def hearer(row: ReminderDelivery, receivers: Mapping[str, str]) -> int | str:
    """Who hears a row: its person by e-mail, else the receiver of its channel (`receivers_of`)."""
    if row.channel == EMAIL:
        return row.recipient_id or 0
    return receivers.get(row.channel, row.channel)


def claims_of_things(
    rows: Sequence[ReminderDelivery], receivers: Mapping[str, str], at: datetime, stale_after: timedelta
) -> list[Claim]:
    """The claims of other rows about the things of these, by the same receivers; one query, or none.

    Of a visit by its row; what is of none has its thing in the key alone: all claims of its participant
    are read.
    """
    if not rows:
        return []
    about = [row.reminder for row in rows]
    things = Q(visit__in={one.visit_id for one in about if one.visit_id})
    if persons := {one.participant_id for one in about if not one.visit_id}:
        things |= Q(visit=None, participant__in=persons)
    claimed = ReminderDelivery.objects.filter(
        reminder__in=Reminder.objects.filter(things, lapsed_at=None).order_by().values("pk"),
        channel__in={*receivers, *(row.channel for row in rows)},
        claimed_at__isnull=False,
        sent_at=None,
        refused_at=None,
        lapsed_at=None,
    )
    found = claimed.exclude(pk__in=[row.pk for row in rows]).order_by().select_related("reminder")
    return [Claim(row, thing_heard(row, receivers), is_old(row.claimed_at, at, stale_after)) for row in found]
