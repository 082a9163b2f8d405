"""The page of a site's rooms, beds, staff and slots: added, changed, closed, retired, matched."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, an_enrolment
from trials.models import AuditEntry, Membership, Resource, ResourceClosure, Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday() -> Any:
    with time_machine.travel("2026-12-21T04:00:00Z", tick=False):
        yield


def signed_in(role: str = Role.COORDINATOR) -> Client:
    user = User.objects.create_user(str(role))
    Membership.objects.create(user=user, role=role, site=a_site(), starts_on=date(2026, 1, 1))
    client = Client()
    client.force_login(user)
    return client


def page() -> str:
    return reverse("resources", kwargs={"pk": a_site().pk})


def said(**changes: Any) -> dict[str, Any]:
    room = {"act": "save", "kind": "room", "name": "3号诊室", "capacity": "1", "minutes": "60"}
    return room | {"opens_at": "08:00", "closes_at": "17:00"} | changes


def test_a_room_is_added_changed_closed_and_retired_and_the_trail_has_it() -> None:
    client = signed_in()
    assert client.post(page(), said()).status_code == 302
    room = Resource.objects.get()
    assert (room.name, f"{room.opens_at:%H:%M}") == ("3号诊室", "08:00")
    assert "3号诊室" in client.get(page()).content.decode()
    changed = said(capacity="2", version=room.version, days=["1", "3"])
    assert client.post(f"{page()}?change={room.pk}", changed).status_code == 302
    room.refresh_from_db()
    assert (room.capacity, room.weekdays, room.version) == (2, "13", 2)
    closed = {"act": "save", "first": "2026-12-24", "last": "2026-12-28", "note": "paint"}
    assert client.post(f"{page()}?close={room.pk}", closed).status_code == 302
    closure = ResourceClosure.objects.get()
    client.post(page(), {"act": "open", "closure": closure.pk})
    closure.refresh_from_db()
    assert closure.ended
    client.post(page(), {"act": "retire", "resource": room.pk, "version": room.version})
    room.refresh_from_db()
    assert room.retired_on == date(2026, 12, 21)
    assert AuditEntry.objects.filter(model="trials.resource").count() == 3


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays() -> None:
    client = signed_in()
    client.post(page(), said())
    answer = client.post(page(), said(closes_at="07:00"))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "It closes before it opens" in text
    assert "is on record already" in text
    assert 'value="3号诊室"' in text


def test_what_was_typed_is_kept_where_somebody_else_was_quicker() -> None:
    client = signed_in()
    client.post(page(), said())
    room = Resource.objects.get()
    change = f"{page()}?change={room.pk}"
    client.post(change, said(capacity="2", version="1"))
    late = client.post(change, said(name="Room 3", version="1"))
    text = late.content.decode()
    assert late.status_code == 422
    assert "Somebody changed it meanwhile" in text
    assert 'value="Room 3"' in text
    assert '<input type="hidden" name="version" value="2"' in text
    room.refresh_from_db()
    assert (room.name, room.capacity) == ("3号诊室", 2)


def test_only_somebody_who_records_may_add() -> None:
    client = signed_in(Role.MONITOR)
    assert client.get(page()).status_code == 200
    assert client.post(page(), said()).status_code == 403


def test_a_place_in_words_is_matched_by_a_person_and_stays_as_it_was_written() -> None:
    client = signed_in()
    client.post(page(), said())
    enrol(enrolment=an_enrolment(), by=None)
    visit = Visit.objects.running().latest("pk")
    visit.booked_on, visit.booked_place = visit.target, "room three"
    visit.save()
    assert "room three" in client.get(page()).content.decode()
    client.post(page(), {"act": "match", "place": "room three", "resource": Resource.objects.get().pk})
    visit.refresh_from_db()
    assert visit.booked_resource is not None
    assert visit.booked_place == "room three"


@pytest.mark.parametrize("nonsense", ["²", "9" * 4000, "-1", "abc", ""])
def test_an_id_that_is_none_is_refused_in_words(nonsense: str) -> None:
    client = signed_in()
    address = reverse("resources", kwargs={"pk": a_site().pk})
    for said in ({"act": "retire"}, {"act": "match", "place": "x"}, {"act": "open", "closure": nonsense}):
        answer = client.post(address, {"resource": nonsense, "version": nonsense, **said}, follow=True)
        assert answer.status_code == 200
    assert (
        "Choose one of the list."
        in client.post(address, {"act": "retire", "resource": nonsense}, follow=True).content.decode()
    )
