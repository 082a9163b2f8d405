"""What a subscription that shows nothing any more still has to say.

Phones keep what they have when they get an error, so the end is a calendar of its own: its one
entry takes the place of all the visits.
"""

from __future__ import annotations

from datetime import date, datetime

from schedules.ical.values import CalendarEvent, EventStatus, WholeDays
from trials.domain.words import Say, plain
from trials.domain.words import mark as _


def ended_event(uid: str, day: date, changed_at: datetime, say: Say = plain) -> CalendarEvent:
    """The entry that says that a subscription has ended, on the day it did."""
    return CalendarEvent(
        uid=uid,
        sequence=0,
        changed_at=changed_at,
        when=WholeDays(day, day),
        title=say(_("This calendar subscription has ended")),
        description=say(_("Its visits are no longer shown here. Delete the subscription.")),
        status=EventStatus.CONFIRMED,
    )


def paused_event(uid: str, day: date, changed_at: datetime, say: Say = plain) -> CalendarEvent:
    """The entry that says that the site or the trial shows no calendars at present."""
    return CalendarEvent(
        uid=uid,
        sequence=0,
        changed_at=changed_at,
        when=WholeDays(day, day),
        title=say(_("Calendar subscriptions are switched off at this site")),
        description=say(_("The visits come back here when the site switches them on again.")),
        status=EventStatus.CONFIRMED,
    )


def rested_event(uid: str, day: date, changed_at: datetime, say: Say = plain) -> CalendarEvent:
    """The entry that says that the owner has paused the subscription."""
    return CalendarEvent(
        uid=uid,
        sequence=0,
        changed_at=changed_at,
        when=WholeDays(day, day),
        title=say(_("This calendar subscription is paused")),
        description=say(_("The visits come back here when you resume it in Dayzero.")),
        status=EventStatus.CONFIRMED,
    )
