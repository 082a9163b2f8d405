"""Bookings that clash: found in a constant number of queries, refused before they are saved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.clashes import ClashKind
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.selectors.visits.clashes import ProposedBooking, clashes_of_bookings, clashes_on_record
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import book_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import a_site, an_enrolment
from trials.models import AuditEntry, Resource
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
D14 = date(2026, 12, 21)
NOW = datetime(2026, 12, 21, 8, tzinfo=ZONE)


@pytest.fixture(autouse=True)
def monday() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def room() -> Resource:
    return Resource.objects.create(site=a_site(), kind="room", name="诊室 12")


def person(code: str) -> Participant:
    anchors = {
        "infusion": AnchorDay(date(2026, 12, 7), AnchorKind.ACTUAL),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(anchors=anchors, subject_code=code), by=None)


def book(who: Participant, booking: Booking, reason: str = "") -> Visit:
    visit = Visit.objects.get(participant=who, code="d14")
    return book_visit(visit=visit, version=visit.version, booking=booking, by=None, reason=reason, now=NOW)


def nine(room: Resource, **more: Any) -> Booking:
    start, end = (datetime(2026, 12, 21, hour, tzinfo=ZONE) for hour in (9, 10))
    return Booking(D14, start, end, resource=room.pk, **more)


def test_a_taken_room_is_refused_until_it_is_booked_all_the_same_with_a_reason(room: Resource) -> None:
    first, second = person("S01-001"), person("S01-002")
    book(first, nine(room))
    with pytest.raises(VisitRefused) as refused:
        book(second, nine(room))
    (words,) = refused.value.fields["anyway"]
    assert "诊室 12 is taken: S01-001" in words
    with pytest.raises(VisitRefused) as refused:
        book(second, nine(room, anyway=True))
    assert set(refused.value.fields) == {"reason"}
    book(second, nine(room, anyway=True), "both are short")
    assert AuditEntry.objects.filter(reason="both are short").exists()
    both = list(Visit.objects.filter(code="d14").select_related("participant__site"))
    found = clashes_on_record(both)
    assert {pk: [clash.kind for clash in clashes if not clash.hint] for pk, clashes in found.items()} == {
        visit.pk: [ClashKind.ROOM] for visit in both
    }


def test_a_room_of_another_site_and_a_room_as_staff_are_refused(room: Resource) -> None:
    other = Resource.objects.create(site=a_site("NJ"), kind="room", name="Room 1")
    who = person("S01-001")
    with pytest.raises(VisitRefused) as refused:
        book(who, Booking(D14, resource=other.pk))
    assert "resource" in refused.value.fields
    with pytest.raises(VisitRefused) as refused:
        book(who, Booking(D14, staff=room.pk))
    assert "staff" in refused.value.fields


def test_a_closed_day_is_refused_wherever_the_booking_is_made() -> None:
    who = person("S01-001")
    record_working_days(site=who.site, by=None, first_year=2026, last_year=2027)
    saturday = Booking(date(2026, 12, 26))
    with pytest.raises(VisitRefused) as refused:
        book(who, saturday, "outside the window")
    assert "no clinic day" in refused.value.fields["anyway"][0]
    with pytest.raises(VisitRefused) as refused:
        add_unscheduled(participant=who, asked=Unscheduled(saturday), by=None, reason="fever", now=NOW)
    assert "no clinic day" in refused.value.fields["anyway"][0]


def test_no_query_is_added_by_more_bookings(room: Resource) -> None:
    people = [person(f"S01-00{number}") for number in range(1, 5)]
    asked = [ProposedBooking(who, D14, resource=room.pk) for who in people]
    counts = []
    for some in (asked[:1], asked):
        with CaptureQueriesContext(connection) as queries:
            clashes_of_bookings(some)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 7
