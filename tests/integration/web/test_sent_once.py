"""A form that a browser sends twice without a script is done once, whichever form it is."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.http import HttpResponse
from django.test import Client, RequestFactory

from participants.models import Absence, Fact, Participant
from schedules.models import IdempotentAnswer, ReminderPause, Visit
from schedules.web.shared.sent_once import key_of
from tests.integration.web.conftest import MORNING, TODAY, Enrol, with_role
from trials.models import Resource, Role, Site, User

DAY = timedelta(days=1)
CLICKS = 3


def signed_in(user: User) -> Client:
    """A browser that is asked for the token of its form, as every real one is."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def form_of(client: Client, address: str) -> dict[str, str]:
    """The token of the forms of a page, as they are sent back."""
    return token_in(client.get(address).content.decode())


def token_in(page: str) -> dict[str, str]:
    """The token in a page's forms."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found, page
    return {"csrfmiddlewaretoken": found[1]}


def errors(answers: Sequence[HttpResponse]) -> list[object]:
    """Why a form was refused."""
    return [one.context["form"].errors for one in answers if one.context]


def clicked(client: Client, address: str, form: dict[str, str]) -> list[HttpResponse]:
    """Send one form as often as an impatient hand does, all at the same moment."""
    gate, answers = threading.Barrier(CLICKS), list[HttpResponse]()

    def send() -> None:
        mine = Client(enforce_csrf_checks=True)
        mine.cookies = client.cookies.copy()
        gate.wait(20)
        try:
            answers.append(mine.post(address, form))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _click in range(CLICKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == CLICKS
    return answers


@pytest.fixture
def person(enrolled: Enrol) -> Participant:
    return enrolled("S01-001", TODAY + 10 * DAY)


FORMS: dict[str, tuple[str, dict[str, str], Callable[[], int]]] = {
    "a fact": (
        "/participants/{pk}/facts/new/night-away/",
        {"day": str(TODAY - DAY)},
        lambda: Fact.objects.filter(kind="night-away").count(),
    ),
    "an unscheduled visit": (
        "/participants/{pk}/unscheduled/",
        {"on": str(TODAY), "kind": "clinic", "reason": "fever"},
        lambda: Visit.objects.filter(code__startswith="unscheduled").count(),
    ),
    "a room": (
        "/sites/{site}/resources/",
        {"act": "save", "kind": "room", "name": "3", "capacity": "1", "minutes": "60"}
        | {"opens_at": "08:00", "closes_at": "17:00"},
        Resource.objects.count,
    ),
    "a pause of reminders": (
        "/reminders/pause/",
        {"first": str(TODAY), "last": str(TODAY + DAY), "reason": "on leave"},
        ReminderPause.objects.count,
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", FORMS)
def test_a_form_sent_several_times_at_once_is_done_once(
    person: Participant, coordinator: User, form: str
) -> None:
    address, said, count = FORMS[form]
    address = address.format(pk=person.pk, site=person.site_id)
    client = signed_in(coordinator)
    answers = clicked(client, address, form_of(client, address) | said)
    assert {answer.status_code for answer in answers} == {302}, errors(answers)
    assert len({answer["Location"] for answer in answers}) == 1
    assert count() == 1
    told = client.get(answers[0]["Location"]).content.decode()
    assert told.count('class="note success') <= 1, "said once, whichever answer the browser shows"


@pytest.mark.django_db(transaction=True)
def test_an_absence_that_was_looked_at_is_kept_once(person: Participant, coordinator: User) -> None:
    address, client = f"/participants/{person.pk}/absences/", signed_in(coordinator)
    said = {"first": str(TODAY + 3 * DAY), "last": str(TODAY + 3 * DAY)}
    shown = clicked(client, address, form_of(client, address) | said)
    assert {answer.status_code for answer in shown} == {200}, "what is only looked at is looked at each time"
    assert not Absence.objects.exists()
    page = shown[0].content.decode()
    held = {"action": "commit", "digest": shown[0].context["form"].data["digest"]}
    answers = clicked(client, address, token_in(page) | said | held)
    assert {answer.status_code for answer in answers} == {302}, errors(answers)
    assert Absence.objects.count() == 1


@pytest.mark.django_db
def test_what_is_sent_again_later_is_not_done_again_and_says_so(
    person: Participant, coordinator: User
) -> None:
    address, client = f"/participants/{person.pk}/facts/new/night-away/", signed_in(coordinator)
    form = form_of(client, address) | {"day": str(TODAY - DAY)}
    first = client.post(address, form, follow=True).content.decode()
    with time_machine.travel(MORNING + timedelta(minutes=20), tick=False):
        again = client.post(address, form, follow=True).content.decode()
    said = "You sent this form before, and it was done then. It was not done a second time."
    assert (said in first, said in again) == (False, True)
    assert Fact.objects.count() == 1
    client.post(address, form_of(client, address) | {"day": str(TODAY - DAY)})
    assert Fact.objects.count() == 2, "the form of a page that was opened again is another one"
    client.post(address, form | {"day": str(TODAY)})
    assert Fact.objects.count() == 3, "and so is another day in it"


@pytest.mark.django_db
def test_what_was_refused_or_has_failed_is_done_when_it_is_sent_again(
    person: Participant, coordinator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, client = f"/participants/{person.pk}/facts/new/night-away/", signed_in(coordinator)
    client.raise_request_exception = False
    form = form_of(client, address)
    assert [client.post(address, form | {"day": ""}).status_code for _time in (1, 2)] == [422, 422]
    with monkeypatch.context() as broken:
        broken.setattr("schedules.web.windows.facts.record_fact", lambda **_said: 1 / 0)
        assert client.post(address, form | {"day": str(TODAY)}).status_code == 500
    assert not IdempotentAnswer.objects.exists()
    assert client.post(address, form | {"day": str(TODAY)}).status_code == 302
    assert Fact.objects.count() == 1


@pytest.mark.django_db
def test_a_form_that_first_asks_for_the_password_is_not_done_yet(site: Site) -> None:
    address, boss = "/people/open/", with_role("boss", Role.ADMINISTRATOR)
    client = signed_in(boss)
    said = {"user_name": "new", "name": "New", "email": "new@example.org", "reason": "joins"}
    form = form_of(client, address) | said
    assert client.post(address, form)["Location"].startswith("/accounts/reauthenticate/")
    assert not IdempotentAnswer.objects.exists(), (
        "sent again, it asks again, and does not say that it is done"
    )


@pytest.mark.django_db
def test_a_file_is_told_from_another_by_what_is_in_it(coordinator: User) -> None:
    def key(content: bytes) -> str:
        file = SimpleUploadedFile("study.yaml", content)
        request = RequestFactory().post("/setup/", {"csrfmiddlewaretoken": "x", "file": file})
        request.user = coordinator
        found = key_of(request)
        assert request.FILES["file"].read() == content, "the page reads it from its beginning"
        return found

    assert key(b"one") == key(b"one") != key(b"two")


@pytest.mark.django_db
def test_what_calls_somebody_outside_holds_no_transaction(coordinator: User) -> None:
    """A test of a channel waits for its receiver, for which nobody who writes may wait."""

    def key(address: str) -> str:
        request = RequestFactory().post(address, {"csrfmiddlewaretoken": "x"})
        request.user = coordinator
        return key_of(request)

    assert key("/channels/1/")
    assert not key("/channels/1/test/")
    assert key("/no/such/page/")
