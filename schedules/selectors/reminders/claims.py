"""What else is to leave about a thing: what is claimed is waited for, and what is more urgent goes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from schedules.domain.reminders.rules import urgency_of
from schedules.models import Reminder, ReminderDelivery
from schedules.selectors.reminders.notices import is_old, leaves_at, thing_named
from schedules.selectors.reminders.ways import EMAIL

Thing = tuple[int | str, str]
"""Who hears, and the thing that it is about."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another row that is still to leave about a thing.

    `due` says whether it may leave at this moment; `old` whether its claim, where it has one, has grown old.
    """

    row: ReminderDelivery
    old: bool
    due: bool

    def goes_first(self, row: ReminderDelivery) -> bool:
        """Whether this one may leave by the same channel, says more, and so leaves before.

        What is less urgent then counts as said with it (`judge_messages`).
        """
        return self._says_more(row) and self.row.channel == row.channel

    def holds_up(self, row: ReminderDelivery) -> bool:
        """Whether another row waits until it is known what came of this one.

        For a claim: it may be leaving, or have left before its worker died. Of two with old claims, which
        an earlier release could leave, neither waits for the other. And for what is about to leave to the
        same receiver by another channel and says more, unless it has met a fault.
        """
        if self.row.claimed_at is None:
            return self._says_more(row) and self.row.channel != row.channel and not self.row.attempts
        waits = not self.old or row.claimed_at is None
        return waits and row.message != self.row.message

    def _says_more(self, row: ReminderDelivery) -> bool:
        free = self.due and self.row.claimed_at is None
        return free and urgency_of(self.row.reminder.kind) > urgency_of(row.reminder.kind)


def thing_heard(row: ReminderDelivery, receivers: Mapping[str, str]) -> Thing:
    """Whom a row tells of what."""
    return hearer(row, receivers), thing_named(row.reminder)


def hearer(row: ReminderDelivery, receivers: Mapping[str, str]) -> int | str:
    """Who hears a row: its person by e-mail, else the receiver of its channel (`receivers_of`)."""
    if row.channel == EMAIL:
        return row.recipient_id or 0
    return receivers.get(row.channel, row.channel)


def others_of_things(
    rows: Sequence[ReminderDelivery], receivers: Mapping[str, str], at: datetime, stale_after: timedelta
) -> Mapping[Thing, Sequence[Other]]:
    """What else is to leave to whom these rows of one channel tell, by thing; one query, or none.

    Of a visit by its row; what is of none has its thing in the key alone: all rows of its participant
    are read.
    """
    if not rows:
        return {}
    about = [row.reminder for row in rows]
    things = Q(visit__in={one.visit_id for one in about if one.visit_id})
    if persons := {one.participant_id for one in about if not one.visit_id}:
        things |= Q(visit=None, participant__in=persons)
    channel = rows[0].channel
    theirs = Q(channel__in={*receivers, channel})
    if channel == EMAIL:
        theirs &= Q(recipient__in={row.recipient_id for row in rows})
    to_leave = ReminderDelivery.objects.filter(
        theirs,
        reminder__in=Reminder.objects.filter(things, lapsed_at=None).order_by().values("pk"),
        sent_at=None,
        refused_at=None,
        lapsed_at=None,
    )
    found: dict[Thing, list[Other]] = {}
    others = to_leave.exclude(pk__in=[row.pk for row in rows])
    for row in others.order_by().select_related("reminder"):
        old, due = is_old(row.claimed_at, at, stale_after), leaves_at(row, at) <= at
        found.setdefault(thing_heard(row, receivers), []).append(Other(row, old, due))
    return found
