"""The calendar of a site: three views, a visit placed by links alone, no query more for more visits."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Visit
from schedules.selectors.paper.cards import visit_card
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, an_enrolment
from trials.models import Membership, Resource, ResourceClosure, Role, User
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
D14 = date(2026, 12, 21)
NOON = "2026-12-21T04:00:00Z"  # Monday, D14, in Shanghai


@pytest.fixture(autouse=True)
def monday() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def client() -> Client:
    user = User.objects.create_user("someone")
    Membership.objects.create(user=user, role=Role.COORDINATOR, site=a_site(), starts_on=date(2026, 1, 1))
    found = Client()
    found.force_login(user)
    return found


def person(code: str) -> Participant:
    anchors = {
        "infusion": AnchorDay(date(2026, 12, 7), AnchorKind.ACTUAL),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(anchors=anchors, subject_code=code), by=None)


def booked(code: str, hour: int, room: Resource | None = None) -> Visit:
    visit = Visit.objects.get(participant=person(code), code="d14")
    visit.booked_on, visit.booked_resource = date(2026, 12, 21), room
    visit.booked_start = datetime(2026, 12, 21, hour, tzinfo=ZONE)
    visit.save()
    return visit


@pytest.mark.parametrize("view", ["week", "month", "agenda"])
def test_each_view_shows_who_comes_and_what_clashes(client: Client, view: str) -> None:
    room = Resource.objects.create(site=a_site(), kind="room", name="诊室 12")
    booked("S01-001", 9, room)
    booked("S01-002", 9, room)
    page = client.get(reverse("calendar"), {"view": view}).content.decode()
    days, side = page.split('<aside class="planner-side">')
    assert "S01-001" in days
    assert "诊室 12 is taken: S01-002" in days
    assert "Conflicts" in side
    assert "诊室 12 is taken: S01-002" in side


def test_a_month_says_how_many_closing_windows_it_leaves_out(client: Client) -> None:
    closes = {Visit.objects.get(participant=person(f"S01-00{n}"), code="d28").closes for n in (1, 2, 3)}
    page = client.get(reverse("calendar"), {"view": "month", "day": closes.pop()}).content.decode()
    assert page.count('class="closing"') == 2
    assert "1 more" in page


def test_an_agenda_says_what_clashes_with_a_booking_without_an_hour(client: Client) -> None:
    doctor = Resource.objects.create(site=a_site(), kind="staff", name="Dr A")
    ResourceClosure.objects.create(resource=doctor, first=D14, last=D14, note="congress")
    visit = Visit.objects.get(participant=person("S01-001"), code="d14")
    visit.booked_on, visit.booked_staff = D14, doctor
    visit.save()
    page = client.get(reverse("calendar"), {"view": "agenda"}).content.decode()
    days = page[: page.index('<aside class="planner-side">')]
    assert '<span class="clash-words">Dr A is away on' in days


def test_an_agenda_says_a_weekday_once_and_leaves_out_a_weekend_of_nothing(client: Client) -> None:
    record_working_days(site=a_site(), by=None, first_year=2026, last_year=2027)
    page = client.get(reverse("calendar"), {"view": "agenda"}).content.decode()
    assert 'data-day="2026-12-21"' in page
    assert 'data-day="2026-12-26"' not in page
    week = client.get(reverse("calendar")).content.decode()
    assert 'data-day="2026-12-26"' in week
    assert '<small class="why">Saturday' not in week
    holiday = client.get(reverse("calendar"), {"view": "agenda", "day": "2026-12-28"}).content.decode()
    assert 'data-day="2027-01-01"' in holiday
    assert "New Year" in holiday


def test_the_form_of_a_booking_says_what_clashes_before_it_is_sent(client: Client) -> None:
    room = Resource.objects.create(site=a_site(), kind="room", name="诊室 12")
    booked("S01-002", 9, room)
    visit = booked("S01-001", 9, room)
    form = reverse("visit-deed", kwargs={"pk": visit.pk, "deed": "book"})
    assert "诊室 12 is taken: S01-002" in client.get(form).content.decode()
    assert "is taken" not in client.get(form, {"on": "2026-12-21", "at": "14:00"}).content.decode()
    assert client.get(form, {"at": "soon"}).status_code == 200
    others = Visit.objects.filter(participant=visit.participant).exclude(pk=visit.pk)
    others.filter(code="d28").update(opens=D14)
    assert "can be on the same day" in client.get(form).content.decode()


def test_a_length_that_nobody_entered_is_said_to_be_assumed(client: Client) -> None:
    visit = booked("S01-001", 9)
    assert (
        "length assumed</span>" in client.get(reverse("calendar")).content.decode().split("planner-side")[0]
    )
    form = client.get(reverse("visit-deed", kwargs={"pk": visit.pk, "deed": "book"})).content.decode()
    assert 'class="assumed"' in form
    assert "60 minutes" in form


def test_a_visit_is_picked_placed_at_an_hour_and_confirmed_without_a_script(client: Client) -> None:
    who = person("S01-001")
    record_working_days(site=who.site, by=None, first_year=2026, last_year=2027)
    visit = Visit.objects.get(participant=who, code="d14")
    page = client.get(reverse("calendar"), {"visit": visit.pk}).content.decode()
    address = reverse("visit-deed", kwargs={"pk": visit.pk, "deed": "book"})
    slot = next(part for part in page.split('"') if part.startswith(address) and "at=10:00" in part)
    shown = client.get(slot.replace("&amp;", "&"))
    assert 'value="10:00"' in shown.content.decode()
    said = {"version": visit.version, "on": "2026-12-21", "start": "14:00", "minutes": "45"}
    answer = client.post(slot.replace("&amp;", "&"), said)
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"].startswith(reverse("calendar"))
    visit.refresh_from_db()
    assert visit.booked_end == datetime(2026, 12, 21, 14, 45, tzinfo=ZONE)


def test_no_query_is_added_by_more_participants(client: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("calendar")).status_code == 200
        return len(queries)

    booked("S01-001", 9)
    count()
    one = count()
    for number in range(2, 6):
        booked(f"S01-00{number}", 8 + number)
    assert count() == one


def test_an_empty_week_says_what_waits(client: Client) -> None:
    person("S01-001")
    page = client.get(reverse("calendar"), {"day": "2028-05-01"}).content.decode()
    assert re.search(r"Nobody is booked on these days\.\s+[1-9][0-9]* visits wait to be booked\.", page)


def test_a_site_out_of_sight_is_not_shown(client: Client) -> None:
    other = a_site("NJ")
    page = client.get(reverse("calendar"), {"site": other.pk}).content.decode()
    assert f'<option value="{other.pk}"' not in page
    assert f'<option value="{a_site().pk}" selected>' in page


@pytest.mark.parametrize(("language", "words"), [("en", "Your next visits"), ("zh-hans", "您的访视安排")])
def test_a_visit_card_has_the_code_and_the_number_and_no_trial(
    client: Client, language: str, words: str
) -> None:
    site = a_site()
    site.night_phone = "0515 5550 1234"
    site.save()
    visit = booked("S01-001", 14)
    address = reverse("visit-card", kwargs={"pk": visit.participant_id})
    page = client.get(address, {"language": language}).content.decode()
    card = page[page.index("<article") :]
    assert words in card
    assert "S01-001" in card
    assert "14:00" in card
    assert "0515 5550 1234" in card
    assert visit.participant.trial.code not in card


def test_a_visit_card_names_the_days_in_hospital_as_one_stay(client: Client) -> None:
    """Chemotherapy, rest and infusion were left out: somebody with an infusion on Wednesday read Monday."""
    someone = person("S01-001")
    days = [date(2026, 12, 23), date(2026, 12, 24), date(2026, 12, 25)]
    for visit, on in zip(someone.visits.order_by("-target")[:3], days, strict=True):
        Visit.objects.filter(pk=visit.pk).update(place="ward", opens=on, target=on, closes=on)
    found = visit_card(someone, datetime(2026, 12, 21, 12, tzinfo=ZONE))
    (stay,) = [line for line in found.lines if line.ward]
    assert (stay.on, stay.until) == (days[0], days[-1])
    assert len(stay.labels) == 3
    assert found.first == stay, "nothing is booked before it"
    page = client.get(reverse("visit-card", kwargs={"pk": someone.pk})).content.decode()
    assert "in hospital" in page
