"""Finding a participant, a visit, a trial, a site or a page within one's sight; the keys and their switch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from participants.selectors.participants import participants_coded
from schedules.models import Visit
from tests.cast import a_version
from tests.integration.web.conftest import TODAY, Enrol, count_queries, with_role
from trials.models import Role, Site, User

pytestmark = pytest.mark.django_db
ZERO = TODAY + timedelta(days=10)


def found(page: Client, text: str) -> list[str]:
    answer = page.get("/find/", {"q": text})
    if answer.status_code == 302:
        return [answer["Location"]]
    assert answer.status_code == 200
    return [one.subject_code for one in answer.context["found"].participants]


def test_a_code_its_beginning_or_its_number_finds_a_participant(page: Client, enrolled: Enrol) -> None:
    one = enrolled("S01-003", ZERO)
    enrolled("S01-013", ZERO)
    address = f"/participants/{one.pk}/"
    assert found(page, "s01-003") == [address], "the only one is opened at once"
    assert found(page, "3") == [address]
    assert found(page, "003") == [address]
    assert found(page, "S01") == ["S01-003", "S01-013"]
    assert found(page, "S02") == []
    assert found(page, "1003") == []
    assert found(page, "%") == found(page, "S01-0_3") == found(page, "x" * 500) == []
    assert page.get("/find/").status_code == 200


def test_two_people_of_one_code_are_told_apart_by_place_and_trial(
    page: Client, enrolled: Enrol, site: Site
) -> None:
    enrolled("S01-003", ZERO)
    other = a_version()
    enrolled("S01-003", ZERO, version=other)
    answer = page.get("/find/", {"q": "S01-003"}).content.decode()
    assert "NCT07274059" in answer
    assert other.trial.code in answer
    one = Participant.objects.get(trial=other.trial)
    assert found(page, f"S01-003 {other.trial.code}") == [f"/participants/{one.pk}/"]


def test_a_visit_is_found_beside_the_code_of_its_participant(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-003", ZERO)
    d28 = Visit.objects.get(participant=person, code="d28")
    assert found(page, "3 d28") == [f"/visits/{d28.pk}/"]
    assert found(page, "S01-003 nonsense") == []
    answer = page.get("/find/", {"q": "S01-003 day"})
    assert d28 in [one.visit for one in answer.context["found"].visits]


def test_trials_sites_and_pages_are_found_by_their_names(page: Client, enrolled: Enrol, site: Site) -> None:
    person = enrolled("S01-003", ZERO)
    answer = page.get("/find/", {"q": person.trial.code[:6]})
    assert [one.code for one in answer.context["found"].trials] == [person.trial.code]
    assert [one.code for one in page.get("/find/", {"q": "hospital wh"}).context["found"].sites] == [
        site.code
    ]
    pages = {label: address for address, label in page.get("/find/", {"q": "deviat"}).context["pages"]}
    assert pages["Deviations"] == "/deviations/"
    words = page.get("/find/", {"q": "zzzz"}).content.decode()
    assert "Nothing in your sight is called “zzzz”." in words


def test_nothing_is_found_beyond_one_s_sight(page: Client, enrolled: Enrol, other_site: Site) -> None:
    enrolled("S02-003", ZERO, site=other_site)
    assert found(page, "S02-003") == []
    assert found(page, "3") == []
    assert not page.get("/find/", {"q": other_site.name}).context["found"].sites
    looking = Client()
    looking.force_login(with_role("looking", Role.MONITOR, other_site))
    labels = [label for _address, label in looking.get("/find/", {"q": "enrol"}).context["pages"]]
    assert "Enrol a participant" not in labels


def test_the_queries_do_not_grow_with_the_participants(page: Client, enrolled: Enrol) -> None:
    enrolled("S01-001", ZERO)
    enrolled("S01-002", ZERO)
    few = count_queries(lambda: page.get("/find/", {"q": "S01 d28"}))
    for number in range(3, 8):
        enrolled(f"S01-00{number}", ZERO)
    assert count_queries(lambda: page.get("/find/", {"q": "S01 d28"})) == few


def test_a_code_is_looked_up_by_an_index(db: None) -> None:
    for text, name in (("S01-0", "subject_code"), ("003", "participant_by_number")):
        asked = participants_coded(Participant.objects.all(), text)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL enable_seqscan = off")
        plan = asked.order_by().explain()  # a handful of rows is as well read in the order that is wanted
        assert name in plan, plan


def test_single_keys_are_switched_off_for_one_person_and_on_again(page: Client, coordinator: User) -> None:
    assert 'data-keys="off"' not in page.get("/").content.decode()
    assert "<kbd>/</kbd>" in page.get("/keys/").content.decode()
    page.post("/keys/", {"keys": "off", "back": "/participants/"})
    off = page.get("/").content.decode()
    assert 'data-keys="off"' in off
    coordinator.refresh_from_db()
    assert coordinator.single_keys is False
    with CaptureQueriesContext(connection) as queries:
        page.post("/keys/", {"keys": "off"})
    assert not [one for one in queries if one["sql"].startswith('UPDATE "trials_user"')]
    page.post("/keys/", {"keys": "on"})
    assert 'data-keys="off"' not in page.get("/").content.decode()
