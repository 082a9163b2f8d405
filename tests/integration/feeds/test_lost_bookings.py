"""A booking that no longer fits its window is no appointment: on phones, on pages, in the API.

Of CART-SLE: infusion on Monday 7 December 2026, D14 on the 21st (±2).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
from django.test import Client

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.visits.appointments import book_visit
from tests.cast import NOW
from tests.phones import a_coordinator, events, fetch, subscribe
from trials.models import User
from trials.services.accounts.tokens import issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
LATER = NOW + timedelta(hours=1)
DEC_7, DEC_21 = date(2026, 12, 7), date(2026, 12, 21)


def booked(participant: Participant, code: str, on: date, reason: str = "", place: str = "Room 3") -> Visit:
    visit = Visit.objects.get(participant=participant, code=code)
    start = datetime(on.year, on.month, on.day, 1, tzinfo=UTC)  # nine in Shanghai
    booking = Booking(on, start, start + timedelta(hours=1), place)
    return book_visit(visit=visit, version=visit.version, booking=booking, by=None, reason=reason, now=NOW)


def moved(participant: Participant, day: date, now: datetime = LATER) -> None:
    anchors = {"infusion": RecordedAnchor("infusion", planned_on=day)}
    proposal = Proposal(anchors=anchors, accept_unbookable=True)
    preview = preview_replanning(participant=participant, proposal=proposal, now=now)
    commit_replanning(
        participant=participant,
        proposal=proposal,
        digest=preview.digest,
        now=now,
        by=None,
        reason="Product late",
    )


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def event(address: str, visit: Visit, at: datetime = LATER) -> icalendar.Event:
    (found,) = [one for one in events(fetch(address, at=at)) if one["UID"] == visit.uid]
    return found


@pytest.mark.parametrize(("code", "on"), [("d0", DEC_7), ("d14", DEC_21)])
def test_a_phone_no_longer_keeps_a_booking_that_its_window_left(
    participant: Participant, owner: User, code: str, on: date
) -> None:
    visit = booked(participant, code, on)
    _, address = subscribe(owner, participant=participant)
    before = event(address, visit, NOW)
    assert (before["STATUS"], before["TRANSP"], before["LOCATION"]) == ("CONFIRMED", "OPAQUE", "Room 3")
    moved(participant, DEC_21)
    after = event(address, visit)
    assert (after["STATUS"], after["TRANSP"]) == ("TENTATIVE", "TRANSPARENT")
    assert after["X-MICROSOFT-CDO-BUSYSTATUS"] == "FREE"
    assert str(after["SUMMARY"]).startswith("Book again: CART ")
    assert f"Booked on Monday {on}, which no longer fits. Book it again." in after["DESCRIPTION"]
    assert after.start == Visit.objects.get(pk=visit.pk).target, "where it is planned now, not where it was"
    assert "LOCATION" not in after
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after["DTSTAMP"].dt > before["DTSTAMP"].dt


def test_it_is_an_appointment_again_once_it_fits_again(participant: Participant, owner: User) -> None:
    visit = booked(participant, "d14", DEC_21)
    _, address = subscribe(owner, participant=participant)
    moved(participant, DEC_21)
    event(address, visit)
    moved(participant, DEC_7, LATER + timedelta(hours=1))
    again = event(address, visit, LATER + timedelta(hours=1))
    assert (again["STATUS"], str(again["SUMMARY"])[:4]) == ("CONFIRMED", "CART")


def test_a_booking_outside_on_purpose_stands_until_its_window_moves(
    participant: Participant, owner: User
) -> None:
    visit = booked(participant, "d14", date(2026, 12, 28), reason="Travels on the 21st")
    _, address = subscribe(owner, participant=participant)
    assert event(address, visit, NOW)["STATUS"] == "CONFIRMED"
    moved(participant, date(2027, 1, 4))
    after = event(address, visit)
    assert (after["STATUS"], str(after["SUMMARY"])[:11]) == ("TENTATIVE", "Book again:")


def test_every_page_and_the_api_say_so(participant: Participant, owner: User) -> None:
    visit = booked(participant, "d14", DEC_21)
    moved(participant, date(2026, 11, 30))  # D14 is the 14th of December
    client = signed_in(owner)
    pages = [
        f"/participants/{participant.pk}/",
        f"/visits/{visit.pk}/",
        f"/visits/{visit.pk}/book/",
        "/forecast/?days=90",
    ]
    for page in pages:
        assert "no longer fits" in client.get(page).content.decode(), page
    form = client.get(f"/visits/{visit.pk}/book/").context["form"]
    assert form.initial["on"] == date(2026, 12, 14), "the lost day is not proposed again"
    _, text = issue_api_token(user=owner, name="EDC", by=None)
    answer = Client().get("/api/v1/visits", headers={"authorization": f"Bearer {text}"}).json()
    by_code = {row["code"]: row for row in answer["results"]}
    assert by_code["d14"]["booking_fits"] is False
    assert by_code["d14"]["booked_on"] == "2026-12-21"
    assert by_code["d28"]["booking_fits"] is None


def test_today_marks_it_too(participant: Participant) -> None:
    booked(participant, "d0", DEC_7)
    moved(participant, date(2026, 11, 27))
    owner = a_coordinator("li", site=participant.site)
    assert "no longer fits" in signed_in(owner).get("/").content.decode()
