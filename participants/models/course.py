"""What happens to a participant besides visits: consent, the steps of their course, absences, product."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.domain.lifecycle import STEP_LABELS, Extent, Step, StepTaken
from participants.domain.product import LABELS, Milestone
from participants.models.participant import Participant
from trials.models import ConsentForm, Site, User
from trials.models.enumerated import choices_of, only


class Consent(models.Model):
    """A consent form that the participant (or a guardian) signed, on a day, or took back."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="consents")
    form = models.ForeignKey(ConsentForm, on_delete=models.PROTECT, related_name="consents")
    signed_on = models.DateField(_("signed on"))
    withdrawn_on = models.DateField(_("withdrawn on"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ("participant_id", "signed_on")
        constraints = [
            models.UniqueConstraint(fields=["participant", "form"], name="consent_once_per_form"),
            models.CheckConstraint(
                condition=Q(withdrawn_on__isnull=True) | Q(withdrawn_on__gte=F("signed_on")),
                name="consent_withdrawn_after_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.form_id}"


class EndsChoice(models.TextChoices):
    """What an end ends (participants/domain/lifecycle.py says of each what follows)."""

    TREATMENT = Extent.TREATMENT.value, _("Treatment only; the visits go on")
    VISITS = Extent.VISITS.value, _("The visits of the protocol, except those that stay after an early end")
    CONTACT = Extent.CONTACT.value, _("All contact; no further visit")


class CourseStep(models.Model):
    """A step of a participant's course (participants/domain/lifecycle.py says which may follow which)."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(_("step"), max_length=24, choices=choices_of(STEP_LABELS))
    happened_on = models.DateField(_("on"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    ends = models.CharField(_("what ends"), max_length=12, blank=True, default="", choices=EndsChoice.choices)
    undone = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("participant_id", "id")
        constraints = [
            only("step", Step, name="step_known"),
            models.CheckConstraint(condition=Q(ends__in=["", *EndsChoice.values]), name="step_ends_known"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.happened_on}"

    @property
    def taken(self) -> StepTaken:
        """The step as the rules of a course look at it."""
        ends = Extent(self.ends) if self.ends else None
        return StepTaken(Step(self.step), self.happened_on, self.attempt, ends)


class Absence(models.Model):
    """Days on which a participant, or somebody the site cannot do without, is not there."""

    participant = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="absences"
    )
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="absences")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="absences")
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    deputy = models.ForeignKey(
        User, verbose_name=_("deputy"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ("first",)
        constraints = [
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="absence_in_order"),
            models.CheckConstraint(
                condition=Q(participant__isnull=False, site__isnull=True)
                | Q(participant__isnull=True, site__isnull=False),
                name="absence_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} {self.last}"


class ProductStep(models.Model):
    """A milestone of a participant's product: planned, and then dated; a remake is another attempt."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="product_steps")
    step = models.CharField(_("milestone"), max_length=24, choices=choices_of(LABELS))
    attempt = models.PositiveSmallIntegerField(default=1)
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    done_on = models.DateField(_("done on"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("product milestone")
        verbose_name_plural = _("product milestones")
        ordering = ("participant_id", "attempt", "id")
        constraints = [
            only("step", Milestone, name="milestone_known"),
            models.UniqueConstraint(
                fields=["participant", "attempt", "step"], name="milestone_once_per_attempt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.done_on or self.expected_on}"
