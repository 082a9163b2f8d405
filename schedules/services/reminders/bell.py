"""What people do with what their bell tells: read, acknowledge, snooze, and take either back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from schedules.models import ReminderDelivery, ReminderPreference, ReminderRecipient
from schedules.services.reminders.addressing import close_reminders
from trials.audit.acts import recorded
from trials.models import User

LONGEST = timedelta(days=60)
"""For how long a reminder may be snoozed at most."""


@transaction.atomic
def acknowledge_reminder(*, recipient: ReminderRecipient, now: datetime) -> None:
    """Say that somebody has taken note: it leaves their bell, is not sent, and nobody else is told instead.

    Acknowledging twice keeps the first time.
    """
    mine = ReminderRecipient.objects.filter(pk=recipient.pk, acknowledged_at=None)
    mine.update(acknowledged_at=now, seen_at=recipient.seen_at or now, snoozed_until=None)
    _stop_sending(recipient, now)


@transaction.atomic
def snooze_reminder(*, recipient: ReminderRecipient, until: datetime, now: datetime) -> None:
    """Let it sleep until an instant, LONGEST at most: nobody else is told meanwhile."""
    until = min(max(until, now), now + LONGEST)
    mine = ReminderRecipient.objects.filter(pk=recipient.pk, acknowledged_at=None)
    mine.update(snoozed_until=until, seen_at=None)
    _stop_sending(recipient, now)


def reopen_reminder(*, recipient: ReminderRecipient) -> None:
    """Open it again: neither acknowledged nor snoozed. What was not sent meanwhile stays unsent."""
    ReminderRecipient.objects.filter(pk=recipient.pk).update(acknowledged_at=None, snoozed_until=None)


def mark_reminders_read(*, user: User, newest: int, now: datetime) -> None:
    """Say that somebody has read their open reminders, up to a row; what came since stays unread."""
    mine = ReminderRecipient.objects.filter(person=user, pk__lte=newest, seen_at=None)
    mine.filter(acknowledged_at=None, over_at=None).update(seen_at=now)


@recorded
def prefer_language(*, user: User, language: str, by: User) -> None:
    """Keep the language in which somebody is told: the one that they chose last on a screen."""
    ReminderPreference.objects.update_or_create(user=user, defaults={"language": language})


def _stop_sending(recipient: ReminderRecipient, now: datetime) -> None:
    waiting = ReminderDelivery.objects.filter(
        reminder=recipient.reminder_id, recipient=recipient.person_id, sent_at=None, refused_at=None
    )
    waiting.update(lapsed_at=now)
    close_reminders([recipient.reminder_id], now)  # else it is looked at again, and sent after all
