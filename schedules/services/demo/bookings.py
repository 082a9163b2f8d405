"""Rooms, beds and staff of the demo's sites, and bookings by the hour around a day: two of them clash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.models import RUNNING, Visit, VisitPlace
from schedules.selectors.store.calendars import working_days_by_site
from trials.models import Resource, Site

DAYS_AHEAD = timedelta(days=12)
HOURS = (time(9), time(10, 30), time(9, 30), time(13, 30), time(15))
EVERY = 3
MINUTES = (60, 90, 60, 45, 60)


def furnish(site: Site) -> list[Resource]:
    """Give a site two rooms, two people, beds and infusion places, all made up; return them."""
    day = {"opens_at": time(8), "closes_at": time(17)}
    made = [
        Resource(site=site, kind="room", name="Room 12", **day),
        Resource(site=site, kind="room", name="Room 14", opens_at=time(8), closes_at=time(12)),
        Resource(site=site, kind="staff", name="Investigator A", **day),
        Resource(site=site, kind="staff", name="Investigator B", **day),
        Resource(site=site, kind="slot", name="Infusion place", capacity=2, minutes=180, **day),
        *(Resource(site=site, kind="bed", name=f"Bed {number}") for number in (1, 2, 3)),
    ]
    return Resource.objects.bulk_create(made)


def book_around(ids: Collection[int], today: date, zone: ZoneInfo) -> None:
    """Book what comes next of these participants (ids), from today on, by the hour and in rooms.

    Every other open visit is left to be booked. The third hour of a day lies across the first one in the
    same room, so that a conflict can be looked at.
    """
    last = today + DAYS_AHEAD
    waiting = Visit.objects.filter(
        participant__in=ids,
        place=VisitPlace.CLINIC,
        opens__lte=last,
        closes__gte=today,
        booked_on=None,
        **RUNNING,
    ).select_related("participant")
    calendars = working_days_by_site({visit.participant.site_id for visit in waiting})
    furniture: dict[int, Sequence[Resource]] = {}
    for one in Resource.objects.filter(site__in=calendars).order_by("pk"):
        furniture[one.site_id] = [*furniture.get(one.site_id, ()), one]
    on_day: Counter[tuple[int, date]] = Counter()
    booked = []
    for number, visit in enumerate(waiting.order_by("closes", "pk")):
        site = visit.participant.site_id
        calendar, things = calendars.get(site), furniture.get(site, ())
        target = min(max(visit.suggested or visit.target, today), visit.closes)
        day = (
            calendar.nearest_working_day(max(today, visit.opens), target, visit.closes) if calendar else None
        )
        if day is None or day > last or number % EVERY == EVERY - 1 or not things:
            continue
        place = on_day[site, day]
        if place >= len(HOURS):
            continue
        on_day[site, day] += 1
        start = datetime.combine(day, HOURS[place], zone)
        visit.booked_on, visit.booked_start = day, start
        visit.booked_end = start + timedelta(minutes=MINUTES[place])
        visit.booked_resource, visit.booked_staff = things[0], things[2 + place % 2]
        booked.append(visit)
    columns = ["booked_on", "booked_start", "booked_end", "booked_resource", "booked_staff"]
    Visit.objects.bulk_update(booked, columns, batch_size=100)
