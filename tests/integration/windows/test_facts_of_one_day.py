"""Several facts of one day in one form: all recorded or none, judged once, and what that came to is said."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.test import Client

from participants.domain.fact_kinds import Dose, Lodging, TestResult
from participants.models import Fact, Participant
from schedules.services.windows.facts import record_fact
from tests.integration.web.conftest import (  # noqa: F401
    MORNING,
    TODAY,
    Enrol,
    coordinator,
    enrolled,
    morning,
    page,
    site,
    version,
)
from tests.integration.windows.test_pages import text


@pytest.fixture
def person(enrolled: Enrol) -> Participant:  # noqa: F811
    return enrolled("S01-001", TODAY + timedelta(days=10), traits=frozenset({"childbearing_potential"}))


def test_several_facts_of_one_day_are_recorded_and_judged_at_once(page: Client, person: Participant) -> None:  # noqa: F811
    address = f"/participants/{person.pk}/facts/day/"
    form = page.get(address).context["form"]
    assert form["on"].value() == TODAY
    asked = {"on": str(TODAY), "test-hcg": "negative", "all_kept": "on", "kept-infection": "no"}
    answer = page.post(address, {**asked, "lodging": "40"}, follow=True)
    kinds = list(Fact.objects.order_by("pk").values_list("kind", "of", "starts_on"))
    assert ("test", "hcg", TODAY) in kinds
    assert ("lodging", "", TODAY) in kinds
    assert sum(kind == "confirmation" for kind, _of, _on in kinds) == len(form.asked)
    broken = Fact.objects.filter(kind="confirmation", detail__holds=False)
    assert list(broken.values_list("of", flat=True)) == [code for code in form.asked if code == "infection"]
    words = text(answer)
    assert f"{len(kinds)} facts are recorded." in words
    assert re.search(r"facts are recorded\. [^.]+: (Violated|Kept|At risk|Cannot be judged)", words), words


def test_nothing_is_recorded_where_one_of_them_cannot_be(page: Client, person: Participant) -> None:  # noqa: F811
    address = f"/participants/{person.pk}/facts/day/"
    late = str(TODAY + timedelta(days=3))
    answer = page.post(address, {"on": late, "test-hcg": "negative", "lodging": "40"})
    assert answer.status_code == 422
    assert answer.context["form"].errors["test-hcg"], "the words stand at the field of the fact"
    assert 'value="40"' in answer.content.decode(), "what was typed is kept"
    assert not Fact.objects.exists()
    empty = page.post(address, {"on": str(TODAY)})
    assert "Nothing is given yet" in empty.content.decode()
    other = page.post(address, {"on": str(TODAY), "test-hcg": "other"})
    assert "Enter the result." in other.content.decode()
    assert page.post(address, {"on": "", "test-hcg": "negative"}).status_code == 422
    assert not Fact.objects.exists()


def test_tests_to_repeat_are_recorded_in_one_act_from_their_last_results(
    page: Client,  # noqa: F811
    person: Participant,
) -> None:
    """A test taken too long before an infusion that was moved: the page offers it, as it was last."""
    for days, result in ((40, "positive"), (30, "negative")):
        day = TODAY - timedelta(days=days)
        record_fact(participant=person, fact=TestResult("hcg", day, day, result), by=None, now=MORNING)
    shown = page.get(f"/participants/{person.pk}/")
    assert [one.test for one in shown.context["tests_to_repeat"]] == ["hcg"]
    address = f"/participants/{person.pk}/facts/day/?again=1"
    assert address in shown.content.decode()
    form = page.get(address).context["form"]
    first = form.test_lines()[0]
    assert (first.field.value(), form["on"].value()) == ("negative", TODAY)
    assert first.last == "last: negative, Sat 24 Oct"
    page.post(address, {"on": str(TODAY), "test-hcg": "negative"})
    assert Fact.objects.filter(kind="test", of="hcg", starts_on=TODAY).count() == 1
    assert not page.get(f"/participants/{person.pk}/").context["tests_to_repeat"], "once is enough"


def test_a_form_begins_with_the_last_fact_of_its_kind_without_its_days(
    page: Client,  # noqa: F811
    person: Participant,
) -> None:
    dose = Dose("immunosuppressant", date(2026, 11, 2), timedelta(hours=18), "label of 2024", "MMF")
    for fact in (Lodging(TODAY - timedelta(days=9), TODAY - timedelta(days=2), 45), dose):
        record_fact(participant=person, fact=fact, by=None, now=MORNING)
    again = page.get(f"/participants/{person.pk}/facts/new/lodging/")
    assert again.context["form"]["minutes"].value() == 45
    assert not again.context["form"]["from_day"].value()
    assert "Filled in as the last one, of" in again.content.decode()
    last = Fact.objects.get(kind="dose")
    like = page.get(f"/participants/{person.pk}/facts/new/dose/?like={last.pk}").context["form"]
    assert (like["name"].value(), like["half_life"].value()) == ("MMF", 18)
    assert not like["taken_at_on"].value()
    assert f"?like={last.pk}" in page.get(f"/participants/{person.pk}/facts/").content.decode()
    assert page.get(f"/participants/{person.pk}/facts/new/dose/?like=x").status_code == 200


def test_whoever_may_not_record_finds_no_form(person: Participant, site) -> None:  # noqa: F811
    from tests.integration.web.conftest import with_role
    from trials.models import Role

    client = Client()
    client.force_login(with_role("looking", Role.MONITOR, site))
    assert client.get(f"/participants/{person.pk}/facts/day/").status_code == 403
