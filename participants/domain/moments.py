"""Days and instants compared without being misled by a clock change.

Python compares two times of one zone by what their clocks show, so across a change 48 hours
could pass for 47. Everything here compares in UTC. A day is a whole day in the site's zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Point = date | datetime
DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


class ZoneOfRecord(ZoneInfo):
    """The zone in which something was put on record: an instant in it keeps the day that it had there.

    A participant may go on at a site in another zone, and a site's zone may be corrected. Neither
    changes the day of what happened, so that `day_of` asks this zone and not the site's.
    """


def on_record(at: datetime | None, zone: str, site: ZoneInfo) -> datetime | None:
    """Return a stored instant in the zone of its record, or in the site's where the record names none."""
    if at is None:
        return None
    return at.astimezone(ZoneOfRecord(zone) if zone and zone != site.key else site)


def zone_on_record(point: Point | None, site: ZoneInfo) -> str:
    """Return the name of the zone under which a point is recorded; empty for a day without an hour."""
    if not isinstance(point, datetime):
        return ""
    return point.tzinfo.key if isinstance(point.tzinfo, ZoneOfRecord) else site.key


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant by the clocks of the zone, or of the place where it was put on record."""
    return at if isinstance(at.tzinfo, ZoneOfRecord) else at.astimezone(zone)


def day_of(point: Point, zone: ZoneInfo) -> date:
    """The local day of an instant in the zone, or where it was put on record; a day as it is."""
    return local(point, zone).date() if isinstance(point, datetime) else point


def first_instant(point: Point, zone: ZoneInfo) -> datetime:
    """The first instant of a day in the zone, whatever hour its clocks begin with, or an instant; in UTC."""
    if isinstance(point, datetime):
        return point.astimezone(UTC)
    return datetime.combine(point, time.min, zone).astimezone(UTC)


def first_after(point: Point, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) that is no longer in the day, or no longer the instant."""
    if isinstance(point, datetime):
        return point.astimezone(UTC) + _TICK
    return first_instant(point + DAY, zone)


def at_or_after(point: Point, bound: Point, zone: ZoneInfo) -> bool | None:
    """Whether a point is not before a bound; None where the hour of the point decides and is not known."""
    if not isinstance(bound, datetime):
        return day_of(point, zone) >= bound
    limit = bound.astimezone(UTC)
    if first_instant(point, zone) >= limit:
        return True
    return False if first_after(point, zone) <= limit else None


def at_or_before(point: Point, bound: Point, zone: ZoneInfo) -> bool | None:
    """Whether a point is not after a bound; None where the hour of the point decides and is not known."""
    later = after(point, bound, zone)
    return None if later is None else not later


def after(point: Point, bound: Point, zone: ZoneInfo) -> bool | None:
    """Whether a point is later than a bound; None where the hour of the point decides and is not known."""
    if not isinstance(bound, datetime):
        return day_of(point, zone) > bound
    limit = bound.astimezone(UTC)
    if first_instant(point, zone) > limit:
        return True
    return False if first_after(point, zone) - _TICK <= limit else None


def between(point: Point, starts: Point | None, ends: Point | None, zone: ZoneInfo) -> bool | None:
    """Whether a point lies between two bounds, both inside, a missing bound open; None as above."""
    answers = (
        True if starts is None else at_or_after(point, starts, zone),
        True if ends is None else at_or_before(point, ends, zone),
    )
    if False in answers:
        return False
    return None if None in answers else True
