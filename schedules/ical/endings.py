"""What a subscription that shows nothing any more still has to say.

Phones keep what they have when they get an error, so the end is a calendar of its own: its one
entry takes the place of all the visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from schedules.ical.values import CalendarEvent, EventStatus, WholeDays
from trials.domain.words import Say, plain
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Notice:
    """Why a subscription shows nothing, and what to do about it: marked sentences."""

    title: str
    description: str


ENDED = Notice(
    _("This calendar subscription has ended"),
    _("Its visits are no longer shown here. Delete the subscription."),
)
SITE_OFF = Notice(
    _("Calendar subscriptions are switched off at this site"),
    _("The visits come back here when the site switches them on again."),
)
TRIAL_OFF = Notice(
    _("Calendar subscriptions are switched off in this trial"),
    _("The visits come back here when they are switched on again."),
)
PAUSED = Notice(
    _("This calendar subscription is paused"),
    _("The visits come back here when you resume it in Dayzero."),
)


def notice_event(
    notice: Notice, uid: str, day: date, changed_at: datetime, say: Say = plain
) -> CalendarEvent:
    """Give the entry that says so, on the day on which it began to hold."""
    return CalendarEvent(
        uid=uid,
        sequence=0,
        changed_at=changed_at,
        when=WholeDays(day, day),
        title=say(notice.title),
        description=say(notice.description),
        status=EventStatus.CONFIRMED,
    )
