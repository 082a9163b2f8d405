"""What belongs to one appointment ends with it: an arrival, what was prepared, a room at the old site."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Visit, VisitPreparation
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.reports import Report, report_visit
from schedules.services.replanning.moves import commit_replanning, preview_replanning
from schedules.services.replanning.previews import Proposal
from schedules.services.today.preparations import prepare_visit
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    record_arrival,
    unbook_visit,
    undo_visit,
)
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import a_site, an_approval, an_enrolment
from trials.models import Resource, ResourceClosure, Site

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
CONSENT = date(2026, 11, 3)
D14 = date(2026, 12, 21)
DAY = timedelta(days=1)
NOW = datetime(2026, 12, 19, 8, tzinfo=ZONE)


@pytest.fixture(autouse=True)
def saturday() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def room() -> Resource:
    return Resource.objects.create(site=a_site(), kind="room", name="Room 12")


def person(code: str) -> Participant:
    anchors = {
        "infusion": AnchorDay(date(2026, 12, 7), AnchorKind.ACTUAL),
        "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(anchors=anchors, subject_code=code), by=None)


def d14(who: Participant) -> Visit:
    return Visit.objects.get(participant=who, code="d14")


def act(service: Any, who: Participant, now: datetime = NOW, reason: str = "as agreed", **more: Any) -> Visit:
    visit = d14(who)
    return service(visit=visit, version=visit.version, by=None, reason=reason, now=now, **more)


LATE, EARLY = datetime(2026, 12, 21, 23, tzinfo=ZONE), datetime(2026, 12, 22, 0, 30, tzinfo=ZONE)


@pytest.mark.parametrize("first", ["late", "early"])
@pytest.mark.parametrize("end", [True, False], ids=["to an hour", "as long as is usual"])
def test_a_room_is_taken_past_midnight(room: Resource, first: str, end: bool) -> None:
    """From 23:00 for two hours (the usual length of the room), and from 00:30 of the next day."""
    Resource.objects.filter(pk=room.pk).update(minutes=120)
    late = Booking(D14, LATE, LATE + timedelta(hours=2) if end else None, resource=room.pk)
    early = Booking(D14 + DAY, EARLY, EARLY + timedelta(hours=1), resource=room.pk)
    one, other = (late, early) if first == "late" else (early, late)
    act(book_visit, person("S01-001"), booking=one)
    with pytest.raises(VisitRefused, match="Room 12 is taken: S01-001"):
        act(book_visit, person("S01-002"), booking=other)


@pytest.mark.parametrize("first", ["late", "early"])
def test_nobody_is_at_two_visits_past_midnight(first: str) -> None:
    late = Booking(D14, LATE, LATE + timedelta(hours=2))
    early = Booking(D14 + DAY, EARLY, EARLY + timedelta(hours=1))
    one, other = (late, early) if first == "late" else (early, late)
    who = person("S01-001")
    act(book_visit, who, booking=one)
    asked = Unscheduled(other)
    with pytest.raises(VisitRefused, match=r"Day 14 on .* the two overlap"):
        add_unscheduled(participant=who, asked=asked, by=None, reason="fever", now=NOW)


def test_a_room_that_is_closed_from_midnight_on_is_not_used(room: Resource) -> None:
    ResourceClosure.objects.create(resource=room, first=D14 + DAY, last=D14 + DAY, note="cleaning")
    late = Booking(D14, LATE, LATE + timedelta(hours=2), resource=room.pk)
    with pytest.raises(VisitRefused, match=r"Room 12 cannot be used on .*12-22: cleaning"):
        act(book_visit, person("S01-001"), booking=late)


def test_a_room_is_free_from_midnight_on(room: Resource) -> None:
    """Until 24:00 one, from 00:00 the next."""
    midnight = LATE + timedelta(hours=1)
    act(book_visit, person("S01-001"), booking=Booking(D14, LATE, midnight, resource=room.pk))
    second = Booking(D14 + DAY, midnight, EARLY + timedelta(hours=1), resource=room.pk)
    assert act(book_visit, person("S01-002"), booking=second).booked_on == D14 + DAY


@pytest.mark.parametrize("first", ["overnight", "morning"])
def test_a_bed_that_is_taken_overnight_is_taken_the_next_morning(first: str) -> None:
    bed = Resource.objects.create(site=a_site(), kind="bed", name="Bed 3")
    evening, morning = LATE - timedelta(hours=3), EARLY + timedelta(hours=5, minutes=30)
    night = Booking(D14, evening, evening + timedelta(hours=12), resource=bed.pk)
    day = Booking(D14 + DAY, morning, morning + timedelta(hours=3), resource=bed.pk)
    one, other = (night, day) if first == "overnight" else (day, night)
    act(book_visit, person("S01-001"), booking=one)
    with pytest.raises(VisitRefused, match="Bed 3 is taken: S01-001"):
        act(book_visit, person("S01-002"), booking=other)


def test_a_bed_is_free_on_the_day_after_a_day_without_a_night() -> None:
    bed = Resource.objects.create(site=a_site(), kind="bed", name="Bed 3")
    act(book_visit, person("S01-001"), booking=Booking(D14, resource=bed.pk))
    second = Booking(D14 + DAY, resource=bed.pk)
    assert act(book_visit, person("S01-002"), booking=second).booked_on == D14 + DAY


def test_whoever_came_and_is_booked_for_another_day_comes_again() -> None:
    who = person("S01-001")
    monday = datetime(2026, 12, 21, 9, tzinfo=ZONE)
    act(book_visit, who, booking=Booking(D14))
    act(record_arrival, who, now=monday)
    act(book_visit, who, now=monday, booking=Booking(D14 + DAY), reason="ill doctor")
    act(record_arrival, who, now=monday + DAY)
    assert d14(who).arrived_on == D14 + DAY
    act(book_visit, who, now=monday + DAY, booking=Booking(D14 + DAY, monday + DAY), reason="the hour")
    assert d14(who).arrived_on == D14 + DAY, "on the same day they are there"


def transfer(who: Participant, to: Site) -> None:
    who.refresh_from_db()
    request = StepRequest(Step.TRANSFER, NOW.date(), site=to, release=True, sure=True)
    take_step(participant=who, version=who.version, request=request, by=None, reason="moved house", now=NOW)


def test_a_visit_that_the_plan_asks_for_again_comes_without_the_old_booking(room: Resource) -> None:
    """One plan had it no more, and the plan of the new site has it again."""
    new, who = a_site("CD"), person("S01-001")
    an_approval(new, who.protocol_version)
    act(book_visit, who, booking=Booking(D14, resource=room.pk))
    prepare_visit(visit=d14(who), kind="doctor", done=True, by=None, now=NOW)
    Visit.objects.filter(participant=who, code="d14").update(cancelled_on=NOW.date(), applies=False)
    transfer(who, new)
    visit = d14(who)
    assert visit.applies
    assert not VisitPreparation.objects.exists()
    assert (visit.booked_on, visit.booked_resource_id) == (None, None)


@pytest.mark.parametrize("how", [cancel_visit, miss_visit])
def test_a_booking_at_the_old_site_does_not_come_back(room: Resource, how: Any) -> None:
    """Cancelled or missed, then a transfer, then undone: the room is one of the old site."""
    new = a_site("CD")
    who = person("S01-001")
    an_approval(new, who.protocol_version)
    start = datetime(2026, 12, 21, 9, tzinfo=ZONE)
    act(book_visit, who, booking=Booking(D14, start, resource=room.pk))
    prepare_visit(visit=d14(who), kind="doctor", done=True, by=None, now=NOW)
    act(how, who, **({"sure": True} if how is miss_visit else {}))
    transfer(who, new)
    act(undo_visit, who)
    visit = d14(who)
    assert (visit.booked_on, visit.booked_resource_id) == (None, None)
    assert not VisitPreparation.objects.exists()


def test_what_was_prepared_was_for_that_day() -> None:
    """The doctor's slot goes with the booking: on another day, or cancelled, and stays with its hour."""
    who = person("S01-001")
    act(book_visit, who, booking=Booking(D14))
    prepare_visit(visit=d14(who), kind="doctor", done=True, by=None, now=NOW)
    act(book_visit, who, booking=Booking(D14, LATE))
    assert VisitPreparation.objects.count() == 1
    act(book_visit, who, booking=Booking(D14 + DAY))
    assert not VisitPreparation.objects.exists()
    prepare_visit(visit=d14(who), kind="doctor", done=True, by=None, now=NOW)
    act(unbook_visit, who)
    assert not VisitPreparation.objects.exists()


