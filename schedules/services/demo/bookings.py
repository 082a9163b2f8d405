"""Rooms, beds and staff of the demo's sites, and bookings by the hour around a day: two of them clash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from schedules.domain.visits.date_strip import could_be_one
from schedules.models import RUNNING, Visit, VisitPlace
from schedules.selectors.store.calendars import working_days_by_site
from schedules.selectors.store.stored_visits import window_of
from trials.domain.sites.working_days import WorkingDays
from trials.models import Resource, Site

DAYS_AHEAD = timedelta(days=12)
DAYS_BACK = timedelta(days=14)
TO_RECORD = 2
"""How many bookings of the last clinic day nobody has recorded yet."""
HOURS = (time(9), time(10, 30), time(13, 30), time(15), time(16))
CLASHING = time(9, 30)
"""The hour of the one booking that lies across another in its room."""
EVERY = 3
MINUTES = (60, 60, 60, 45, 60)
COLUMNS = ["booked_on", "booked_start", "booked_end", "booked_zone", "booked_resource", "booked_staff"]


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

    Every third open visit is left to be booked, and two of one person that could be on the same day. One
    booking lies across another in the same room, so that a conflict can be looked at.
    """
    waiting = _waiting(ids, today)
    calendars = working_days_by_site({visit.participant.site_id for visit in waiting})
    furniture = _furniture(calendars)
    on_day: Counter[tuple[int, date]] = Counter()
    booked: list[Visit] = []
    clashing = False
    for visit in _to_be_booked(waiting, today):
        site = visit.participant.site_id
        if site not in furniture or site not in calendars:
            continue
        day = _day_for(visit, calendars[site], today)
        if day is None or on_day[site, day] >= len(HOURS):
            continue
        place = on_day[site, day]
        on_day[site, day] += 1
        start = datetime.combine(day, CLASHING if place == 1 and not clashing else HOURS[place], zone)
        clashing = clashing or place == 1
        _book(visit, start, place, furniture[site][0], furniture[site][2 + place % 2])
        booked.append(visit)
    Visit.objects.bulk_update(booked, COLUMNS, batch_size=100)


def _to_be_booked(waiting: Sequence[Visit], today: date) -> Iterator[Visit]:
    """All but every third; two of one journey ahead are left to be booked by one click on Today."""
    for number, visit in enumerate(waiting):
        one_journey = visit.target > today and any(_for_one_journey(visit, other) for other in waiting)
        if number % EVERY != EVERY - 1 and not one_journey:
            yield visit


def _furniture(sites: Collection[int]) -> dict[int, list[Resource]]:
    """What these sites (ids) have, in the order in which `furnish` made it."""
    found: dict[int, list[Resource]] = {}
    for one in Resource.objects.filter(site__in=sites).order_by("pk"):
        found.setdefault(one.site_id, []).append(one)
    return found


def _waiting(ids: Collection[int], today: date) -> list[Visit]:
    """The open visits of these participants (ids) without a booking, what closes first in front."""
    visits = Visit.objects.filter(participant__in=ids, place=VisitPlace.CLINIC, booked_on=None, **RUNNING)
    near = visits.filter(opens__lte=today + DAYS_AHEAD, closes__gte=today)
    return list(near.select_related("participant").order_by("closes", "pk"))


def _day_for(visit: Visit, calendar: WorkingDays, today: date) -> date | None:
    """The clinic day nearest to the day that was suggested; None where none is near enough."""
    target = min(max(visit.suggested or visit.target, today), visit.closes)
    day = calendar.nearest_working_day(max(today, visit.opens), target, visit.closes)
    return day if day and day <= today + DAYS_AHEAD else None


def _book(visit: Visit, start: datetime, place: int, room: Resource, staff: Resource) -> None:
    visit.booked_on, visit.booked_start = start.date(), start
    visit.booked_end, visit.booked_zone = start + timedelta(minutes=MINUTES[place]), str(start.tzinfo)
    visit.booked_resource, visit.booked_staff = room, staff


def _for_one_journey(visit: Visit, other: Visit) -> bool:
    same = visit.participant_id == other.participant_id and visit.rule_code != other.rule_code
    return same and could_be_one(window_of(visit), window_of(other))


def book_back(ids: Collection[int], today: date, zone: ZoneInfo) -> None:
    """Give the visits of the last days their hours and rooms, and leave a few bookings to be recorded.

    To be recorded are open visits that were booked for the last clinic day: the booked day is over.
    """
    clinic = Visit.objects.filter(participant__in=ids, place=VisitPlace.CLINIC).select_related("participant")
    done = clinic.filter(performed_on__range=(today - DAYS_BACK, today)).order_by("performed_on", "pk")
    days = [(visit, visit.performed_on) for visit in done if visit.performed_on]
    visits = [*days, *_left_to_record(clinic, today)]
    furniture = _furniture({visit.participant.site_id for visit, _on in visits})
    on_day: Counter[tuple[int, date]] = Counter()
    for visit, on in visits:
        site = visit.participant.site_id
        place = on_day[site, on] % len(HOURS)
        on_day[site, on] += 1
        start = datetime.combine(on, time(9 + 2 * place), zone)
        _book(visit, start, place, furniture[site][place % 2], furniture[site][2 + place % 2])
        visit.save(update_fields=COLUMNS)


def _left_to_record(clinic: QuerySet[Visit], today: date) -> list[tuple[Visit, date]]:
    """Open visits without a booking, each with the last clinic day before today that its window has."""
    waiting = clinic.filter(opens__lt=today, closes__gte=today, booked_on=None, **RUNNING)
    calendars = working_days_by_site(set(waiting.values_list("participant__site", flat=True)))
    yesterday, found = today - timedelta(days=1), []
    for visit in waiting.order_by("closes", "pk"):
        calendar = calendars.get(visit.participant.site_id)
        before = calendar.nearest_working_day(visit.opens, yesterday, yesterday) if calendar else None
        if before is not None:
            found.append((visit, before))
    return found[:TO_RECORD]
