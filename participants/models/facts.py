"""What is recorded of a participant that protocol windows are judged by."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.domain.fact_kinds import DECLARATIONS, FactKind
from participants.models.participant import Participant
from trials.models import Cohort, Trial, User
from trials.models.enumerated import choices_of, only

FACT_LABELS = {one.kind: _(one.label) for one in DECLARATIONS}
"""A kind of fact, in a word or two."""


class Fact(models.Model):
    """One fact: its kind, what it is of, and when (participants/domain/facts.py says what each needs).

    `detail` holds what only this kind has: minutes of travel, a result, a half-life with its source.
    A correction withdraws the old row and adds a new one; nothing is written over.
    """

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="facts")
    kind = models.CharField(_("kind"), max_length=24, choices=choices_of(FACT_LABELS))
    of = models.CharField(_("of"), max_length=80, blank=True)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    starts_zone = models.CharField(
        _("zone of the record"), max_length=64, blank=True, default="", db_default=""
    )
    ends_on = models.DateField(_("to"), null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    ends_zone = models.CharField(
        _("zone of the record"), max_length=64, blank=True, default="", db_default=""
    )
    detail = models.JSONField(default=dict, blank=True)
    corrects = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrected_by"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(_("reason"), max_length=300, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("fact")
        verbose_name_plural = _("facts")
        ordering = ("participant_id", "id")
        constraints = [
            only("kind", FactKind, name="fact_kind_known"),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
                name="fact_days_in_order",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gte=F("starts_at")),
                name="fact_instants_in_order",
            ),
        ]
        indexes = [
            models.Index(
                fields=["participant", "kind"], condition=Q(withdrawn_at__isnull=True), name="facts_standing"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.of}"


class SafetyReview(models.Model):
    """The review of safety at a dose level, or in a whole trial, that may let the next participant start.

    `cohort` None: of everybody so far, as in a trial without dose levels. Software never decides a dose.
    """

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="safety_reviews")
    cohort = models.ForeignKey(
        Cohort, null=True, blank=True, on_delete=models.PROTECT, related_name="safety_reviews"
    )
    held_on = models.DateField(_("held on"))
    opens_next = models.BooleanField(_("the next level may be opened"))
    reference = models.CharField(_("reference"), max_length=200)
    recorded_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("safety review")
        verbose_name_plural = _("safety reviews")
        ordering = ("trial_id", "held_on", "id")

    def __str__(self) -> str:
        return f"{self.trial_id} {self.held_on}"
