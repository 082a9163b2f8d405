"""Which days somebody can have meant: one rule for everything that a day is entered for.

Before 1990, or more than twenty years after the planned end of the trial, a year was mistyped: refused. A
day before the trial began for the participant, or long after the last window, is asked about once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from trials.domain.refusals import IMPOSSIBLE_DAY
from trials.domain.words import mark as _

FIRST_DAY = date(1990, 1, 1)
"""No trial here took place before it: an earlier day is a slip of the pen, such as 0202 or 1900."""

LAST_DAY = date(2199, 12, 31)
"""Beyond it no trial is planned, whatever its end."""

YEARS_AFTER_END = 20
"""A follow-up of fifteen years, as gene therapies have it, begun on the last day, and some to be late."""

DAYS_AFTER_LAST = 90
"""So long after the last window a late visit is usual, and nothing is asked; ours."""


AFTER_LAST_WINDOW = _(
    "%(day)s is %(days)d days after %(last)s, when the last window closes. Confirm it if it is right."
)
AFTER_PLANNED_END = _(
    "%(day)s is %(days)d days after %(last)s, the planned end of the trial. Confirm it if it is right."
)
LONG_AHEAD = _("%(day)s lies more than a year ahead. Confirm it if it is right.")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a day is refused or asked about: a marked message and its words."""

    message: str
    words: dict[str, object]


@dataclass(frozen=True, slots=True)
class Frame:
    """The days between which a trial takes place for somebody.

    `end` is the planned end of the trial, or today where none is recorded; `start` the first consent
    (then `by_consent`), or the trial's start at the site; `last` the day on which the last window closes,
    or what `too_late` says it is.
    """

    end: date
    start: date | None = None
    last: date | None = None
    by_consent: bool = False
    too_late: str = AFTER_LAST_WINDOW

    @property
    def latest(self) -> date:
        """The last day that is not refused."""
        return latest_day(self.end)

    def refusal(self, day: date) -> Doubt | None:
        """Return why nobody can have meant a day."""
        if FIRST_DAY <= day <= self.latest:
            return None
        message = IMPOSSIBLE_DAY
        return Doubt(message, {"day": day, "first": FIRST_DAY, "latest": self.latest})

    def question(self, day: date) -> Doubt | None:
        """Return what to ask about a day that is possible and not likely."""
        if self.start and day < self.start and self.by_consent:
            message = _("%(day)s is before the consent on %(start)s. Confirm it if it is right.")
            return Doubt(message, {"day": day, "start": self.start})
        if self.start and day < self.start:
            message = _("%(day)s is before %(start)s, when the trial began here. Confirm it if it is right.")
            return Doubt(message, {"day": day, "start": self.start})
        if self.last and (day - self.last).days > DAYS_AFTER_LAST:
            words = {"day": day, "days": (day - self.last).days, "last": self.last}
            return Doubt(self.too_late, words)
        return None


def latest_day(end: date, years: int = YEARS_AFTER_END) -> date:
    """Return the day that lies some years after an end, or the last of the calendar."""
    year = end.year + years
    if year >= date.max.year:
        return date.max - timedelta(days=2)
    return date(year, end.month, min(end.day, 28))
