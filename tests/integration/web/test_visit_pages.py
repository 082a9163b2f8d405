"""The pages of visits, courses and absences: done, refused with the form filled, overtaken with the news."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from participants.models import Absence, CourseStep, Participant
from schedules.domain.plan import AnchorDay, AnchorKind
from schedules.domain.visit_values import Booking
from schedules.models import Deviation, Visit
from schedules.services.planning import enrol
from schedules.services.visits import book_visit
from tests.cast import a_site, an_enrolment
from trials.models import Membership, Role, User

pytestmark = pytest.mark.django_db
NOON = "2026-12-21T04:00:00Z"  # Monday, D14, in Shanghai
INFUSION = date(2026, 12, 7)


@pytest.fixture(autouse=True)
def monday() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def participant() -> Participant:
    anchors = {
        "infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


def someone(name: str, role: str = Role.COORDINATOR, site: str = "WH") -> User:
    user = User.objects.create_user(name)
    Membership.objects.create(user=user, role=role, site=a_site(site), starts_on=date(2026, 1, 1))
    return user


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(someone("coordinator"))
    return client


def visit(code: str = "d14") -> Visit:
    return Visit.objects.get(code=code)


def deed(which: str, code: str = "d14") -> str:
    return reverse("visit-deed", kwargs={"pk": visit(code).pk, "deed": which})


def test_a_visit_is_booked_done_and_taken_back(client: Client, participant: Participant) -> None:
    form = client.get(deed("book")).context["form"]
    assert form.initial["on"] == visit().suggested or form.initial["on"] == visit().target
    said = {"version": visit().version, "on": "2026-12-22", "start": "09:30", "place": "Room 4"}
    done = client.post(deed("book"), said, follow=True)
    assert "Day 14 is booked." in done.content.decode()
    assert f"{visit().booked_start:%H:%M}" == "01:30"  # 09:30 in Shanghai
    client.post(deed("complete"), {"version": visit().version, "on": "2026-12-21"})
    assert visit().performed_on == date(2026, 12, 21)
    page = client.get(reverse("visit", kwargs={"pk": visit().pk})).content.decode()
    assert deed("undo") in page
    assert deed("book") not in page
    client.post(deed("undo"), {"version": visit().version, "reason": "wrong chart"})
    assert visit().performed_on is None


def test_what_is_refused_comes_back_filled(client: Client, participant: Participant) -> None:
    said = {"version": visit().version, "on": "2026-12-25", "outside_reason": ""}
    answer = client.post(deed("complete"), said)
    assert answer.status_code == 422
    assert "is in the future: today is 2026-12-21" in answer.content.decode()
    assert 'value="2026-12-25"' in answer.content.decode()
    assert client.post(deed("miss"), {"version": visit().version, "reason": " "}).status_code == 422


def test_what_departs_is_shown_before_it_is_recorded_and_the_form_is_kept(client: Client) -> None:
    """The infusion was given on Sunday 6 December, a day before the block allows."""
    anchors = {
        "infusion": AnchorDay(INFUSION),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
        "lymphodepletion-start": AnchorDay(date(2026, 12, 2), AnchorKind.ACTUAL),
    }
    enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    said = {"version": visit("d0").version, "on": "2026-12-06", "at": "10:15"}
    asked = client.post(deed("complete", "d0"), said)
    page = asked.content.decode()
    assert asked.status_code == 422
    assert "2026-12-06 is 1 days before the window" in page
    assert "This breaks the block: Infusion on Sunday 2026-12-06 is 1 day earlier" in page
    assert "A deviation will be drafted." in page
    assert "What would happen, not saved yet" in page
    assert "Moves from Monday 2027-01-04 to Sunday 2027-01-03 (-1 days)." in page
    assert 'value="10:15"' in page
    assert visit("d0").performed_on is None
    done = client.post(deed("complete", "d0"), said | {"outside_reason": "the ward was full on Monday"})
    assert done.status_code == 302
    deviation = Deviation.objects.get(kind="block-broken", visit=None)
    log = client.get(reverse("deviations")).content.decode()
    assert reverse("deviation", kwargs={"pk": deviation.pk}) in log


def test_the_slower_one_is_told_keeps_what_was_typed_and_goes_on(
    client: Client, participant: Participant
) -> None:
    shown, other = visit(), User.objects.create_user("investigator")
    first = Booking(date(2026, 12, 23), place="Room 7")
    book_visit(visit=shown, version=shown.version, booking=first, by=other, now=shown.changed_at)
    said = {"version": shown.version, "on": "2026-12-22", "place": "Room 4", "reason": "the lift is broken"}
    answer = client.post(deed("book"), said)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "<b>investigator</b>" in page
    assert "2026-12-23" in page
    assert "Room 7" in page
    assert 'value="Room 4"' in page
    assert visit().booked_place == "Room 7"
    client.post(deed("book"), said | {"version": str(answer.context["form"]["version"].value())})
    assert visit().booked_place == "Room 4"


def test_a_form_without_a_version_saves_nothing(client: Client, participant: Participant) -> None:
    assert client.post(deed("book"), {"on": "2026-12-22"}).status_code == 409
    assert visit().booked_on is None


# --- who may -------------------------------------------------------------------------------------
def addresses(participant: Participant) -> list[str]:
    pk = {"pk": participant.pk}
    return [
        reverse("visit", kwargs={"pk": visit().pk}),
        *(deed(which) for which in ("book", "unbook", "complete", "miss", "cancel", "undo")),
        reverse("course", kwargs=pk),
        reverse("course-undo", kwargs=pk),
        reverse("course-step", kwargs={**pk, "step": "withdrawal"}),
        reverse("unscheduled", kwargs=pk),
        reverse("participant-absences", kwargs=pk),
        reverse("site-absences", kwargs={"pk": participant.site_id}),
    ]


def test_out_of_sight_is_not_there(participant: Participant) -> None:
    client = Client()
    client.force_login(someone("elsewhere", site="NJ"))
    assert {client.get(address).status_code for address in addresses(participant)} == {404}


def test_whoever_only_reads_may_not_record(participant: Participant) -> None:
    client = Client()
    client.force_login(someone("monitor", Role.MONITOR))
    reading = {"visit", "course", "participant-absences", "site-absences"}
    for address in addresses(participant):
        allowed = any(
            address == reverse(name, kwargs={"pk": pk}) for name, pk in _readable(participant, reading)
        )
        assert client.get(address).status_code == (200 if allowed else 403), address
        assert client.post(address, {"version": 1}).status_code in {403, 405, 200 if allowed else 403}
    assert not CourseStep.objects.exists()
    assert not Absence.objects.exists()


def _readable(participant: Participant, names: set[str]) -> list[tuple[str, int]]:
    pks = {"visit": visit().pk, "site-absences": participant.site_id}
    return [(name, pks.get(name, participant.pk)) for name in names]


# --- the course ------------------------------------------------------------------------------------
def test_only_possible_steps_are_offered(client: Client, participant: Participant) -> None:
    page = client.get(reverse("course", kwargs={"pk": participant.pk})).content.decode()
    assert "in follow-up" in page
    for step, offered in (("withdrawal", True), ("completion", True), ("screen-failure", False)):
        address = reverse("course-step", kwargs={"pk": participant.pk, "step": step})
        assert (address in page) is offered, step


def test_a_step_is_taken_and_taken_back(client: Client, participant: Participant) -> None:
    participant.refresh_from_db()
    address = reverse("course-step", kwargs={"pk": participant.pk, "step": "early-termination"})
    said = {
        "version": participant.version,
        "on": "2026-12-21",
        "seen_by": "2027-01-04",
        "reason": "moves abroad",
    }
    assert client.post(address, said | {"reason": ""}).status_code == 422
    assert client.post(address, said).status_code == 302
    assert client.post(address, said).status_code == 409  # sent twice: the second is stale
    assert Visit.objects.get(code="early-termination").closes == date(2027, 1, 4)
    page = client.get(reverse("participant", kwargs={"pk": participant.pk})).content.decode()
    assert "Early termination" in page
    participant.refresh_from_db()
    undo = {"version": participant.version, "reason": "stays"}
    assert client.post(reverse("course-undo", kwargs={"pk": participant.pk}), undo).status_code == 302
    assert visit().cancelled_on is None


def test_an_unscheduled_visit_shows_everywhere(client: Client, participant: Participant) -> None:
    address = reverse("unscheduled", kwargs={"pk": participant.pk})
    said = {"on": "2027-01-06", "kind": "clinic", "reason": "rash"}
    page = client.post(address, said, follow=True).content.decode()
    assert "Unscheduled 28.1" in page
    assert client.get(reverse("visit", kwargs={"pk": visit("unscheduled-1").pk})).status_code == 200
    assert client.get("/").status_code == 200


def test_absences_are_added_and_ended(client: Client, participant: Participant) -> None:
    for name, pk in (("participant-absences", participant.pk), ("site-absences", participant.site_id)):
        address = reverse(name, kwargs={"pk": pk})
        wrong = client.post(address, {"first": "2027-01-05", "last": "2027-01-02"})
        assert "give 2027-01-05 or a later day" in wrong.content.decode()
        assert client.post(address, {"first": "2027-01-02", "last": "2027-01-05"}).status_code == 302
    for absence in Absence.objects.all():
        end = reverse("absence-end", kwargs={"pk": absence.pk})
        assert client.post(end, {"reason": ""}).status_code == 422
        assert client.post(end, {"reason": "back early"}).status_code == 302
    assert Absence.objects.filter(ended=True).count() == 2


# --- constant query counts -----------------------------------------------------------------------
@pytest.mark.parametrize("name", ["visit", "course"])
def test_queries_do_not_grow(
    client: Client, participant: Participant, name: str, django_assert_max_num_queries: Any
) -> None:
    pk = visit().pk if name == "visit" else participant.pk
    with django_assert_max_num_queries(16):
        assert client.get(reverse(name, kwargs={"pk": pk})).status_code == 200
