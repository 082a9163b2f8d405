"""Two weeks of days beside a visit that is to be booked: which are in its window, and which are shut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from schedules.domain.plan.labels import why_closed
from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Say

STRIP_DAYS = 14


@dataclass(frozen=True, slots=True)
class StripDay:
    """One day of the strip; `shut` says in words why nobody can be seen then, empty where somebody can.

    `first` and `last` are the ends of the window as far as the strip shows them. `note` says in words what
    else is on that day: no slot is left (`full`), or the participant comes for another visit.
    """

    day: date
    inside: bool
    shut: str
    target: bool
    first: bool
    last: bool
    note: str = ""
    full: bool = False

    @property
    def monday(self) -> bool:
        """Whether a week begins here."""
        return self.day.weekday() == 0


def date_strip(
    window: VisitWindow, place: Place, calendar: WorkingDays | None, first: date, say: Say
) -> tuple[StripDay, ...]:
    """Make the strip of STRIP_DAYS days from `first` on, in the words of `say`. The ward works every day."""
    days = (first + timedelta(days=n) for n in range(STRIP_DAYS))
    return tuple(
        StripDay(
            day=day,
            inside=window.holds(day),
            shut="" if place is Place.WARD else why_closed(calendar, day, say) or "",
            target=day == window.target,
            first=day == max(window.opens, first),
            last=day == window.closes,
        )
        for day in days
    )


def could_be_one(window: VisitWindow, other: VisitWindow) -> bool:
    """Say whether two visits of a participant are meant for about the same day: D90 and month 3, D28 and M1.

    Each one's target lies in the other's window. That two windows only touch is not enough: a sample of
    day 7 and one of day 10 are two.
    """
    return window.holds(other.target) and other.holds(window.target)


def day_to_offer(
    window: VisitWindow,
    place: Place,
    calendar: WorkingDays | None,
    today: date,
    suggested: date | None,
    is_full: Callable[[date], bool] = lambda _day: False,
) -> date | None:
    """Choose the day that one click books: the suggested one while it lies ahead, else the nearest open one.

    Nearest to the target and inside the window. Where today was not the day meant, from tomorrow on, since
    somebody has to be called in; today then only where it is the last day. None where no such day is left.
    A day that is full (`is_full`) is offered only where no other is left.
    """
    if place is Place.WARD or today in (suggested, window.target):
        return _nearest(window, place, calendar, today, suggested)
    tomorrow = today + timedelta(days=1)
    later = _nearest(window, place, calendar, tomorrow, suggested)
    if later and is_full(later):
        return _with_a_slot(window, calendar, tomorrow, later, is_full) or later
    return later or _nearest(window, place, calendar, today, suggested)


def _with_a_slot(
    window: VisitWindow,
    calendar: WorkingDays | None,
    first: date,
    aim: date,
    is_full: Callable[[date], bool],
) -> date | None:
    """The open day with a slot that is nearest to `aim`, the earlier of two."""
    opens = max(window.opens, first)
    days = (opens + timedelta(days=n) for n in range((window.closes - opens).days + 1))
    free = (day for day in days if (calendar is None or calendar.is_working_day(day)) and not is_full(day))
    return min(free, key=lambda day: (abs(day - aim), day), default=None)


def _nearest(
    window: VisitWindow, place: Place, calendar: WorkingDays | None, first: date, suggested: date | None
) -> date | None:
    opens = max(window.opens, first)
    if opens > window.closes:
        return None
    shut = place is not Place.WARD and calendar is not None
    fits = suggested is not None and opens <= suggested <= window.closes
    if suggested and fits and not (calendar and shut and not calendar.is_working_day(suggested)):
        return suggested
    target = min(max(window.target, opens), window.closes)
    if not shut or calendar is None:
        return target
    return calendar.nearest_working_day(opens, target, window.closes)
