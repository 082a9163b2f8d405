"""Trials, their cohorts and the editions of their protocols."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from trials.domain.language import Text
from trials.domain.protocols.outside_names import names_disease, proposed_outside_name
from trials.models.enumerated import only
from trials.models.labels import LabelField
from trials.models.places import CODE, Site
from trials.models.users import User


class StudyType(models.TextChoices):
    """The registry's study types."""

    INTERVENTIONAL = "interventional", _("interventional")
    OBSERVATIONAL = "observational", _("observational")
    EXPANDED_ACCESS = "expanded_access", _("expanded access")


class Trial(models.Model):
    """A clinical trial, by its registry identifier."""

    code = models.CharField(_("code"), max_length=40, unique=True, validators=[CODE])
    outside_name = models.CharField(
        _("name outside"),
        max_length=40,
        blank=True,
        help_text=_(
            "What calendars, cards, e-mails and messages call the trial. Do not name the disease. "
            "Without one, they use the code without the words for its disease."
        ),
    )
    outside_name_zh = models.CharField(
        _("Chinese name outside"), max_length=40, blank=True, default="", db_default=""
    )
    registry_id = models.CharField(_("registry identifier"), max_length=40, blank=True)
    short_name = models.CharField(
        _("short name"),
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=_("For lists and calendars of the site; without one the code is shown."),
    )
    short_name_zh = models.CharField(
        _("short Chinese name"), max_length=40, blank=True, default="", db_default=""
    )
    title = LabelField(_("title"), max_length=300)
    study_type = models.CharField(
        _("study type"), max_length=20, choices=StudyType.choices, default=StudyType.INTERVENTIONAL
    )
    planned_number = models.PositiveIntegerField(_("planned number of participants"), null=True, blank=True)
    planned_end = models.DateField(_("planned end"), null=True, blank=True)
    frozen_on = models.DateField(_("frozen on"), null=True, blank=True)
    archived_on = models.DateField(_("archived on"), null=True, blank=True)
    retain_until = models.DateField(_("retain until"), null=True, blank=True)
    feeds_enabled = models.BooleanField(_("calendar feeds"), default=True, db_default=True)
    sites = models.ManyToManyField(Site, through="TrialSite", related_name="trials")

    class Meta:
        constraints = [only("study_type", StudyType.values, name="trial_study_type")]
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code

    @property
    def called(self) -> str:
        """What the trial is called outside, never by its disease: calendars, cards, mails and messages.

        In the language that is active, since each of them is made in the language of its reader.
        """
        return self.called_in_both.in_language(get_language() or "en")

    @property
    def called_in_both(self) -> Text:
        """What the trial is called outside in both languages, for what is told to several readers."""
        plain = self.outside_name or proposed_outside_name(self.code) or f"T{self.pk}"
        return Text(plain, self.outside_name_zh)

    def clean(self) -> None:
        """Raise ValidationError for a name outside that names a disease, or that is missing."""
        name, chinese = self.outside_name.strip(), self.outside_name_zh.strip()
        for field, given in (("outside_name", name), ("outside_name_zh", chinese)):
            if names_disease(given):
                message = _("%(name)s names a disease. Enter a name that does not, such as %(proposal)s.")
                proposal = proposed_outside_name(given) or proposed_outside_name(self.code) or "T1"
                raise ValidationError({field: message % {"name": given, "proposal": proposal}})
        if not name and not proposed_outside_name(self.code):
            message = _("The code %(code)s names a disease. Enter what the trial is called outside.")
            raise ValidationError({"outside_name": message % {"code": self.code}})
        self.outside_name, self.outside_name_zh = name, chinese


class TrialSite(models.Model):
    """A trial running at a site."""

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="trial_sites")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="trial_sites")

    class Meta:
        verbose_name = _("site of a trial")
        verbose_name_plural = _("sites of trials")
        constraints = [models.UniqueConstraint(fields=["trial", "site"], name="trial_once_at_site")]

    def __str__(self) -> str:
        return f"{self.trial_id} {self.site_id}"


class Cohort(models.Model):
    """One dose level of a trial; positions say the order of escalation."""

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="cohorts")
    code = models.CharField(_("code"), max_length=40, validators=[CODE])
    label = LabelField(_("label"), max_length=100)
    position = models.PositiveSmallIntegerField(_("position"))
    planned_number = models.PositiveIntegerField(_("planned number of participants"), null=True, blank=True)

    class Meta:
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        ordering = ("trial_id", "position")
        constraints = [
            models.UniqueConstraint(fields=["trial", "code"], name="cohort_code_once_in_trial"),
            models.UniqueConstraint(fields=["trial", "position"], name="cohort_position_once_in_trial"),
        ]

    def __str__(self) -> str:
        return self.label


class ProtocolVersion(models.Model):
    """One edition of a schedule of activities; once published, neither code nor database changes it."""

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="protocol_versions")
    label = models.CharField(_("version"), max_length=40)
    document = models.TextField(_("document"), help_text=_("The protocol document, format 1."))
    digest = models.CharField(_("digest"), max_length=80, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        User, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("protocol version")
        verbose_name_plural = _("protocol versions")
        ordering = ("trial_id", "created_at")
        constraints = [models.UniqueConstraint(fields=["trial", "label"], name="version_once_in_trial")]

    def __str__(self) -> str:
        return f"{self.trial.code} {self.label}"
