"""The working days of several sites at once, and what day it is there."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from participants.models import Participant
from schedules.domain.visits.status import ClinicDays, clinic_days
from trials.domain.sites.working_days import YEARS_AHEAD, WorkingDays, WorkingDaysError
from trials.formats.sites.holiday_calendars import CalendarError, load_calendar
from trials.models import Site, WorkingDayTable
from trials.zones import zone_of

logger = logging.getLogger(__name__)


def working_days_by_site(sites: Collection[int]) -> dict[int, WorkingDays]:
    """The newest working days of each of these sites that has any, by the site's id; one query."""
    return days_of_tables(working_day_tables(sites))


def working_day_tables(sites: Collection[int] | QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """The newest table of each of these sites, as rows of its id and the document."""
    newest = WorkingDayTable.objects.filter(site=OuterRef("site")).order_by("-version")
    tables = WorkingDayTable.objects.filter(site__in=sites, version=Subquery(newest.values("version")[:1]))
    # as text: one that was read before is not even parsed
    rows = tables.order_by("site_id").annotate(text=Cast("document", TextField()))
    return rows.values_list("site_id", "text")


def days_of_tables(rows: Iterable[tuple[int, str]]) -> dict[int, WorkingDays]:
    """The working days of tables that were read already.

    A table that cannot be read is reported and left out, so that it stops no other site's page or sweep.
    """
    found = {}
    for site, text in rows:
        try:
            found[site] = _read(text)
        except WorkingDaysError:
            logger.exception("the working days of site %s cannot be read", site)
    return found


TableKey = tuple[int, str]
"""The id of a table of working days, which never changes, and its digest."""


def working_days_by_table(tables: Collection[TableKey]) -> dict[TableKey, WorkingDays]:
    """The working days in these tables; one query for those that this process has not read yet, or none.

    A table that cannot be read is reported and left out, as by `days_of_tables`.
    """
    # Looked up once and kept here: another thread may empty the store of all at any moment.
    found = {key: kept for key in tables if (kept := _TABLES.get(key)) is not None}
    missing = [key for key in tables if key not in found]
    if missing:
        if len(_TABLES) > _MOST_TABLES:
            _TABLES.clear()
        rows = WorkingDayTable.objects.filter(pk__in=[pk for pk, _digest in missing]).order_by()
        for pk, digest, document in rows.values_list("pk", "digest", "document"):
            try:
                found[pk, digest] = _TABLES[pk, digest] = WorkingDays.from_document(document)
            except WorkingDaysError:
                logger.exception("the table of working days %s cannot be read", pk)
    return found


_TABLES: dict[TableKey, WorkingDays] = {}
_MOST_TABLES = 256


@lru_cache(maxsize=128)
def _read(document: str) -> WorkingDays:
    return WorkingDays.from_document(json.loads(document))


def years_come_out(site: Site, standing: WorkingDays, today: date) -> list[int]:
    """The years from this one on whose official calendar has come out since the table was recorded.

    Also where the site has entered the announced days itself: the two may differ.
    """
    try:
        known = load_calendar(site.holiday_calendar, today.year, today.year + YEARS_AHEAD)
    except CalendarError:
        return []
    return sorted(known.official_years - standing.official_years)


def today_at(site: Site, now: datetime) -> date:
    """The day that it is at a site; in the server's zone where the site has none yet."""
    return now.astimezone(zone_of(site)).date()


def sites_by_today(sites: Iterable[Site], now: datetime) -> dict[date, list[int]]:
    """The ids of these sites by the day that it is there: never more than three days."""
    days: dict[date, list[int]] = {}
    for site in sites:
        days.setdefault(today_at(site, now), []).append(site.pk)
    return days


def clinic_days_of(
    sites: Iterable[Site], calendars: Mapping[int, WorkingDays], now: datetime
) -> dict[int, ClinicDays]:
    """The day that it is at each of these sites, by its id, with the clinic days that come next."""
    found: dict[tuple[date, int], ClinicDays] = {}
    days = {}
    for site in sites:
        today, calendar = today_at(site, now), calendars.get(site.pk)
        key = (today, id(calendar))  # sites with one calendar share its value
        if key not in found:
            found[key] = clinic_days(today, calendar)
        days[site.pk] = found[key]
    return days


@dataclass(frozen=True, slots=True)
class SiteCalendars:
    """Sites in their order, with the working days of each that has any: read once for a whole page."""

    sites: Sequence[Site]
    working_days: Mapping[int, WorkingDays]

    def only(self, site: int | None) -> SiteCalendars:
        """Leave one site (id); all of them for None."""
        return self if site is None else replace(self, sites=[one for one in self.sites if one.pk == site])

    def put_to(self, people: Iterable[Participant]) -> None:
        """Give each of these people the site that was read here: joined, it would be looked up for each."""
        sites = {site.pk: site for site in self.sites}
        for person in people:
            if person.site_id in sites:
                person.site = sites[person.site_id]

    def clinic_days(self, now: datetime) -> dict[int, ClinicDays]:
        """Return the day at each site, by its id, with the clinic days that come next."""
        return clinic_days_of(self.sites, self.working_days, now)

    def by_day(self, now: datetime) -> dict[ClinicDays, list[int]]:
        """Return the ids of the sites by the day that it is there and the clinic days that come next."""
        days: dict[ClinicDays, list[int]] = {}
        for site, here in self.clinic_days(now).items():
            days.setdefault(here, []).append(site)
        return days


def site_calendars(sites: Iterable[Site]) -> SiteCalendars:
    """Read the working days of these sites; one query besides that of the sites."""
    seen = list(sites)
    return SiteCalendars(seen, working_days_by_site({one.pk for one in seen}))


@dataclass(frozen=True, slots=True)
class DayOfSites:
    """The day that it is now at some sites."""

    day: date
    sites: tuple[Site, ...]


def site_days(sites: Iterable[Site], now: datetime) -> list[DayOfSites]:
    """The days that it is at these sites, each with its sites: one, unless their zones differ in it."""
    days: dict[date, list[Site]] = {}
    for site in sites:
        days.setdefault(today_at(site, now), []).append(site)
    return [DayOfSites(day, tuple(days[day])) for day in sorted(days)]
