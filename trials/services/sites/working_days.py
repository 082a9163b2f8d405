"""What a site says of itself: on which days it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from trials.audit.acts import recorded
from trials.domain.sites.working_days import YEARS_AHEAD, WorkingDays
from trials.formats.sites.holiday_calendars import load_calendar
from trials.models import Site, User, WorkingDayTable


@dataclass(frozen=True, slots=True)
class Corrections:
    """A site's own word on single days (closed, open, worked as a weekday) and on years entered whole."""

    closures: Mapping[date, str] = field(default_factory=dict)
    openings: Mapping[date, str] = field(default_factory=dict)
    follows: Mapping[date, int] = field(default_factory=dict)
    announced: frozenset[int] = frozenset()

    @classmethod
    def of(cls, days: WorkingDays | None) -> Corrections:
        """What a site has said of single days so far."""
        return cls(days.closures, days.openings, days.follows, days.announced) if days else cls()


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
    day of which two things are said.
    """
    days = working_days_from(site, first_year, last_year, corrections)
    return _keep(site, days, by, note)


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
    return working_days_from(site, year, year + YEARS_AHEAD, NONE)


def renewed_working_days(site: Site, standing: WorkingDays, year: int) -> WorkingDays:
    """A site's working days with its holiday calendar and clinic days read again; its own word stays.

    The years are those of the standing table, and on from `year` as for a new one. Raises
    CalendarError for a holiday calendar that nobody knows.
    """
    years = [day.year for day in standing.holidays] + [year]
    return working_days_from(site, min(years), max(*years, year + YEARS_AHEAD), Corrections.of(standing))


def _keep(site: Site, days: WorkingDays, by: User | None, note: str) -> WorkingDayTable:
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
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


def working_days_from(site: Site, first_year: int, last_year: int, corrections: Corrections) -> WorkingDays:
    """The table that these years, the site's clinic days and its own word make; writes nothing.

    Raises CalendarError and WorkingDaysError.
    """
    calendar = load_calendar(site.holiday_calendar, first_year, last_year)
    clinic = replace(calendar, weekdays=frozenset(map(int, site.clinic_days)))
    return clinic.with_corrections(
        closures=corrections.closures,
        openings=corrections.openings,
        follows=corrections.follows,
        announced=corrections.announced,
    )
