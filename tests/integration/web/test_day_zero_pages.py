"""The pages on which a day zero is found."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from participants.models import Anchor
from tests.cast import a_version, an_approval
from tests.integration.web.conftest import TODAY, Enrol, count_queries, with_role
from trials.models import ProtocolVersion, Role, Site

pytestmark = pytest.mark.django_db
ZERO = TODAY + timedelta(days=21)


def text(page: Client, address: str, status: int = 200) -> str:
    response = page.get(address)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def days(shown: str) -> list[str]:
    return re.findall(r'<th scope="row"><time datetime="([^"]+)"', shown)


def test_days_are_listed_best_first_with_reasons_over_the_spring_festival(
    page: Client, enrolled: Enrol
) -> None:
    """In 2027 the Spring Festival lasts from Fri 5 to Wed 10 February: no block of D-5 to D0 meets it."""
    person = enrolled("S01-001", ZERO, traits=frozenset({"lymphodepletion"}))
    address = f"/participants/{person.pk}/day-zero/?first=2027-02-01&last=2027-02-28"
    shown = text(page, address)
    assert "28 days, the best first" in shown
    found = days(shown)
    assert len(found) == 20, "the best, and a link to the rest"
    everything = days(text(page, f"{address}&all=1"))
    assert len(everything) == 28
    assert everything[:20] == found
    assert set(everything[-11:]) == {f"2027-02-{day:02}" for day in range(5, 16)}
    assert "Fri 5 Feb is a public holiday (Spring Festival)." in text(page, f"{address}&all=1")
    assert "lies over Spring Festival" in shown, "the days before it: the stay in hospital meets it"


def test_the_search_begins_around_the_planned_day(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-001", ZERO)
    shown = text(page, f"/participants/{person.pk}/day-zero/")
    assert ZERO.isoformat() in days(shown)
    address = f"/participants/{person.pk}/replan/anchors/?infusion={ZERO + timedelta(days=1)}"
    assert f'href="{address}"' in shown
    assert f'value="{ZERO + timedelta(days=1)}"' in text(page, address), "the preview begins with that day"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("first=2026-12-07&last=2026-12-01", "is before Mon 7 Dec"),
        ("first=2026-12-07&last=2027-12-07", "longer than 120 days"),
        ("first=soon&last=2027-12-07", "Enter a valid date."),
        ("first=9999-12-30&last=9999-12-31", "more than three years away"),
    ],
)
def test_a_range_that_cannot_be_is_refused_in_words(
    page: Client, enrolled: Enrol, asked: str, words: str
) -> None:
    person = enrolled("S01-001", ZERO)
    assert words in text(page, f"/participants/{person.pk}/day-zero/?{asked}", 422)


def test_where_no_day_is_possible_the_days_after_it_are_offered(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-001", ZERO, traits=frozenset({"lymphodepletion"}))
    Anchor.objects.create(participant=person, code="lymphodepletion-start", actual_on=TODAY)
    address = f"/participants/{person.pk}/day-zero/"
    shown = text(page, f"{address}?first={TODAY}&last={TODAY + timedelta(days=2)}")
    assert "No day of this range is possible." in shown
    after = f"?first={TODAY + timedelta(days=3)}&amp;last={TODAY + timedelta(days=5)}"
    assert f'href="{after}"' in shown
    assert "No day of this range" not in text(page, address + after.replace("&amp;", "&"))


def test_after_the_infusion_there_is_no_day_to_find(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-001", ZERO)
    Anchor.objects.filter(participant=person, code="infusion").update(actual_on=TODAY)
    shown = text(page, f"/participants/{person.pk}/day-zero/")
    assert "there is no day to search for" in shown
    assert not days(shown)
    assert "day-zero" not in text(page, f"/participants/{person.pk}/")


def test_a_newcomer_s_days_lead_to_the_enrolment_form(
    page: Client, version: ProtocolVersion, site: Site
) -> None:
    an_approval(site, version)
    assert "Trial and protocol version" in text(page, "/day-zero/")
    asked = f"version={version.pk}&site={site.pk}&traits=lymphodepletion&first=2026-12-01&last=2026-12-20"
    shown = text(page, f"/day-zero/?{asked}")
    best = days(shown)[0]
    form = {
        "version": version.pk,
        "site": site.pk,
        "traits": ["lymphodepletion"],
        "anchor-infusion-planned-on": best,
        "action": "choose",
    }
    for name in form:
        assert f'name="{name}"' in shown
    filled = page.post("/participants/enrol/", form).content.decode()
    assert f'value="{best}"' in filled
    assert "Not enrolled" not in filled


def test_whoever_may_not_enrol_finds_no_day_for_a_newcomer(site: Site) -> None:
    looking = Client()
    looking.force_login(with_role("looking", Role.MONITOR, site))
    assert looking.get("/day-zero/").status_code == 403


def test_the_longest_search_takes_as_many_queries_whoever_else_is_there(
    page: Client, enrolled: Enrol
) -> None:
    version = a_version()
    person = enrolled("S01-001", ZERO, version=version)
    enrolled("S01-002", ZERO, version=version)
    address = f"/participants/{person.pk}/day-zero/?first=2026-12-01&last=2027-03-30"
    page.get(address)
    few = count_queries(lambda: page.get(address))
    for number in range(3, 6):
        enrolled(f"S01-{number:03}", ZERO, version=version)
    assert count_queries(lambda: page.get(address)) == few
