"""What an administrator decides about a delivery that failed: try again, give up, mute for a while.

Each decision is a record of its own with a reason, since the ledger is not: it stands in the audit trail.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.models import Reminder, ReminderDecision, ReminderDelivery, ReminderPause
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import User
from trials.zones import zone_of

# As long as its column: PostgreSQL refuses a longer text.
LONGEST = 300
MUTED = timedelta(days=7)
"""For how long a participant's reminders are muted, today included."""


@recorded
def retry_delivery(*, delivery: ReminderDelivery, by: User, now: datetime, reason: str) -> None:
    """Let a delivery that was refused, or that waits after a failure, be tried at the next ring.

    It is sent only if it is still true then. Raises Refused for one that is sent, and without a reason.
    """
    stored = _open(delivery, reason)
    ReminderDelivery.objects.filter(pk=stored.pk).update(
        refused_at=None, claimed_at=None, tried_at=None, attempts=0, not_before=None
    )
    # It was closed when its last delivery was refused: closed, nobody would look at it again.
    Reminder.objects.filter(pk=stored.reminder_id).update(sent_at=None, failed_at=None)
    _keep(stored, "retry", by, now, reason)


@recorded
def give_up_delivery(*, delivery: ReminderDelivery, by: User, now: datetime, reason: str) -> None:
    """End a delivery that waits: it is not tried again. Raises Refused for one that has ended."""
    stored = _open(delivery, reason)
    if stored.refused_at:
        raise Refused({"": [_("This delivery was given up already. Nothing was changed.")]})
    ReminderDelivery.objects.filter(pk=stored.pk).update(
        refused_at=now, claimed_at=None, reason=reason[:LONGEST]
    )
    _keep(stored, "give_up", by, now, reason)


@recorded
def mute_participant(*, delivery: ReminderDelivery, by: User, now: datetime, reason: str) -> ReminderPause:
    """Say nothing of the participant for MUTED; what is recorded goes on, and so do flags.

    Raises Refused where there is no participant, or a pause holds already.
    """
    person = _person(delivery)
    if person:  # before the delivery, as all who record something of them do; of two who mute, one is told
        Participant.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)
    stored = _open(delivery, reason)
    if person is None:
        raise Refused({"": [_("This reminder is about no single participant: it cannot be muted.")]})
    today = now.astimezone(zone_of(person.site)).date()
    if ReminderPause.objects.filter(
        participant=person, first__lte=today, last__gte=today, ended=False
    ).exists():
        raise Refused({"": [_("Reminders about this participant are paused already.")]})
    pause = ReminderPause.objects.create(
        participant=person, first=today, last=today + MUTED - timedelta(days=1), reason=reason
    )
    _keep(stored, "mute", by, now, reason)
    return pause


def _open(delivery: ReminderDelivery, reason: str) -> ReminderDelivery:
    """The delivery as it stands, locked; Refused where it is sent or nobody says why."""
    if not reason.strip():
        raise Refused({"reason": [_("Enter a reason. It is kept in the audit trail.")]})
    if len(reason) > LONGEST:
        said = _("The reason has %(given)d characters; it can have %(most)d.")
        raise Refused({"reason": [said % {"given": len(reason), "most": LONGEST}]})
    stored = ReminderDelivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    if stored.sent_at or stored.lapsed_at:
        raise Refused({"": [_("This delivery has ended meanwhile. Nothing was changed.")]})
    return stored


def _person(delivery: ReminderDelivery) -> Participant | None:
    reminder = Reminder.objects.select_related("participant__site", "visit__participant__site").get(
        pk=delivery.reminder_id
    )
    if reminder.participant:
        return reminder.participant
    return reminder.visit.participant if reminder.visit else None


def _keep(delivery: ReminderDelivery, decision: str, by: User, now: datetime, reason: str) -> None:
    ReminderDecision.objects.create(
        delivery=delivery,
        participant=_person(delivery),
        decision=decision,
        reason=reason,
        decided_at=now,
        decided_by=by,
    )
