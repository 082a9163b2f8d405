"""When a message may leave: by the clock and the working days of the site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.domain.reminders.rules import Manner
from trials.domain.sites.wall_clock import first_shown

_DAY = timedelta(days=1)
MOST_IDLE = 30
"""For how many days in a row a site may be closed before its calendar is taken to say nothing."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody at a site is told: between two hours of its clock, and on which days."""

    zone: ZoneInfo
    earliest: time
    latest: time
    is_working: Callable[[date], bool]
    working_days: bool = True

    def idle_after(self, day: date) -> int:
        """Give on how many days in a row after this one nobody works.

        0 where every day counts, and where no working day is found.
        """
        if not self.working_days:
            return 0
        idle = next((n for n in range(MOST_IDLE) if self.is_working(day + (n + 1) * _DAY)), None)
        return idle or 0

    def opening(self, day: date) -> datetime:
        """Give the first instant of a day at which something may leave."""
        return first_shown(day, self.earliest, self.zone)

    def next_morning(self, now: datetime, *, any_day: bool = False) -> datetime:
        """Give the next morning at which the messages of a day leave, this instant inside."""
        day = now.astimezone(self.zone).date()
        if now > self.opening(day):
            day += _DAY
        return self.opening(day if any_day else self._working(day))

    def soonest(self, now: datetime, *, any_day: bool = False) -> datetime:
        """Give the first instant from now on that is neither a quiet hour nor a day off."""
        local = now.astimezone(self.zone)
        day = local.date()
        if self._quiet(local.time()):
            day += _DAY if local.time() >= self.earliest else timedelta(0)
            return self.opening(day if any_day else self._working(day))
        if any_day or day == self._working(day):
            return now
        return self.opening(self._working(day))

    def leaves(self, now: datetime, manner: Manner, *, any_day: bool = False) -> datetime:
        """Give when a message that is due now leaves: at the first hour allowed, or the next morning."""
        if manner is Manner.AT_ONCE:
            return self.soonest(now, any_day=any_day)
        return self.next_morning(now, any_day=any_day)

    def _quiet(self, at: time) -> bool:
        """Whether it is quiet; hours may run over midnight; equal ones leave none quiet."""
        if self.earliest < self.latest:
            return not self.earliest <= at < self.latest
        return self.latest <= at < self.earliest

    def _working(self, day: date) -> date:
        if not self.working_days:
            return day
        return next((one for n in range(MOST_IDLE) if self.is_working(one := day + n * _DAY)), day)
