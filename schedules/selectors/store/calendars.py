"""The working days of several sites at once, and what day it is there."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from django.db.models import OuterRef, Subquery

from trials.domain.sites.working_days import YEARS_AHEAD, WorkingDays
from trials.formats.sites.holiday_calendars import CalendarError, load_calendar
from trials.models import Site, WorkingDayTable
from trials.zones import zone_of


def working_days_by_site(sites: Collection[int]) -> dict[int, WorkingDays]:
    """The newest working days of each of these sites that has any, by the site's id; one query."""
    newest = WorkingDayTable.objects.filter(site=OuterRef("site")).order_by("-version")
    tables = WorkingDayTable.objects.filter(site__in=sites, version=Subquery(newest.values("version")[:1]))
    rows = tables.values_list("site_id", "document")
    return {site: _read(json.dumps(document)) for site, document in rows}


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


@dataclass(frozen=True, slots=True)
class SiteDay:
    """The day that it is now at some sites."""

    day: date
    sites: tuple[Site, ...]


def site_days(sites: Iterable[Site], now: datetime) -> list[SiteDay]:
    """The days that it is at these sites, each with its sites: one, unless their zones differ in it."""
    days: dict[date, list[Site]] = {}
    for site in sites:
        days.setdefault(today_at(site, now), []).append(site)
    return [SiteDay(day, tuple(days[day])) for day in sorted(days)]
