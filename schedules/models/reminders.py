"""What must be said once: reminders, who is told, and their deliveries."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from schedules.domain.reminders.people import CAPACITY_LABELS, Capacity
from schedules.domain.reminders.rules import KIND_LABELS, MANNER_LABELS
from schedules.domain.reminders.states import State, state_of
from schedules.models.visits import Visit
from trials.models import User
from trials.models.enumerated import choices_of, only
from trials.models.labels import LabelField

REMINDER_KINDS = KIND_LABELS
"""What a reminder says."""


class Reminder(models.Model):
    """A thing that must be said once: one row for it, claimed, and then sent to each of its recipients.

    `key` is rule, thing, day and step (`schedules.domain.reminders.rules.key_of`). In which state it is
    `schedules.domain.reminders.states.state_of` says. `claimed_at` is when it was last looked up who is to
    be told; `not_before` is when a message may leave (quiet hours, working days, the morning digest), and of
    what was sent when to ask again whether others are to be told; what is no longer true has `lapsed_at` and
    is written again (`lapsed_at` None) where it becomes true again.
    """

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
    manner = models.CharField(
        _("how"), max_length=8, blank=True, default="", db_default="", choices=choices_of(MANNER_LABELS)
    )
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    due_on = models.DateField(_("due on"))
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    failed_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    nobody_at = models.DateTimeField(_("nobody to tell since"), null=True, blank=True)
    escalated_at = models.DateTimeField(_("told to others at"), null=True, blank=True)
    lapsed_at = models.DateTimeField(_("no longer needed since"), null=True, blank=True)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ("-due_on", "id")
        constraints = [
            only("kind", REMINDER_KINDS, name="reminder_kind"),
            only("manner", MANNER_LABELS, name="reminder_manner", blank=True),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(claimed_at__isnull=False),
                name="reminder_claimed_before_sent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["claimed_at", "id"], condition=Q(sent_at__isnull=True), name="reminder_unsent"
            ),
            models.Index(
                fields=["sent_at"],
                condition=Q(sent_at__isnull=False, lapsed_at__isnull=True, escalated_at__isnull=True),
                name="reminder_unescalated",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def state(self) -> State:
        """What has become of it."""
        return state_of(
            claimed_at=self.claimed_at,
            sent_at=self.sent_at,
            failed_at=self.failed_at,
            nobody_at=self.nobody_at,
            lapsed_at=self.lapsed_at,
        )


class ReminderRecipient(models.Model):
    """Somebody who is told of a reminder: its row in their bell, whatever channels it leaves by besides.

    One for each reminder and person, so that nothing is said twice to the same. `over_at` is when it left
    the bell by itself: no longer true, or the person's role there has ended.
    """

    audited = False

    # without a check in the database: as the deliveries below
    reminder = models.ForeignKey(
        Reminder, on_delete=models.CASCADE, related_name="recipients", db_constraint=False
    )
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    capacity = models.CharField(_("told as"), max_length=16, choices=choices_of(CAPACITY_LABELS))
    instead_of = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    placed_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(_("read at"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    over_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("recipient of a reminder")
        verbose_name_plural = _("recipients of reminders")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["reminder", "person"], name="recipient_once_per_reminder"),
            only("capacity", Capacity, name="recipient_capacity"),
        ]
        indexes = [
            models.Index(
                fields=["person", "id"],
                condition=Q(acknowledged_at__isnull=True, over_at__isnull=True),
                name="recipient_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reminder_id} {self.person_id}"


class ReminderSweep(models.Model):
    """What the last whole sweep saw, one row: until that changes another one finds nothing to write.

    `entry` is the newest entry of the trail then, `until` the next midnight at any site, `seen` the settings
    of the installation that rules depend on; `whole_at` is when everybody was last looked at, `at` when those
    were of whom something had changed.
    """

    audited = False

    entry = models.BigIntegerField(_("entry of the trail"), default=0)
    seen = models.CharField(_("settings"), max_length=200, blank=True, default="")
    at = models.DateTimeField(_("swept at"))
    until = models.DateTimeField(null=True)
    whole_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.entry} {self.seen}"


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
    """What one person or group is told of a reminder over one channel besides the bell, and what came of it.

    One row for each, so that one refused address neither repeats the message to the others nor hides
    those after it. Open until it is sent, refused for good or no longer needed; `reason` is what the receiver
    said last. Rows of one person and channel that are due together leave as one message; `message` is its
    key, the same each time that it is sent, and kept here so that a repeat holds the same reminders. Before
    it is first claimed, it says which rows are to leave together (`schedules.domain.reminders.grouping`).
    """

    audited = False

    # without a check in the database: a draft that no longer holds is dropped while others claim
    reminder = models.ForeignKey(
        Reminder, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    recipient = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # none: the group that a channel of a site or a trial reaches
    channel = models.CharField(_("channel"), max_length=20, default="email")
    address = models.CharField(_("address"), max_length=254)
    claimed_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(_("last tried"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    refused_at = models.DateTimeField(_("refused for good"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    message = models.CharField(_("message"), max_length=160, blank=True, default="", db_default="")
    lapsed_at = models.DateTimeField(_("no longer needed since"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery of a reminder")
        verbose_name_plural = _("deliveries of reminders")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["reminder", "recipient", "channel"], name="delivery_once_per_recipient"
            ),
            models.UniqueConstraint(
                fields=["reminder", "channel"],
                condition=Q(recipient__isnull=True),
                name="delivery_once_per_group",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(refused_at__isnull=True), name="delivery_has_one_end"
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "tried_at", "id"],
                condition=Q(sent_at__isnull=True, refused_at__isnull=True),
                name="delivery_open",
            ),
            models.Index(
                fields=["message", "id"],
                condition=Q(sent_at__isnull=True, refused_at__isnull=True) & ~Q(message=""),
                name="delivery_together",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reminder_id} {self.channel} {self.recipient_id}"

    @property
    def state(self) -> State:
        """What has become of it."""
        return state_of(
            claimed_at=self.claimed_at,
            sent_at=self.sent_at,
            failed_at=self.refused_at,
            lapsed_at=self.lapsed_at,
        )
