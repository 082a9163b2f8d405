"""What a trial or a site wants otherwise of its reminders, and where nothing is said for a time."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from schedules.domain.reminders.rules import KIND_LABELS, MANNER_LABELS
from trials.models import Site, Trial, User
from trials.models.enumerated import choices_of, only

LANGUAGES = {"en": _("English"), "zh-hans": _("Simplified Chinese")}


class ReminderSetting(models.Model):
    """What a trial, or one of its sites, wants of a rule instead of what Dayzero assumes.

    Without a `kind` it is for all rules there. A column that is None or empty leaves what the trial says, or
    else the default (`schedules.domain.reminders.settings`).
    """

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("rule"), max_length=20, blank=True, default="", choices=choices_of(KIND_LABELS))
    active = models.BooleanField(_("on"), null=True, blank=True)
    days = models.CharField(_("days"), max_length=40, blank=True, default="")
    recipients = models.CharField(_("to whom"), max_length=120, blank=True, default="")
    manner = models.CharField(
        _("how"), max_length=8, blank=True, default="", choices=choices_of(MANNER_LABELS)
    )
    earliest = models.TimeField(_("not before"), null=True, blank=True)
    latest = models.TimeField(_("not after"), null=True, blank=True)
    working_days = models.BooleanField(_("on working days only"), null=True, blank=True)
    escalate_after = models.PositiveSmallIntegerField(
        _("days until somebody else is told"), null=True, blank=True
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("setting of reminders")
        verbose_name_plural = _("settings of reminders")
        ordering = ("trial_id", "site_id", "kind")
        constraints = [
            models.UniqueConstraint(
                fields=["trial", "site", "kind"], condition=Q(site__isnull=False), name="setting_once_at_site"
            ),
            models.UniqueConstraint(
                fields=["trial", "kind"], condition=Q(site__isnull=True), name="setting_once_in_trial"
            ),
            only("kind", KIND_LABELS, name="setting_kind", blank=True),
            only("manner", MANNER_LABELS, name="setting_manner", blank=True),
        ]

    def __str__(self) -> str:
        return f"{self.trial_id} {self.site_id or ''} {self.kind}"


class ReminderPause(models.Model):
    """Days on which nothing is said of a participant, in a trial or to a person; the last day is inside."""

    participant = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    trial = models.ForeignKey(Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=300)
    ended = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("pause of reminders")
        verbose_name_plural = _("pauses of reminders")
        ordering = ("first", "id")
        constraints = [
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="pause_in_order"),
            models.CheckConstraint(
                condition=Q(participant__isnull=False, trial__isnull=True, person__isnull=True)
                | Q(participant__isnull=True, trial__isnull=False, person__isnull=True)
                | Q(participant__isnull=True, trial__isnull=True, person__isnull=False),
                name="pause_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} {self.last}"


class ReminderPreference(models.Model):
    """In which language somebody is told: the one that they chose last on a screen."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(_("language of messages"), max_length=8, choices=choices_of(LANGUAGES))

    class Meta:
        verbose_name = _("preference of reminders")
        verbose_name_plural = _("preferences of reminders")
        constraints = [only("language", LANGUAGES, name="preference_language")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.language}"
