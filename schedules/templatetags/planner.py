"""Where an entry stands in the grid of a week: by classes, because the policy takes no style attribute."""

from __future__ import annotations

from datetime import datetime

from django import template

from schedules.domain.visits.clashes import Clash
from schedules.selectors.calendar.days import FIRST_HOUR, LAST_HOUR, CalendarDay, Entry
from schedules.web.shared.wording import say
from trials.domain.words import day_text

register = template.Library()
MOST_LANES, QUARTERS = 4, 4


@register.filter
def grid_place(entry: Entry) -> str:
    """The classes that put an entry at its hour, as long as it is, in its lane."""
    assert entry.start, "only an entry with an hour stands in the grid"
    assert entry.end, "an entry with an hour has an end"
    first, last = (_quarter(at) for at in (entry.start, entry.end))
    last = last if entry.end.date() == entry.start.date() else QUARTERS * (LAST_HOUR - FIRST_HOUR)
    first = min(first, QUARTERS * (LAST_HOUR - FIRST_HOUR) - 2)
    length = max(2, last - first)
    lanes = min(entry.lanes, MOST_LANES)
    length = min(length, QUARTERS * (LAST_HOUR - FIRST_HOUR) - first)
    return f"q{first} l{length} of{lanes} n{entry.lane % lanes}"


@register.filter
def now_place(at: datetime) -> str:
    """The class that puts the line of the present hour; empty outside the hours that are drawn."""
    quarter = (at.hour - FIRST_HOUR) * QUARTERS + at.minute // 15
    return f"q{quarter}" if 0 <= quarter < QUARTERS * (LAST_HOUR - FIRST_HOUR) else ""


@register.filter
def clash_words(clash: Clash) -> str:
    """What clashes with a booking, in the reader's words."""
    return clash.words.text(say, day_text)


@register.filter
def load_class(day: CalendarDay) -> str:
    """How full a day is: nothing, some, or all of its slots."""
    if not day.slots or not day.taken:
        return ""
    return "full" if day.taken >= day.slots else "some"


def _quarter(at: datetime) -> int:
    return max(
        0, min((at.hour - FIRST_HOUR) * QUARTERS + at.minute // 15, QUARTERS * (LAST_HOUR - FIRST_HOUR))
    )
