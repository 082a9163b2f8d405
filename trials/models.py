"""Users, sites, trials and protocol versions as they are stored."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

CODE = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z", _("Use letters, digits, dots, hyphens and underscores.")
)
CLINIC_DAYS = RegexValidator(
    r"\A1?2?3?4?5?6?7?\Z", _("Name the weekdays in order, 1 for Monday to 7 for Sunday.")
)


class User(AbstractUser):
    """Someone who signs in; stands in the first migration, so that it can grow later."""


class Site(models.Model):
    """A hospital where trials run; its zone decides what day it is there."""

    code = models.CharField(_("code"), max_length=40, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=200)
    zone = models.CharField(
        _("time zone"), max_length=64, blank=True, help_text=_("An IANA name, such as Asia/Shanghai.")
    )
    clinic_days = models.CharField(_("clinic days"), max_length=7, default="12345", validators=[CLINIC_DAYS])
    holiday_calendar = models.CharField(_("holiday calendar"), max_length=16, default="CN")
    feeds_enabled = models.BooleanField(_("calendar feeds"), default=True)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class WorkingDayTable(models.Model):
    """One version of a site's working days; plans name the version, so it is never changed."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="working_day_tables")
    version = models.PositiveIntegerField(_("version"))
    document = models.JSONField(_("table"))
    digest = models.CharField(max_length=80)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("working-day table")
        verbose_name_plural = _("working-day tables")
        ordering = ("site", "-version")
        constraints = [models.UniqueConstraint(fields=["site", "version"], name="one_table_per_version")]

    def __str__(self) -> str:
        return f"{self.site_id} v{self.version}"


class StudyType(models.TextChoices):
    """The registry's study types."""

    INTERVENTIONAL = "interventional", _("interventional")
    OBSERVATIONAL = "observational", _("observational")
    EXPANDED_ACCESS = "expanded_access", _("expanded access")


class Trial(models.Model):
    """A clinical trial, by its registry identifier."""

    code = models.CharField(_("code"), max_length=40, unique=True, validators=[CODE])
    registry_id = models.CharField(_("registry identifier"), max_length=40, blank=True)
    title = models.CharField(_("title"), max_length=300)
    study_type = models.CharField(
        _("study type"), max_length=20, choices=StudyType.choices, default=StudyType.INTERVENTIONAL
    )
    planned_number = models.PositiveIntegerField(_("planned number of participants"), null=True, blank=True)
    planned_end = models.DateField(_("planned end"), null=True, blank=True)
    sites = models.ManyToManyField(Site, through="TrialSite", related_name="trials")

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code


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
    label = models.CharField(_("label"), max_length=100)
    position = models.PositiveSmallIntegerField(_("position"))
    planned_number = models.PositiveIntegerField(_("planned number of participants"), null=True, blank=True)

    class Meta:
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        ordering = ("trial", "position")
        constraints = [
            models.UniqueConstraint(fields=["trial", "code"], name="cohort_code_once_in_trial"),
            models.UniqueConstraint(fields=["trial", "position"], name="cohort_position_once_in_trial"),
        ]

    def __str__(self) -> str:
        return self.label


class ProtocolVersion(models.Model):
    """One edition of a trial's schedule of activities; once published, neither code nor database changes it."""

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
        ordering = ("trial", "created_at")
        constraints = [models.UniqueConstraint(fields=["trial", "label"], name="version_once_in_trial")]

    def __str__(self) -> str:
        return f"{self.trial.code} {self.label}"


class Role(models.TextChoices):
    """What somebody may do at a site or in a trial."""

    COORDINATOR = "coordinator", _("coordinator")
    INVESTIGATOR = "investigator", _("investigator")
    MONITOR = "monitor", _("monitor")
    DATA_MANAGER = "data_manager", _("data manager")
    DESIGNER = "designer", _("designer")
    ADMINISTRATOR = "administrator", _("administrator")


class Membership(models.Model):
    """A role that a user holds for some days; without a site or a trial it holds for all of them."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships"
    )
    trial = models.ForeignKey(
        Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships"
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"), null=True, blank=True, help_text=_("The last day."))

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("user", "starts_on")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="membership_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class ApiToken(models.Model):
    """A machine's key to the API, shown once and kept as its SHA-256; it may do what its user may."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    last_used_on = models.DateField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name
