"""Hours typed into forms on the nights when the clocks change, at a site in Berlin."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from participants.domain.fact_kinds import Procedure
from participants.models import Fact, Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, an_enrolment
from trials.models import Membership, Role, User

pytestmark = pytest.mark.django_db
SPRING, AUTUMN = "2027-03-28", "2026-10-25"


@pytest.fixture
def participant() -> Participant:
    site = a_site("BE", zone="Europe/Berlin")
    anchors = {
        "infusion": AnchorDay(date(2027, 3, 1)),
        "consent": AnchorDay(date(2026, 1, 5), AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(site=site, anchors=anchors), by=None)


@pytest.fixture
def coordinator(client: Client) -> Client:
    user = User.objects.create_user("coordinator")
    Membership.objects.create(user=user, role=Role.COORDINATOR, starts_on=date(2020, 1, 1))
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 10, 26, 12, tzinfo=UTC)
    views = (
        "visits.views",
        "windows.facts",
        "shared.answers",
        "course.holds",
        "replanning.views",
        "course.views",
    )
    for module in views:
        monkeypatch.setattr(f"schedules.web.{module}.now", lambda: moment, raising=False)


def book(client: Client, visit: Visit, **typed: Any) -> Any:
    address = reverse("visit-deed", kwargs={"pk": visit.pk, "deed": "book"})
    data = {"version": visit.version, "on": SPRING, "reason": "as asked", "place": "Room 4", **typed}
    return client.post(address, data)


def d28(participant: Participant) -> Visit:
    return Visit.objects.get(participant=participant, code="d28")


@pytest.mark.parametrize(("start", "end", "field"), [("02:30", "03:00", "start"), ("01:00", "02:15", "end")])
def test_an_hour_that_does_not_exist_is_refused_at_its_field(
    participant: Participant, coordinator: Client, start: str, end: str, field: str
) -> None:
    answer = book(coordinator, d28(participant), start=start, end=end)
    assert answer.status_code == 422
    (message,) = answer.context["form"].errors[field]
    assert "the clocks go from 02:00 to 03:00" in message
    shown = answer.content.decode()
    assert f'value="{start}"' in shown
    assert 'value="Room 4"' in shown
    assert d28(participant).booked_on is None


def test_an_hour_that_exists_twice_is_asked_about(participant: Participant, coordinator: Client) -> None:
    visit = d28(participant)
    autumn = "2027-10-31"
    answer = book(coordinator, visit, on=autumn, start="02:30", end="04:00")
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert '<option value="02:30+02:00">02:30, the first (UTC+02:00)</option>' in shown
    assert '<option value="02:30+01:00">02:30, the second (UTC+01:00)</option>' in shown
    answer = book(coordinator, visit, on=autumn, start="02:30+01:00", end="04:00")
    assert answer.status_code == 302
    assert d28(participant).booked_start == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


def test_a_chosen_hour_is_kept_when_another_field_is_wrong(
    participant: Participant, coordinator: Client
) -> None:
    answer = book(coordinator, d28(participant), on="2027-10-31", start="02:30+01:00", end="x")
    assert answer.status_code == 422
    assert '<option value="02:30+01:00" selected>' in answer.content.decode()


def test_a_booking_across_the_autumn_hour_is_in_order(participant: Participant, coordinator: Client) -> None:
    answer = book(coordinator, d28(participant), on="2027-10-31", start="02:45+02:00", end="02:15+01:00")
    assert answer.status_code == 302, "half an hour, though its clocks show an earlier hour at the end"


def test_a_fact_in_an_hour_that_exists_twice(participant: Participant, coordinator: Client) -> None:
    """Every form with hours asks: this one is a sample."""
    address = reverse("fact-new", kwargs={"pk": participant.pk, "kind": "admission"})
    typed = {"admitted_at_on": AUTUMN, "admitted_at_at": "02:30"}
    answer = coordinator.post(address, typed)
    assert answer.status_code == 422
    assert "comes twice" in answer.context["form"].errors["admitted_at_at"][0]
    assert coordinator.post(address, {**typed, "admitted_at_at": "02:30+01:00"}).status_code == 302
    assert Fact.objects.get().starts_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_day_at_the_end_of_the_calendar_with_an_hour_is_refused(
    participant: Participant, coordinator: Client
) -> None:
    for day in ("9999-12-31", "0001-01-01"):
        assert book(coordinator, d28(participant), on=day, start="10:00").status_code == 422


def test_an_anchor_in_an_hour_that_does_not_exist(participant: Participant, coordinator: Client) -> None:
    address = reverse("replan", kwargs={"pk": participant.pk, "what": "anchors"})
    typed = {
        "anchor-infusion-planned-on": SPRING,
        "anchor-infusion-planned-at": "02:30",
        "anchor-consent-actual-on": "2026-01-03",
    }
    answer = coordinator.post(address, typed)
    assert "from 02:00 to 03:00" in answer.context["form"].errors["anchor-infusion-planned-at"][0]


def test_a_service_refuses_it_too(participant: Participant) -> None:
    from zoneinfo import ZoneInfo

    from participants.domain.facts_validation import FactRefused
    from schedules.services.windows.facts import record_fact

    never = datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    with pytest.raises(FactRefused, match="from 02:00 to 03:00"):
        record_fact(
            participant=participant,
            fact=Procedure("cbc", never),
            by=None,
            now=datetime(2026, 10, 26, tzinfo=UTC),
        )
