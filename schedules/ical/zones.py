"""A zone as the VTIMEZONE that calendars need: what it does in the years of a trial, and no invented past.

Our own and not the library's: `Timezone.from_tzid` of icalendar 7.3 puts Berlin's change at 03:00 in place of
02:00 under TZOFFSETFROM, adds a COMMENT, and `add_missing_timezones` invents a history.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

# Visits lie between these years. Before the first the zone is not described; a rule that still
# holds in the last is said to go on, as it is in the zone's own data.
FIRST_YEAR = 2015
LAST_YEAR = 2045
# No zone has kept an offset for less (Morocco's Ramadan is four weeks), so one change lies in each step.
_STEP = timedelta(days=7)
_MINUTE = timedelta(minutes=1)
_WEEK = 7
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class _Change:
    """The clock is put from one offset to another; `onset` is the wall time before the change."""

    onset: datetime
    before: timedelta
    after: timedelta
    name: str
    daylight: bool


@lru_cache(maxsize=64)
def vtimezone(zone: str) -> Timezone:
    """The VTIMEZONE of an IANA zone; made once, and not to be changed by anyone who gets it."""
    timezone = Timezone()
    timezone.add("TZID", zone)
    first, *changes = _changes(ZoneInfo(zone))
    timezone.add_component(_observance([first]))
    groups: dict[tuple[timedelta, timedelta, str, bool], list[_Change]] = {}
    for change in changes:
        groups.setdefault((change.before, change.after, change.name, change.daylight), []).append(change)
    for group in groups.values():
        timezone.add_component(_observance(group))
    return timezone


def _observance(changes: Sequence[_Change]) -> TimezoneStandard | TimezoneDaylight:
    """All changes of one kind: a rule where one yearly rule makes them all and goes on, else their dates."""
    first = changes[0]
    part = TimezoneDaylight() if first.daylight else TimezoneStandard()
    part.DTSTART = first.onset
    part.TZOFFSETFROM = first.before
    part.TZOFFSETTO = first.after
    part.add("TZNAME", first.name)
    rule = _yearly_rule(changes)
    if rule:
        part.add("RRULE", rule)
    elif len(changes) > 1:
        part.add("RDATE", [change.onset for change in changes[1:]])
    return part


def _changes(zone: ZoneInfo) -> Iterator[_Change]:
    """How the zone begins the first year, and then every change of its clock."""
    start = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    here = start.astimezone(zone)
    offset = _offset(here)
    onset = here.replace(month=1, day=1, hour=0, minute=0, tzinfo=None)
    yield _Change(onset, offset, offset, here.tzname() or "", _dst(here) > timedelta())
    end = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
    before = start
    while before < end:
        after = min(before + _STEP, end)
        if offset != (offset := _offset(after.astimezone(zone))):
            yield _change_between(zone, before, after)
        before = after


def _change_between(zone: ZoneInfo, before: datetime, after: datetime) -> _Change:
    """The one change between two instants in UTC, found to the minute by halving."""
    old = _offset(before.astimezone(zone))
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        if _offset(middle.astimezone(zone)) == old:
            before = middle
        else:
            after = middle
    here, there = before.astimezone(zone), after.astimezone(zone)
    # Ireland's and Morocco's data call winter the exception; clients expect summer to whether it is.
    daylight = _dst(here) != _dst(there) and _offset(there) > old
    return _Change((after + old).replace(tzinfo=None), old, _offset(there), there.tzname() or "", daylight)


def _offset(instant: datetime) -> timedelta:
    return instant.utcoffset() or timedelta()


def _dst(instant: datetime) -> timedelta:
    return instant.dst() or timedelta()


def _yearly_rule(changes: Sequence[_Change]) -> vRecur | None:
    """The yearly rule behind these changes: the nth, or the last, such weekday of a month at one hour."""
    onsets = [change.onset for change in changes]
    if onsets[-1].year != LAST_YEAR or any(
        later.year - earlier.year != 1 for earlier, later in pairwise(onsets)
    ):
        return None
    if len({(onset.month, onset.weekday(), onset.time()) for onset in onsets}) > 1:
        return None
    nth = _nth_of_month(onsets)
    if nth is None:
        return None
    day = f"{nth}{_WEEKDAYS[onsets[0].weekday()]}"
    return vRecur(FREQ="YEARLY", BYMONTH=onsets[0].month, BYDAY=day)


def _nth_of_month(onsets: Sequence[datetime]) -> int | None:
    """Which of its weekday in its month each of these is, -1 for the last; None where they differ."""
    if all(_is_last_of_month(onset) for onset in onsets):
        return -1
    weeks = {(onset.day - 1) // _WEEK for onset in onsets}
    return weeks.pop() + 1 if len(weeks) == 1 else None


def _is_last_of_month(onset: datetime) -> bool:
    return onset.day + _WEEK > calendar.monthrange(onset.year, onset.month)[1]
