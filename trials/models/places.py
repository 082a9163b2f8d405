"""Where trials run, and on which days people work there."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from trials.domain.sites.calendar_names import calendar_names
from trials.domain.sites.names import in_language
from trials.domain.sites.zones import is_zone, near_zones
from trials.models.users import User

CODE = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z", _("Use letters, digits, dots, hyphens and underscores.")
)
WEEKDAY_NUMBERS = RegexValidator(
    r"\A1?2?3?4?5?6?7?\Z", _("Name the weekdays in order, 1 for Monday to 7 for Sunday.")
)
PHONE = RegexValidator(
    r"\A\+?[0-9][0-9 ()-]{2,30}\Z", _("Enter a telephone number: digits, spaces, hyphens and a leading plus.")
)


def valid_zone(name: str) -> None:
    """Raise ValidationError for a text that names no zone, with the zones that may have been meant."""
    if is_zone(name):
        return
    near = near_zones(name)
    if near:
        message = _("“%(zone)s” is no time zone: choose %(near)s or another one of the list.")
        raise ValidationError(message, params={"zone": name, "near": " / ".join(near)})
    raise ValidationError(_("“%(zone)s” is no time zone: choose one of the list."), params={"zone": name})


def valid_calendar(name: str) -> None:
    """Raise ValidationError for a text that names no holiday calendar."""
    if name not in calendar_names():
        message = _("“%(calendar)s” is no holiday calendar: choose one of the list, such as CN.")
        raise ValidationError(message, params={"calendar": name})


class Site(models.Model):
    """A hospital where trials run; its zone decides what day it is there."""

    code = models.CharField(_("code"), max_length=40, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=200)
    zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        validators=[valid_zone],
        help_text=_("An IANA name, such as Asia/Shanghai."),
    )
    clinic_days = models.CharField(
        _("clinic days"), max_length=7, default="12345", validators=[WEEKDAY_NUMBERS]
    )
    holiday_calendar = models.CharField(
        _("holiday calendar"), max_length=16, default="CN", validators=[valid_calendar]
    )
    ward_beds = models.PositiveSmallIntegerField(_("ward beds"), null=True, blank=True)
    infusions_per_day = models.PositiveSmallIntegerField(_("infusions a day"), null=True, blank=True)
    feeds_enabled = models.BooleanField(_("calendar feeds"), default=True)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True, default="", db_default="")
    short_name = models.CharField(
        _("short name"),
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=_("Where there is little room, such as Wuhan; without one the code is shown."),
    )
    short_name_zh = models.CharField(
        _("short Chinese name"), max_length=40, blank=True, default="", db_default=""
    )
    night_phone = models.CharField(
        _("24-hour telephone number"),
        max_length=32,
        blank=True,
        default="",
        db_default="",
        validators=[PHONE],
        help_text=_("Printed on visit cards, for a participant who feels unwell at night."),
    )
    day_phone = models.CharField(
        _("telephone number of the study office"),
        max_length=32,
        blank=True,
        default="",
        db_default="",
        validators=[PHONE],
    )
    bring = models.CharField(
        _("what to bring"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text=_("Printed on English visit cards, such as: medicines in their boxes, this card."),
    )
    bring_zh = models.CharField(
        _("what to bring, in Chinese"), max_length=300, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ("code",)

    def __str__(self) -> str:
        return in_language(self.name, self.name_zh, get_language() or "en")


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
        ordering = ("site_id", "-version")
        constraints = [models.UniqueConstraint(fields=["site", "version"], name="one_table_per_version")]

    def __str__(self) -> str:
        return f"{self.site_id} v{self.version}"
