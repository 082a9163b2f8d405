"""A site put on record with its working days, and its names, numbers and card kept up to date."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused, Stale
from trials.models import Site, User
from trials.services.sites.working_days import first_working_days, record_working_days


@dataclass(frozen=True, slots=True)
class SiteNames:
    """What a site is called, how it is reached, and what its cards say; empty for what nobody entered."""

    name: str
    name_zh: str = ""
    short_name: str = ""
    short_name_zh: str = ""
    night_phone: str = ""
    day_phone: str = ""
    bring: str = ""
    bring_zh: str = ""
    ward_beds: int | None = None
    infusions_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site to be added: `clinic_days` as digits, 1 for Monday; zone and holiday calendar by name."""

    code: str
    time_zone: str
    clinic_days: str
    holiday_calendar: str
    names: SiteNames


NAMES = tuple(field.name for field in fields(SiteNames))
_FIELDS = {"zone": "time_zone"}
"""Columns that the form and the values here call by another name."""


def shown_version(site: Site) -> int:
    """Return a number for what is on record of a site's names: it differs once somebody changed them."""
    return zlib.crc32(repr([getattr(site, name) for name in NAMES]).encode())


@recorded
def add_site(*, said: NewSite, year: int, by: User | None, reason: str = "") -> Site:
    """Put a site on record, with its working days from `year` on by its holiday calendar and clinic days.

    Raises Refused, at its field, for a code that is taken, a zone or calendar that does not exist, and what
    else the site's own rules do not allow.
    """
    names = {name: getattr(said.names, name) for name in NAMES}
    site = Site(
        code=said.code.strip(),
        zone=said.time_zone,
        clinic_days=said.clinic_days,
        holiday_calendar=said.holiday_calendar,
        **names,
    )
    problems: dict[str, Sequence[str]] = {}
    if not said.clinic_days:
        problems["clinic_days"] = [_("Choose the days on which the clinic sees participants.")]
    if not said.time_zone:
        problems["time_zone"] = [_("Choose the time zone of the hospital.")]
    _refuse(site, problems)
    try:
        with transaction.atomic():
            site.save(force_insert=True)
    except IntegrityError as error:  # somebody took the code in this very moment
        raise Refused({"code": [_taken(site.code)]}) from error
    days = first_working_days(site, year)
    years = [day.year for day in days.holidays] or [year]
    record_working_days(site=site, by=by, first_year=min(years), last_year=max(years))
    return site


@recorded
def rename_site(*, site: Site, version: int, said: SiteNames, by: User | None, reason: str = "") -> Site:
    """Change a site's names, numbers and what its cards say. Raises Stale, and Refused as `add_site`.

    `version` is what `shown_version` gave when the form was shown.
    """
    found = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    if shown_version(found) != version:
        raise Stale("trials.site", found.pk, version, shown_version(found))
    for name in NAMES:
        setattr(found, name, getattr(said, name))
    _refuse(found, {})
    found.save(update_fields=list(NAMES))
    return found


def _refuse(site: Site, problems: dict[str, Sequence[str]]) -> None:
    """Raise Refused with what the site's own rules do not allow, at the fields that it is about."""
    try:
        site.full_clean()
    except ValidationError as error:
        said = {name: tuple(map(str, words)) for name, words in error.message_dict.items()}
        problems = {_FIELDS.get(name, name): words for name, words in said.items()} | problems
    if site.code and Site.objects.filter(code=site.code).exclude(pk=site.pk).exists():
        problems["code"] = [_taken(site.code)]
    if problems:
        raise Refused(problems)


def _taken(code: str) -> str:
    return _("%(code)s is the code of another site: give another one.") % {"code": code}
