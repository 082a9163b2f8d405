"""Where programs want to be told of changes, and each message to them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from schedules.domain.webhooks import PauseReason
from schedules.models.follow_up import CHANGES, FED
from trials.models import ApiClient
from trials.models.enumerated import choices_of, only

PAUSES = {
    PauseReason.BY_HAND: _("paused by a person"),
    PauseReason.UNREACHABLE: _("not reachable for three days"),
    PauseReason.REFUSED: _("the receiver refused 20 messages in a row"),
    PauseReason.GONE: _("the receiver says that it is gone"),
    PauseReason.SECRET: _("its secret cannot be read"),
}


class Webhook(models.Model):
    """An address of a client that is told of changes; secrets are encrypted, two while one rotates.

    `cursor` is the number of the change up to which messages are written.
    """

    audit_hidden = (
        *(
            "secret",
            "previous_secret",
            "cursor",
            "epoch",
            "failures",
            "refused",
            "rests_until",
            "succeeded_at",
        ),
    )

    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="webhooks")
    url = models.CharField(_("address"), max_length=2000)
    secret = models.TextField(editable=False)
    previous_secret = models.TextField(blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    cursor = models.BigIntegerField(default=0, editable=False)
    epoch = models.CharField(max_length=16, default="", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    paused_because = models.CharField(
        _("reason"),
        max_length=12,
        blank=True,
        choices=choices_of(PAUSES),
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, editable=False)
    refused = models.PositiveIntegerField(default=0, editable=False)
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)
    succeeded_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ("id",)
        constraints = [only("paused_because", PauseReason, name="webhook_pause", blank=True)]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One message: of which change, and what came of it. `key` is what the receiver knows a repeat by.

    `refused_at` says that it was given up, and `reason` why. Participant and visit are named as the change
    names them, which are never deleted.
    """

    audited = False

    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    key = models.CharField(max_length=60, unique=True)
    number = models.BigIntegerField()
    kind = models.CharField(max_length=24, choices=[(word, word) for word in CHANGES])
    record = models.CharField(max_length=12, choices=[(word, word) for word in FED], default="visit")
    participant_id = models.BigIntegerField()
    visit_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            only("kind", CHANGES, name="webhook_message_kind"),
            only("record", FED, name="webhook_message_record"),
        ]
        indexes = [
            models.Index(
                fields=["webhook", "participant_id", "number"],
                condition=Q(sent_at__isnull=True, refused_at__isnull=True),
                name="webhook_messages_open",
            ),
            models.Index(fields=["webhook", "-id"], name="webhook_messages_shown"),
        ]

    def __str__(self) -> str:
        return self.key
