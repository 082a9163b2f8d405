"""The zone of a site and of the server: the one place where a stored name becomes a zone.

Forms offer a list and the model refuses every other name. A row that is wrong all the same, written by SQL,
must not take the pages of every other site down: it is read in the server's zone and named by
`wrong_settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from trials.domain.accounts.access import RolesDay
from trials.domain.sites.calendar_names import calendar_names
from trials.domain.sites.zones import is_zone, read_zone
from trials.models import Site

DAY = timedelta(days=1)


def server_zone() -> ZoneInfo:
    """Return the server's zone: of pages that are of no site, and of sites that have none yet."""
    return ZoneInfo(settings.TIME_ZONE)


def zone_of(site: Site) -> ZoneInfo:
    """Return the zone that decides what day it is at a site; the server's for one without a valid zone."""
    return zone_named(site.zone)


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of a stored name; the server's where it is empty or none."""
    return read_zone(name) or server_zone()


def roles_day(now: datetime) -> RolesDay:
    """Return the server's day at an instant, with the instant: roles at a site hold by the site's day."""
    return RolesDay.at(now, server_zone())


def begins(day: date, zone: ZoneInfo | None = None) -> datetime:
    """Return the first instant of a day in a zone (the server's); at the ends of the calendar the nearest."""
    day = min(max(day, date.min + DAY), date.max - DAY)
    return datetime.combine(day, time.min, zone or server_zone()).astimezone(UTC)


def ended(day: date, zone: ZoneInfo | None = None) -> datetime:
    """Return the first instant after a day in a zone (the server's); at its ends as `begins`."""
    return begins(day + DAY if day < date.max else day, zone)


@dataclass(frozen=True, slots=True)
class WrongSetting:
    """A setting of a site that nothing can be read from: which field, and what stands there."""

    site: Site
    field: str
    value: str

    @property
    def read_as(self) -> str:
        """By which zone the days of such a site are read."""
        return server_zone().key


def wrong_settings(sites: Iterable[Site]) -> Iterator[WrongSetting]:
    """Yield the zones and holiday calendars of these sites that are none, for an administrator to correct."""
    for site in sites:
        if site.zone and not is_zone(site.zone):
            yield WrongSetting(site, "zone", site.zone)
        if site.holiday_calendar not in calendar_names():
            yield WrongSetting(site, "holiday_calendar", site.holiday_calendar)