def test_what_was_prepared_on_the_ward_was_for_that_day() -> None:
    """Chemotherapy comes without a booking: put off by a week, its bed is requested again."""
    planned = {"infusion": AnchorDay(date(2026, 12, 28)), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    who = enrol(enrolment=an_enrolment(anchors=planned), by=None)
    visit = Visit.objects.get(participant=who, code="ld-1")
    prepare_visit(visit=visit, kind="bed", done=True, by=None, now=NOW)
    proposal = Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=date(2027, 1, 4))})
    digest = preview_replanning(participant=who, proposal=proposal, now=NOW).digest
    assert VisitPreparation.objects.exists(), "looking changes nothing"
    asked: dict[str, Any] = {"proposal": proposal, "digest": digest, "reason": "fever"}
    commit_replanning(participant=who, by=None, now=NOW, **asked)
    assert not VisitPreparation.objects.exists()


@pytest.mark.parametrize(("hours", "refused"), [(24, False), (25, True), (24 * 366, True)])
def test_a_booking_lasts_a_day_at_most(room: Resource, hours: int, refused: bool) -> None:
    """By the API an end of another year was taken, and the room with it."""
    who, nine = person("S01-001"), datetime(2026, 12, 21, 9, tzinfo=ZONE)
    booking = Booking(D14, nine, nine + timedelta(hours=hours), resource=room.pk)
    if refused:
        with pytest.raises(VisitRefused, match="24 hours at most"):
            act(book_visit, who, booking=booking)
        return
    act(book_visit, who, booking=booking)


