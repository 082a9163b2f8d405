"""The pages of readiness and of the product."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from participants.models import ProductStep
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import ReadinessCheck, Visit
from tests.cast import a_version
from tests.integration.web.conftest import TODAY, Enrol, count_queries, with_role
from trials.models import Role, Site

pytestmark = pytest.mark.django_db
ZERO = TODAY + timedelta(days=5)


def text(page: Client, address: str, status: int = 200) -> str:
    response = page.get(address)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def test_the_list_is_for_the_planned_day_and_for_any_other(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-001", ZERO, traits=frozenset({"lymphodepletion"}))
    address = f"/participants/{person.pk}/readiness/"
    shown = text(page, address)
    assert "Start of lymphodepletion" in shown
    assert 'value="2026-11-23"' in shown, "chemotherapy is planned for today"
    assert "Missing: Received at the site." in shown
    assert "The planned day" not in shown
    later = text(page, f"{address}?day=2026-12-02")
    assert "The planned day" in later
    assert "2026-12-07" in later, "day zero moves with it"


@pytest.mark.parametrize(
    ("day", "words"),
    [("soon", "Enter a valid date."), ("2126-12-02", "Give a day within five years of today.")],
)
def test_a_day_that_cannot_be_is_refused_in_words(
    page: Client, enrolled: Enrol, day: str, words: str
) -> None:
    person = enrolled()
    assert words in text(page, f"/participants/{person.pk}/readiness/?day={day}", 422)


def test_milestones_are_recorded_expected_and_taken_back(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-001", ZERO)
    home = f"/participants/{person.pk}/product/"
    assert "nobody knows yet" in text(page, home)
    sent = page.post(f"{home}record/", {"milestone": "received", "on": "2026-11-24", "note": ""})
    assert sent.status_code == 422
    assert "Tue 24 Nov is in the future" in sent.content.decode()
    page.post(f"{home}record/", {"milestone": "received", "on": "2026-11-23", "note": "lot A"})
    page.post(f"{home}expect/", {"milestone": "released", "on": "2026-11-26", "note": ""})
    shown = text(page, home)
    assert "lot A" in shown
    assert 'ready <b><time datetime="2026-11-26"' in shown
    step = ProductStep.objects.get(step="received")
    assert page.post(f"/milestones/{step.pk}/undo/", {"reason": ""}).status_code == 422
    page.post(f"/milestones/{step.pk}/undo/", {"reason": "another lot"})
    assert not ProductStep.objects.filter(step="received").exists()


def test_whoever_only_looks_sees_the_list_and_records_nothing(enrolled: Enrol, site: Site) -> None:
    person = enrolled("S01-001", ZERO)
    looking = Client()
    looking.force_login(with_role("looking", Role.MONITOR, site))
    assert "Record a milestone" not in text(looking, f"/participants/{person.pk}/product/")
    assert looking.post(f"/participants/{person.pk}/product/record/").status_code == 403
    stranger = Client()
    stranger.force_login(with_role("stranger", Role.DESIGNER, site))
    assert stranger.get(f"/participants/{person.pk}/readiness/").status_code == 404


def test_a_start_against_the_list_asks_why_next_to_the_field_and_the_list_is_kept(
    page: Client, enrolled: Enrol
) -> None:
    person = enrolled("S01-001", ZERO, traits=frozenset({"lymphodepletion"}))
    page.post(f"/participants/{person.pk}/product/record/", {"milestone": "collection", "on": "2026-11-23"})
    visit = Visit.objects.get(participant=person, code="ld-1")
    form = {
        "version": visit.version,
        "on": "2026-11-23",
        "outside_reason": "",
        "activity-lymphodepletion": "done",
    }
    refused = page.post(f"/visits/{visit.pk}/complete/", form)
    assert refused.status_code == 422
    assert "Enter why it happened" in refused.content.decode()
    page.post(f"/visits/{visit.pk}/complete/", form | {"outside_reason": "released by telephone"})
    assert ReadinessCheck.objects.get().for_day == date(2026, 11, 23)
    shown = text(page, f"/participants/{person.pk}/readiness/")
    assert "Reason: released by telephone" in shown
    assert "the one that was kept then stands below it" in shown


def test_of_a_start_taken_over_no_list_is_promised(page: Client, enrolled: Enrol) -> None:
    given = {"lymphodepletion-start": AnchorDay(date(2026, 11, 20), AnchorKind.ACTUAL)}
    person = enrolled("S01-001", date(2026, 11, 25), traits=frozenset({"lymphodepletion"}), anchors=given)
    shown = text(page, f"/participants/{person.pk}/readiness/")
    assert "none was kept then" in shown
    assert "Nothing has begun" not in shown
    assert "Current phase" not in shown, "a red no, for having begun"


def test_once_it_has_begun_no_other_day_is_asked_about(page: Client, enrolled: Enrol) -> None:
    given = {"lymphodepletion-start": AnchorDay(date(2026, 11, 20), AnchorKind.ACTUAL)}
    person = enrolled("S01-001", date(2026, 11, 25), traits=frozenset({"lymphodepletion"}), anchors=given)
    address = f"/participants/{person.pk}/readiness/"
    shown = text(page, address)
    assert '“Start of lymphodepletion” was on <b><time datetime="2026-11-20"' in shown
    assert 'name="day"' not in shown
    assert "May “" not in shown
    for day in ("2026-11-30", "soon"):
        other = text(page, f"{address}?day={day}")
        assert other.partition("<main")[2] == shown.partition("<main")[2], "the list of the day that was"


def test_the_list_takes_as_many_queries_whoever_else_is_there(page: Client, enrolled: Enrol) -> None:
    version = a_version()
    person = enrolled("S01-001", ZERO, version=version)
    enrolled("S01-002", ZERO, version=version)
    address = f"/participants/{person.pk}/readiness/"
    page.get(address)
    few = count_queries(lambda: page.get(address))
    for number in range(3, 6):
        enrolled(f"S01-{number:03}", ZERO, version=version)
    assert count_queries(lambda: page.get(address)) == few
