"""The audit trail: entries that database triggers write, chained by hash and sealed."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trials.models.enumerated import choices_of, only

ACTIONS = {"create": _("created"), "change": _("changed"), "delete": _("deleted")}


class AuditEntry(models.Model):
    """One creation, change or deletion of one record: who, when, old, new, why and what caused it.

    Rows are written by triggers on every audited table (trials/audit/triggers.py), so that no way of
    writing escapes them, and refused any update, delete or truncation.
    """

    audited = False

    at = models.DateTimeField(_("at"))
    act = models.CharField(_("act"), max_length=36, blank=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(_("who"), max_length=150, blank=True)
    roles = models.CharField(_("in which roles"), max_length=200, blank=True)
    cause = models.CharField(pgettext_lazy("audit trail", "cause"), max_length=200, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    action = models.CharField(
        pgettext_lazy("audit trail", "action"), max_length=6, choices=choices_of(ACTIONS)
    )
    model = models.CharField(_("record"), max_length=60)
    object_id = models.CharField(max_length=40)
    trial_id = models.BigIntegerField(null=True)
    site_id = models.BigIntegerField(null=True)
    participant_id = models.BigIntegerField(null=True)
    old = models.TextField(_("old values"), blank=True)
    new = models.TextField(_("new values"), blank=True)

    class Meta:
        constraints = [only("action", ACTIONS, name="audit_action")]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["model", "object_id", "id"], name="audit_by_record"),
            models.Index(fields=["participant_id", "id"], name="audit_by_participant"),
            models.Index(fields=["site_id", "id"], name="audit_by_site"),
            models.Index(fields=["trial_id", "id"], name="audit_by_trial"),
            models.Index(
                fields=["id"],
                condition=models.Q(participant_id__isnull=True),
                name="audit_of_no_participant",
            ),
            # Entries from before the site stood on every one; none is added.
            models.Index(
                fields=["participant_id", "id"],
                condition=models.Q(site_id__isnull=True, participant_id__isnull=False),
                name="audit_site_unknown",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.action} {self.model} {self.object_id}"


class AuditSeal(models.Model):
    """A stretch of the trail that was closed; its head leaves the machine."""

    audited = False

    first = models.BigIntegerField(_("first link"))
    last = models.BigIntegerField(_("last link"), unique=True)
    head = models.CharField(_("head"), max_length=64)
    sealed_at = models.DateTimeField(_("sealed at"))

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        ordering = ("-last",)

    def __str__(self) -> str:
        return f"{self.last} {self.head}"


class AuditEpoch(models.Model):
    """A new beginning of the chain with its reason: a backup was restored, or strays were admitted.

    Heads that were handed out in an epoch before, for links after this one, are no longer expected.
    """

    number = models.PositiveIntegerField(pgettext_lazy("audit trail", "epoch"), unique=True)
    after = models.BigIntegerField(_("after link"))
    head = models.CharField(_("head"), max_length=64, blank=True)
    reason = models.TextField(_("reason"))
    opened_at = models.DateTimeField(_("opened at"))
    admitted = models.BooleanField(_("strays admitted"), default=False)

    class Meta:
        verbose_name = _("epoch of the audit trail")
        verbose_name_plural = _("epochs of the audit trail")
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"{self.number} after {self.after}"


class AuditMail(models.Model):
    """An e-mail with heads that was handed over for sending: every seal up to `last` has left."""

    audited = False

    last = models.BigIntegerField(_("last link"))
    sent_at = models.DateTimeField(_("sent at"))

    class Meta:
        verbose_name = _("e-mail with heads of the audit trail")
        verbose_name_plural = _("e-mails with heads of the audit trail")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.last} {self.sent_at}"


class AuditLink(models.Model):
    """The place of an entry in the chain: each hash covers the one before it and the entry's bytes."""

    audited = False

    number = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, db_constraint=False, related_name="link"
    )
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"


class SchemaChange(models.Model):
    """A migration that ran while the triggers were lifted; recorded as a row of its own."""

    class Direction(models.TextChoices):
        """Which way a migration ran."""

        FORWARDS = "forwards", _("forwards")
        BACKWARDS = "backwards", _("backwards")

    app = models.CharField(_("application"), max_length=255)
    name = models.CharField(_("migration"), max_length=255)
    direction = models.CharField(_("direction"), max_length=9, choices=Direction.choices)
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("migration of the database")
        verbose_name_plural = _("migrations of the database")
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(direction__in=("forwards", "backwards")), name="schema_change_direction"
            )
        ]

    def __str__(self) -> str:
        return f"{self.app}.{self.name} {self.direction}"
