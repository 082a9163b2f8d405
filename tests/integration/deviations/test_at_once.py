"""The log shows what stands, has totals, and classifies several drafts at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from schedules.models import Deviation
from schedules.services.deviations.classification import assess_deviation, withdraw_deviation
from tests.integration.deviations.conftest import at
from tests.integration.deviations.test_pages import FULL, SAID, browser
from trials.models import Role

pytestmark = pytest.mark.django_db
NOW = at(12, 27)
LOG = "/deviations/"


@pytest.fixture(autouse=True)
def sunday() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def drafts(participant) -> list[Deviation]:
    """Three drafts of one participant, entered as if the record had shown them."""
    shared = {
        "participant": participant,
        "protocol_version": participant.protocol_version,
        "kind": "missed",
        "found_on": date(2026, 12, 20),
    }
    return [
        Deviation.objects.create(key=f"made-up:{day}", occurred_on=date(2026, 12, day), **shared)
        for day in (1, 2, 3)
    ]


def shown(client: Client, query: str = "") -> str:
    return client.get(LOG + query).content.decode()


def tile(page: str, state: str) -> str:
    start = page.index(f'href="?state={state}"')
    inner = page[start : page.index("</a>", start)].split(">", 1)[1]
    return " ".join(strip_tags(inner.replace("<", " <")).split())


def classified(client: Client, drafts: list[Deviation], **changed: object) -> Any:
    said = {**SAID, "version": drafts[0].version, "one": [one.pk for one in drafts]}
    said |= {f"version-{one.pk}": one.version for one in drafts}
    return client.post(reverse("deviations-classify"), {**said, **changed})


def test_what_has_lapsed_or_was_withdrawn_is_behind_a_filter_and_counted(drafts: list[Deviation]) -> None:
    lapsed, withdrawn, _standing = drafts
    Deviation.objects.filter(pk=lapsed.pk).update(lapsed_on=date(2026, 12, 20), lapsed_because="inside")
    withdraw_deviation(deviation=withdrawn, version=1, by=None, reason="wrong chart", now=NOW)
    client = browser()
    page = shown(client)
    links = [f'href="/deviations/{one.pk}/"' in page for one in drafts]
    assert links == [False, False, True]
    assert [tile(page, state) for state in ("draft", "no-longer-so", "withdrawn")] == [
        "1 Draft",
        "1 No longer so",
        "1 Withdrawn",
    ]
    everything = shown(client, "?state=all")
    assert all(f'href="/deviations/{one.pk}/"' in everything for one in drafts)


def test_one_that_lapsed_after_a_person_described_it_still_needs_somebody(drafts: list[Deviation]) -> None:
    one = drafts[0]
    assess_deviation(deviation=one, version=1, said=FULL, by=None, now=NOW)
    Deviation.objects.filter(pk=one.pk).update(lapsed_on=date(2026, 12, 20), lapsed_because="inside")
    assert f'href="/deviations/{one.pk}/"' in shown(browser())


def test_several_are_classified_at_once(drafts: list[Deviation]) -> None:
    client = browser()
    chosen = drafts[:2]
    form = client.get(reverse("deviations-classify"), {"one": [one.pk for one in chosen]})
    assert form.status_code == 200
    answer = classified(client, chosen)
    assert answer.status_code == 302
    said = Deviation.objects.order_by("pk").values_list("classification", "cause")
    assert list(said) == [("important", "Snow."), ("important", "Snow."), ("", "")]
    assert tile(shown(client), "classified") == "2 Classified: minor 0, important 2"


def test_all_of_them_or_none(drafts: list[Deviation]) -> None:
    """A report before one of them occurred is refused with its day; a slower hand gets nothing lost."""
    client = browser()
    early = classified(client, drafts, reported_to_sponsor_on="2026-12-02")
    assert early.status_code == 422
    assert "2026-12-03" in early.content.decode()
    assert not Deviation.objects.exclude(classification="").exists()
    stale = classified(client, drafts, **{f"version-{drafts[2].pk}": 7})
    assert stale.status_code == 409
    assert "The road was closed." in stale.content.decode()
    assert not Deviation.objects.exclude(classification="").exists()


def test_nobody_classifies_what_they_may_only_read(drafts: list[Deviation]) -> None:
    reader = browser(Role.MONITOR)
    assert "ticked" not in shown(reader)
    assert classified(reader, drafts[:1]).status_code == 403


def test_nothing_ticked_leads_back_to_the_log(drafts: list[Deviation]) -> None:
    client = browser()
    assert client.get(reverse("deviations-classify")).status_code == 302
    assert client.get(reverse("deviations-classify"), {"one": "x"}).status_code == 302