@pytest.mark.parametrize("how", [cancel_visit, miss_visit])
def test_the_booking_of_a_visit_that_is_ended_is_not_reported_again(how: Any) -> None:
    """The same day was answered with 200, and the visit stayed cancelled."""
    who = person("S01-001")
    act(book_visit, who, booking=Booking(D14))
    again = Report(Booking(D14), reason="the EDC has it")
    visit = d14(who)
    assert report_visit(visit=visit, version=visit.version, report=again, by=None, now=NOW) == visit
    act(how, who)
    visit = d14(who)
    with pytest.raises(VisitRefused, match="already: undo that first"):
        report_visit(visit=visit, version=visit.version, report=again, by=None, now=NOW)


def test_the_booking_of_a_visit_that_was_done_stands_as_it_was_reported() -> None:
    """What the EDC sends again on the next day changes nothing, and is no error."""
    who, monday = person("S01-001"), datetime(2026, 12, 21, 9, tzinfo=ZONE)
    act(book_visit, who, booking=Booking(D14))
    act(complete_visit, who, now=monday, completion=Completion(D14))
    visit, again = d14(who), Report(Booking(D14))
    assert report_visit(visit=visit, version=visit.version, report=again, by=None, now=monday) == visit


def test_a_booking_that_its_window_has_left_is_not_confirmed_by_a_report() -> None:
    """Moved out of its window it asks for a reason, whoever books it for that day again."""
    who = person("S01-001")
    act(book_visit, who, booking=Booking(D14))
    Visit.objects.filter(participant=who, code="d14").update(opens=D14 + DAY, target=D14 + DAY)
    visit, again = d14(who), Report(Booking(D14))
    with pytest.raises(VisitRefused, match=r"outside|before"):
        report_visit(visit=visit, version=visit.version, report=again, by=None, now=NOW)
