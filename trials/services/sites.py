"""What a site says of itself: on which days it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from trials.acts import recorded
from trials.domain.working_days import WorkingDays
from trials.formats.holiday_calendars import load_calendar
from trials.models import Site, User, WorkingDayTable


@dataclass(frozen=True, slots=True)
class Corrections:
    """A site's own word on single days, each with its reason."""

    closures: Mapping[date, str] = field(default_factory=dict)
    openings: Mapping[date, str] = field(default_factory=dict)


NONE = Corrections()


@recorded
def record_working_days(
    *,
    site: Site,
    by: User | None,
    first_year: int,
    last_year: int,
    corrections: Corrections = NONE,
    note: str = "",
) -> WorkingDayTable:
    """A new version of a site's working days, from its holiday calendar, clinic days and own corrections.

    Where nothing differs from the newest version, that one is given back and nothing written.
    Raises CalendarError for an unknown calendar or years turned round, WorkingDaysError for a
    day both closed and opened.
    """
    return _keep(site, _working_days(site, first_year, last_year, corrections), by, note)


@recorded
def correct_working_days(
    *, site: Site, days: WorkingDays, by: User | None, reason: str, note: str = ""
) -> WorkingDayTable:
    """A new version of a site's working days exactly as it was shown, its own corrections included.

    Where nothing differs from the newest version, that one is given back and nothing written.
    """
    return _keep(site, days, by, note)


def first_working_days(site: Site, year: int) -> WorkingDays:
    """What a site without a table begins with: its holiday calendar and clinic days, for six years.

    Raises CalendarError for a holiday calendar that nobody knows.
    """
    return _working_days(site, year, year + 5, NONE)


def _keep(site: Site, days: WorkingDays, by: User | None, note: str) -> WorkingDayTable:
    Site.objects.select_for_update().get(pk=site.pk)
    newest = WorkingDayTable.objects.filter(site=site).order_by("-version").first()
    if newest and newest.digest == days.digest:
        return newest
    return WorkingDayTable.objects.create(
        site=site,
        version=newest.version + 1 if newest else 1,
        document=days.as_document(),
        digest=days.digest,
        note=note,
        created_by=by,
    )


def _working_days(site: Site, first_year: int, last_year: int, corrections: Corrections) -> WorkingDays:
    calendar = load_calendar(site.holiday_calendar, first_year, last_year)
    clinic = replace(calendar, weekdays=frozenset(map(int, site.clinic_days)))
    return clinic.with_corrections(closures=corrections.closures, openings=corrections.openings)
