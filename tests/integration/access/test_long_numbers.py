"""A number of a form or an address that no id can be is answered in words, on both databases."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, a_site, an_enrolment, show_who_one_is
from trials.models import Channel, Membership, Role, User

pytestmark = pytest.mark.django_db
NUMBERS = ["9" * 20, "1" * 5000, "²", "٣", "-1", "1.5", "0"]


@pytest.fixture
def person() -> Participant:
    return enrol(enrolment=an_enrolment(site=a_site("WH")), by=None)


@pytest.fixture
def root(person: Participant) -> Client:
    client = Client()
    user = User.objects.create_superuser("root", password="a long enough secret")
    for role in (Role.COORDINATOR, Role.DESIGNER):
        Membership.objects.create(user=user, role=role, starts_on=date(2020, 1, 1))
    client.force_login(user)
    show_who_one_is(client)
    return client


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_no_row_has_stops_no_page(number: str, root: Client, person: Participant) -> None:
    trial = f"/trials/{person.trial_id}"
    maps = f"{trial}/edc-maps/rave/live/"
    for row in (f"ld.{number}", number):
        assert root.post(maps, {"row": [row], f"{row}-event_oid": "SE"}).status_code < 500
    assert root.post(maps, {"new-visit": "ld", "new-occurrence": number}).status_code == 422
    assert root.post(maps, {"version": number}).status_code < 500
    assert root.post("/reminders/read/", {"newest": number}).status_code < 500
    assert root.get(f"/amendments/trial/{person.trial_id}/new/", {"sites": number}).status_code == 422
    record = reverse("trail-record", args=["participants.participant", number])
    assert root.get(record).status_code < 500
    user = User.objects.get(username="root")
    channel = Channel.objects.create(user=user, kind="ntfy", name="Mine", language="en", renewed_at=NOW)
    assert root.post(f"/channels/{channel.pk}/", {"act": "off", "version": number}).status_code < 500
    assert root.get("/participants/", {"q": number}).status_code < 500
