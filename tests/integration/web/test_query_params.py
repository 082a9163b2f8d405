"""What the address of a page asks for is answered as it was asked, or refused in words."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from participants.models import Participant
from tests.integration.web.conftest import TODAY, Enrol
from trials.keyset import row_id
from trials.models import User
from trials.services.accounts.memberships import grant_membership
from trials.web.shared.query_params import OneValueEach, QueryRefused

pytestmark = pytest.mark.django_db
READS_AN_ADDRESS = (
    "request.GET",
    "number(request",
    "site_asked(request",
    "place_asked(request",
    "_wanted(request",
    "wanted_of(request",
    "Form(request.GET",
)
TAKES_ANYTHING = {
    "visit-deed": "the hour of an unscheduled visit fills a form",
    "consent-new": "the edition fills a form",
    "enrol": "what was found on the page of day zero fills the form",
    "fact-new": "what is known fills a form",
    "facts-of-day": "the day, and tests to repeat, fill a form",
    "milestone-new": "the milestone fills a form",
    "milestone-expected": "the milestone fills a form",
    "replan": "the anchors that are proposed",
}


def _pages(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _pages(pattern)
        elif pattern.callback.__module__.startswith(("schedules.web", "trials.web")):
            yield pattern


PAGES = {pattern.name: pattern.callback for pattern in _pages(get_resolver())}
WITH_FILTERS = {str(name): view.query_params for name, view in PAGES.items() if hasattr(view, "query_params")}


@pytest.fixture
def participant(enrolled: Enrol) -> Participant:
    return enrolled()


@pytest.fixture
def chief(coordinator: User) -> User:
    """Somebody who may open every page."""
    for role in ("administrator", "data_manager"):
        grant_membership(user=coordinator, role=role, starts_on=TODAY, by=None)
    return coordinator


def test_every_page_that_reads_its_address_says_what_it_takes() -> None:
    missing = [
        name
        for name, view in PAGES.items()
        if name and name not in WITH_FILTERS and name not in TAKES_ANYTHING
        if any(sign in inspect.getsource(inspect.unwrap(view)) for sign in READS_AN_ADDRESS)
    ]
    assert not missing


@pytest.mark.parametrize("name", sorted(WITH_FILTERS))
def test_a_page_refuses_a_filter_given_twice_and_one_that_it_does_not_have(
    name: str, client: Client, chief: User, participant: Participant
) -> None:
    """`?site=A&site=B` showed B, and `?sit=A` everybody: the export of it said that it held A."""
    client.force_login(chief)
    address = _address(name, participant)
    if address is None:
        pytest.skip("another test's page")
    method = client.post if name == "trail-review" else client.get
    for asked in WITH_FILTERS[name]:
        answer = method(f"{address}?{asked}=1&{asked}=2")
        assert answer.status_code == 400, asked
        assert f"“{asked}” 2 times (1, 2)" in answer.content.decode()
    answer = method(f"{address}?colour=red")
    assert answer.status_code == 400
    assert "no filter “colour”" in answer.content.decode()


ELSEWHERE = {"amendment", "channel", "api-client", "job", "webhook", "webhooks"}
"""Pages of rows that their own tests make."""

PAGES_OF_A_PERSON = ("day-zero", "readiness", "eligibility", "visit-card", "participant-period")


def _address(name: str, participant: Participant) -> str | None:
    trial = participant.trial_id
    kwargs: dict[str, Any] = {
        "deviations-export": {"form": "csv"},
        "screening-log-export": {"form": "csv"},
        "enrolment-log-export": {"form": "xlsx"},
        "forecast-end": {"pk": trial},
        "board": {"trial": participant.trial.code},
        "trial": {"pk": trial},
        "find-places": {"kind": "site"},
        "amendment-new": {"pk": trial},
        "trail-record": {"kind": "participants.participant", "number": participant.pk},
        "reminder-rules": {"pk": trial},
        "reminder-rule": {"pk": trial, "kind": "closing"},
        "resources": {"pk": participant.site_id},
        "paper": {"pk": participant.site_id, "what": "week"},
        **{one: {"pk": participant.pk} for one in PAGES_OF_A_PERSON},
    }
    return None if name in ELSEWHERE else reverse(name, kwargs=kwargs.get(name))


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("worklist", "part=late", "no choice for “part”"),
        ("today", "site=NOWHERE", "no choice for “site”. Possible: WH"),
        ("participants", "site=NOWHERE", "no choice for “site”. Possible: WH"),
        ("participants", "trial=NCT0", "no choice for “trial”"),
        ("flags", "mine=yes", "no choice for “mine”. Possible: 1"),
        ("flags", "severity=red", "no choice for “severity”"),
        ("forecast", "days=11", "no choice for “days”"),
        ("deviations", "kind=odd", "no choice for “kind”"),
        ("deviations", "from=1.12.2026", "no day for “from”. Write it as YYYY-MM-DD"),
        ("deviations", "after=x", "no place in the list"),
        ("trail", "after=garbage", "no place in the list"),
        ("participants", "page=garbage", "no number for “page”"),
        ("consents", "page=-1", "no number for “page”"),
        ("screening-log", "outcome=gone", "no choice for “outcome”"),
        ("screening-log", "to=2026-02-30", "no day for “to”"),
        ("enrolment-log", "trial=" + "9" * 30, "no number for “trial”"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named_and_not_left_out(
    name: str, asked: str, words: str, client: Client, coordinator: User, participant: Participant
) -> None:
    """A site that nobody knows showed the participants of all sites."""
    client.force_login(coordinator)
    for address in (reverse(name), *_export_of(name)):
        answer = client.get(f"{address}?{asked}")
        assert answer.status_code == 400, address
        assert words in answer.content.decode()


def _export_of(name: str) -> list[str]:
    known = {f"{name}-export" for name in ("deviations", "screening-log", "enrolment-log")}
    export = f"{name}-export"
    return [reverse(export, kwargs={"form": "csv"})] if export in known else []


def test_an_empty_filter_asks_for_everything(
    client: Client, coordinator: User, participant: Participant
) -> None:
    client.force_login(coordinator)
    assert client.get("/participants/?q=&site=&trial=").context["rows"]
    assert client.get("/worklist/?site=&trial=&part=").status_code == 200


def test_what_takes_several_values_gets_them_all() -> None:
    asked = OneValueEach.of(QueryDict("traits=a&traits=b&site=1"))
    assert asked.getlist("traits") == ["a", "b"]
    assert asked["site"] == asked.get("site") == "1"
    assert asked.copy().urlencode() == "traits=a&traits=b&site=1"
    with pytest.raises(QueryRefused):
        asked.get("traits")


@pytest.mark.parametrize("text", ["", "x", "-1", "²", "１", "1" * 5000])
def test_what_is_no_id_is_no_row_and_no_fault(page: Client, participant: Participant, text: str) -> None:
    assert row_id(text) == 0
    assert page.post(reverse("today-read"), {"entry": text}).status_code == 302
    assert page.post(reverse("today-record"), {"visit": f"{text}:{text}"}).status_code < 500
    assert page.get(reverse("enrol"), {"version": text}).status_code == 200
