"""What passes between Dayzero and an EDC: maps of names, answers given once, values that differ."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from schedules.domain.visits.reported_values import ReportedField
from schedules.models.visits import Visit
from trials.models import CODE, Trial, User
from trials.models.enumerated import choices_of, only


class EdcEnvironment(models.TextChoices):
    """Where an EDC is used: to train people, or for the trial itself."""

    TRAINING = "training", _("training")
    LIVE = "live", _("live")


class EdcMap(models.Model):
    """How one EDC names a trial, its sites and its visits, in one environment.

    `sites` gives the EDC's id by our code. `events` is a list of one entry for a visit or for one occurrence
    of a visit rule (schedules/services/exchange/maps.py says what an entry holds). `last_message` keeps the
    names that the EDC used last, so that those that the map lacks can be shown.
    """

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="edc_maps")
    edc = models.CharField(_("EDC"), max_length=40, validators=[CODE])
    environment = models.CharField(_("environment"), max_length=8, choices=EdcEnvironment.choices)
    study_oid = models.CharField(_("study OID"), max_length=120, blank=True)
    sites = models.JSONField(_("sites"), default=dict)
    events = models.JSONField(_("events"), default=list)
    version = models.PositiveIntegerField(default=1, editable=False)
    last_message = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), editable=False)
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True, editable=False)

    audit_hidden = ("last_message", "last_message_at")
    """What the EDC's last message named: the message itself stands in the trail by what it did."""

    class Meta:
        verbose_name = _("map of an EDC")
        verbose_name_plural = _("maps of EDCs")
        ordering = ("trial_id", "edc", "environment")
        constraints = [
            models.UniqueConstraint(fields=["trial", "edc", "environment"], name="edc_map_once"),
            models.CheckConstraint(
                condition=Q(environment__in=EdcEnvironment.values), name="edc_map_environment_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trial_id} {self.edc} {self.environment}"


class EdcSubject(models.Model):
    """The name that an EDC gives a participant, in one map."""

    map = models.ForeignKey(EdcMap, on_delete=models.PROTECT, related_name="subjects")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="edc_subjects")
    external_id = models.CharField(_("name in the EDC"), max_length=120)

    class Meta:
        verbose_name = _("participant of an EDC")
        verbose_name_plural = _("participants of EDCs")
        constraints = [
            models.UniqueConstraint(fields=["map", "participant"], name="edc_subject_once_in_map"),
            models.UniqueConstraint(fields=["map", "external_id"], name="edc_subject_name_once_in_map"),
        ]

    def __str__(self) -> str:
        return self.external_id


class IdempotentAnswer(models.Model):
    """The answer to a POST, kept for a day under the key that came with it; `digest` is the request's."""

    audited = False

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=128)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key


class Settlement(models.TextChoices):
    """How a difference was settled."""

    OURS = "ours", _("our value was kept")
    THEIRS = "theirs", _("the value of the EDC was taken over")
    AGREED = "agreed", _("both agree again")


FIELDS: dict[str, Any] = {
    ReportedField.DAY.value: _("day of the visit"),
    ReportedField.ANCHOR.value: _("day of the anchor"),
    ReportedField.ACTIVITY.value: _("activity"),
    ReportedField.RESULT.value: _("test result"),
    ReportedField.CONFIRMED.value: _("protocol window"),
    ReportedField.EVENT.value: _("event"),
}
"""Which values can differ, and what people call them."""
LONGEST_VALUE = 600


class ValueDifference(models.Model):
    """A value on which an EDC and Dayzero do not agree: both are kept until a person settles it.

    `ours` and `theirs` are a day, or an instant where the hour is known, or `missed` or `cancelled` with the
    day on which that was recorded. With an `item`, the code of an activity, a test, a window or an event,
    they are what schedules/domain/visits/reported_values.py writes.
    """

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="differences")
    visit = models.ForeignKey(
        Visit, null=True, blank=True, on_delete=models.PROTECT, related_name="differences"
    )
    anchor = models.CharField(_("anchor"), max_length=60, blank=True)
    field = models.CharField(_("field"), max_length=20, choices=choices_of(FIELDS))
    item = models.CharField(_("of which part"), max_length=80, blank=True, default="", db_default="")
    ours = models.CharField(_("in Dayzero"), max_length=LONGEST_VALUE, blank=True)
    theirs = models.CharField(_("in the EDC"), max_length=LONGEST_VALUE, blank=True)
    client = models.CharField(_("client"), max_length=100)
    source = models.JSONField(_("source"), default=dict)
    noticed_at = models.DateTimeField(_("noticed at"))
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    settled_reason = models.CharField(_("reason"), max_length=300, blank=True)
    settlement = models.CharField(_("settled how"), max_length=8, choices=Settlement.choices, blank=True)

    class Meta:
        verbose_name = _("difference between EDC and Dayzero")
        verbose_name_plural = _("differences between EDC and Dayzero")
        ordering = ("participant_id", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "visit", "anchor", "field", "item", "client"],
                condition=Q(settled_at__isnull=True),
                name="difference_open_once",
            ),
            only("field", FIELDS, name="difference_field"),
            only("settlement", Settlement.values, name="difference_settlement", blank=True),
        ]

    def __str__(self) -> str:
        return f"{self.field}: {self.ours} / {self.theirs}"


class EdcConfirmation(models.Model):
    """An EDC has reported a visit's day, and it is the one on record."""

    audited = False

    visit = models.OneToOneField(
        Visit, primary_key=True, on_delete=models.PROTECT, related_name="edc_confirmation"
    )
    client = models.CharField(_("client"), max_length=100)
    confirmed_at = models.DateTimeField(_("confirmed at"))

    class Meta:
        verbose_name = _("confirmation by an EDC")
        verbose_name_plural = _("confirmations by EDCs")

    def __str__(self) -> str:
        return f"{self.visit_id} {self.client}"


class FeedEpoch(models.Model):
    """The word that cursors of the change feed carry in one epoch of the audit trail."""

    audited = False

    audit_epoch = models.PositiveIntegerField(unique=True)
    word = models.CharField(max_length=16)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.word
