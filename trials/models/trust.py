"""Signatures, approvals and reviews: acts of people that must be shown to an inspector."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trials.models.enumerated import only
from trials.models.places import Site
from trials.models.studies import ProtocolVersion, Trial
from trials.models.users import User


class Meaning(models.TextChoices):
    """What a signature says."""

    APPROVED = "approved", _("I approve this")
    REVIEWED = "reviewed", _("I have reviewed this")
    RESPONSIBLE = "responsible", _("I take responsibility for this")


class Signature(models.Model):
    """A signature bound to the digest of what was signed; void once that changes, and never deleted."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="signatures")
    printed_name = models.CharField(_("printed name"), max_length=200)
    roles = models.CharField(_("role"), max_length=200)
    meaning = models.CharField(_("meaning"), max_length=20, choices=Meaning.choices)
    signed_at = models.DateTimeField(_("signed at"))
    zone = models.CharField(_("time zone"), max_length=64)
    model = models.CharField(_("record"), max_length=60)
    object_id = models.BigIntegerField()
    content = models.TextField(_("what was signed"))
    digest = models.CharField(_("digest"), max_length=80)
    trial = models.ForeignKey(Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [only("meaning", Meaning.values, name="signature_meaning")]
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ("-signed_at",)
        indexes = [models.Index(fields=["model", "object_id"], name="signature_by_record")]

    def __str__(self) -> str:
        return f"{self.printed_name} {self.meaning}"


class SiteApproval(models.Model):
    """The approval that lets a site use a protocol version, once it is signed."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="approvals")
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="approvals")
    approved_on = models.DateField(
        _("approved on"), help_text=_("The day of the ethics committee's approval.")
    )
    reference = models.CharField(pgettext_lazy("ethics approval", "reference"), max_length=120)
    usable_from = models.DateField(_("usable from"))
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1, editable=False)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("approval at a site")
        verbose_name_plural = _("approvals at sites")
        constraints = [
            models.UniqueConstraint(fields=["site", "protocol_version"], name="approval_once_per_site"),
            models.CheckConstraint(
                condition=Q(usable_from__gte=models.F("approved_on")), name="approval_before_use"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} {self.protocol_version_id}"


class ConsentForm(models.Model):
    """An edition of the informed consent form of a trial; it may ask those in the trial to consent again."""

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="consent_forms")
    version = models.CharField(_("version"), max_length=40)
    effective_on = models.DateField(_("effective on"))
    consent_again = models.BooleanField(_("asks participants to consent again"), default=False)

    class Meta:
        verbose_name = _("consent form")
        verbose_name_plural = _("consent forms")
        ordering = ("trial_id", "effective_on")
        constraints = [models.UniqueConstraint(fields=["trial", "version"], name="consent_form_once")]

    def __str__(self) -> str:
        return self.version


class Export(models.Model):
    """Data that left as a file or over the API: what, in which form, how many rows, for whom and when."""

    class Form(models.TextChoices):
        """In which form data left."""

        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        ZIP = "zip", "ZIP"
        JSON = "json", "JSON"

    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))
    what = models.CharField(_("what"), max_length=200)
    form = models.CharField(_("form"), max_length=4, choices=Form.choices)
    rows = models.BigIntegerField(_("how many rows"))
    filters = models.TextField(_("filters"), blank=True)
    trial = models.ForeignKey(Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(condition=Q(form__in=["csv", "xlsx", "zip", "json"]), name="export_form")
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.form} {self.rows}"


class AuditReview(models.Model):
    """Somebody looked through a stretch of the audit trail, and what they found."""

    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(_("reviewed at"))
    first_entry = models.BigIntegerField(_("from entry"))
    last_entry = models.BigIntegerField(_("to entry"))
    filters = models.CharField(_("looked at"), max_length=500, blank=True)
    finding = models.TextField(_("finding"))

    class Meta:
        verbose_name = _("review of the audit trail")
        verbose_name_plural = _("reviews of the audit trail")
        ordering = ("-reviewed_at",)

    def __str__(self) -> str:
        return f"{self.first_entry}-{self.last_entry}"
