"""What must be said once: reminders and their deliveries."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from schedules.domain.reminders.rules import KIND_LABELS
from schedules.models.visits import Visit
from trials.models import User
from trials.models.enumerated import choices_of, only
from trials.models.labels import LabelField

REMINDER_KINDS = KIND_LABELS
"""What a reminder says."""


class Reminder(models.Model):
    """A thing that must be said once: one row for it, claimed and then sent."""

    audited = False

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20, choices=choices_of(REMINDER_KINDS))
    visit = models.ForeignKey(
        Visit, null=True, blank=True, on_delete=models.PROTECT, related_name="reminders"
    )
    participant = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="reminders"
    )
    day = models.DateField(_("about the day"), null=True, blank=True)
    thing = LabelField(_("about"), max_length=200, blank=True, default="", db_default="")
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    due_on = models.DateField(_("due on"))
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ("-due_on", "id")
        constraints = [
            only("kind", REMINDER_KINDS, name="reminder_kind"),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(claimed_at__isnull=False),
                name="reminder_claimed_before_sent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["claimed_at", "id"], condition=Q(sent_at__isnull=True), name="reminder_unsent"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ReminderStart(models.Model):
    """Since when a kind of reminder is known where a record was there before it: the past counts as said."""

    audited = False

    kind = models.CharField(max_length=20, unique=True, choices=choices_of(KIND_LABELS))
    since = models.DateField()

    class Meta:
        constraints = [only("kind", KIND_LABELS, name="reminder_start_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.since}"


class ReminderDelivery(models.Model):
    """What one person is told of a reminder over one channel, and what came of it.

    One row for each, so that one refused address neither repeats the message to the others nor hides
    those after it. Open until it is sent or refused for good; `reason` is what the receiver said last.
    """

    audited = False

    # without a check in the database: a draft that no longer holds is dropped while others claim
    reminder = models.ForeignKey(
        Reminder, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(_("channel"), max_length=20, default="email")
    address = models.CharField(_("address"), max_length=254)
    claimed_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(_("last tried"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    refused_at = models.DateTimeField(_("refused for good"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("delivery of a reminder")
        verbose_name_plural = _("deliveries of reminders")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["reminder", "recipient", "channel"], name="delivery_once_per_recipient"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(refused_at__isnull=True), name="delivery_has_one_end"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tried_at", "id"],
                condition=Q(sent_at__isnull=True, refused_at__isnull=True),
                name="delivery_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reminder_id} {self.channel} {self.recipient_id}"
