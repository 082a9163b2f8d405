"""The five trials read again: each second edition brought to participants as an amendment."""

from __future__ import annotations

from datetime import date

import pytest

from participants.models import Participant
from schedules.domain.replanning.amendments import Outcome
from schedules.models import AmendmentStep, ProtocolWindow, Visit
from schedules.services.demo.loading import newer_editions
from schedules.services.replanning.amendments import advance_amendments
from tests.cast import a_site, a_version, an_approval, document
from tests.integration.replanning.amendments.conftest import NOW, amendment, shown, somebody, started
from trials.formats.protocols import library

pytestmark = pytest.mark.django_db

# trial, windows that somebody without any trait keeps no more, and those that come
CASES = [
    ("NCT07193667", {"contraception"}, set()),
    ("NCT07274059", {"contraception"}, set()),
    ("NCT07339332", set(), set()),
    ("NCT07331467", {"contraception"}, set()),
    ("NCT07233642", {"contraception"}, set()),
]


def windows(person: Participant) -> set[str]:
    return set(
        ProtocolWindow.objects.filter(participant=person, cancelled_on=None).values_list("code", flat=True)
    )


@pytest.mark.parametrize(("code", "gone", "new"), CASES)
def test_a_second_edition_is_shown_and_brought_to_participants(
    code: str, gone: set[str], new: set[str]
) -> None:
    site = a_site("WH")
    first, second = (a_version(text=document(name)) for name in library.editions(code))
    person = somebody(first, site, "S01-001")
    an_approval(site, second)
    before, done = windows(person), set(Visit.objects.values_list("code", "opens", "target", "closes"))
    (one,) = shown(amendment(first, second, site)).prospects
    assert one.outcome is Outcome.READY
    assert windows(person) == before, "a dry run writes nothing"
    started(amendment(first, second, site))
    advance_amendments(now=NOW)
    assert AmendmentStep.objects.get().outcome == "done"
    assert (before - windows(person), windows(person) - before) == (gone, new)
    assert set(Visit.objects.values_list("code", "opens", "target", "closes")) == done, "no date moves"
    label = Visit.objects.get(code="d28").label if code != "NCT07331467" else None
    assert label is None or label.zh == "第28天"
    assert Visit.objects.get(code="d0").performed_on in (None, date(2026, 12, 7))


def test_a_database_from_before_is_told_of_newer_documents() -> None:
    assert newer_editions() == []
    a_version("NCT07193667")
    assert newer_editions() == ["NCT07193667@2025-09-26.2"]
    a_version(text=document("NCT07193667@2025-09-26.2"))
    assert newer_editions() == []
