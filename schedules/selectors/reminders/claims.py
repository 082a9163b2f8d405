"""Which messages about one thing are claimed: another about it waits until it is known what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from schedules.models import Reminder, ReminderDelivery
from schedules.selectors.reminders.notices import is_old, thing_named

Thing = tuple[int | None, str]
"""Who hears (None: a group) and the thing that it is about."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is claimed, the thing that it is about, and whether its claim has grown old."""

    row: ReminderDelivery
    thing: Thing
    old: bool

    def holds_up(self, row: ReminderDelivery) -> bool:
        """Whether another row waits for this one: it may be leaving, or have left before its worker died.

        Of two with old claims, which an earlier release could leave, neither waits for the other.
        """
        waits = not self.old or row.claimed_at is None
        return waits and thing_heard(row) == self.thing and row.message != self.row.message


def thing_heard(row: ReminderDelivery) -> Thing:
    """Whom a row tells of what."""
    return row.recipient_id, thing_named(row.reminder)


def claims_of_things(rows: Sequence[ReminderDelivery], at: datetime, stale_after: timedelta) -> list[Claim]:
    """The claims of other rows about the things of these, by their channel; one query, none for no rows.

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
        channel__in={row.channel for row in rows},
        claimed_at__isnull=False,
        sent_at=None,
        refused_at=None,
        lapsed_at=None,
    )
    found = claimed.exclude(pk__in=[row.pk for row in rows]).order_by().select_related("reminder")
    return [Claim(row, thing_heard(row), is_old(row.claimed_at, at, stale_after)) for row in found]
