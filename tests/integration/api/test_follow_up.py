"""Deviations and flags as machines read them: in sight, by id, in codes and in words."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.models import Deviation, Flag
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, an_enrolment
from tests.readers import Ask, all_pages, problem
from trials.keyset import write_cursor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
ADDRESSES = ["/api/v1/deviations", "/api/v1/flags"]


def _some(participant: Participant, count: int, name: str = "made-up") -> None:
    """So many deviations and flags of somebody, with the visit that each is about."""
    visit = participant.visits.order_by("pk").first()
    Flag.objects.filter(participant=participant).delete()
    for n in range(count):
        Deviation.objects.create(
            participant=participant,
            protocol_version=participant.protocol_version,
            visit=visit,
            key=f"{name}:{n}",
            kind="missed",
            found_on=TODAY,
            occurred_on=TODAY,
        )
        Flag.objects.create(
            participant=participant,
            visit=visit,
            key=f"{name}:{n}",
            kind="start",
            severity="warning",
            message="Start",
            raised_at=NOW,
        )


@pytest.fixture
def elsewhere(participant: Participant) -> Participant:
    """Somebody at a site where the reader holds no role."""
    there = an_enrolment(participant.protocol_version, site=a_site("BJ"), subject_code="S02-001")
    return enrol(enrolment=there, by=None)


@pytest.mark.parametrize("address", ADDRESSES)
def test_only_rows_in_sight_come_each_once_by_id(
    ask: Ask, participant: Participant, elsewhere: Participant, address: str
) -> None:
    _some(participant, 5)
    _some(elsewhere, 2, "theirs")
    found = all_pages(ask, f"{address}?page_size=2&participant={participant.pk}&site=WH&site=WH")
    assert [one["id"] for one in found] == sorted(one["id"] for one in found)
    assert len(found) == 5
    assert {one["subject_code"] for one in all_pages(ask, address)} == {participant.subject_code}
    wrong = problem(ask(f"{address}?participant={participant.pk}&participant={elsewhere.pk}"))
    assert (wrong["status"], wrong["attr"]) == (400, "participant")
    assert str(elsewhere.pk) in wrong["detail"]
    assert problem(ask(f"{address}?site=WH&site=BJ"))["attr"] == "site"


def test_codes_stay_and_words_follow_the_language_of_the_client(ask: Ask, participant: Participant) -> None:
    _some(participant, 1)
    (english,) = ask(ADDRESSES[0]).json()["results"]
    (chinese,) = ask(ADDRESSES[0], **{"accept-language": "zh-hans"}).json()["results"]
    assert (english["kind"], english["state"], english["classification"]) == ("missed", "draft", None)
    assert (english["kind_said"], chinese["kind"]) == ("Visit missed", "missed")
    assert chinese["kind_said"] != english["kind_said"]
    (flag,) = ask(ADDRESSES[1]).json()["results"]
    assert (flag["kind"], flag["severity"], flag["cleared_at"]) == ("start", "warning", None)


@pytest.mark.parametrize("address", ADDRESSES)
def test_queries_do_not_grow_with_rows(ask: Ask, participant: Participant, many: int, address: str) -> None:
    _some(participant, 1)
    ask(address)
    with CaptureQueriesContext(connection) as few:
        ask(address)
    for person in Participant.objects.all():
        _some(person, 4, f"more-{person.pk}")
    with CaptureQueriesContext(connection) as more:
        assert len(ask(address).json()["results"]) > 20
    assert len(more) == len(few)
    assert all('"document"' not in query["sql"] for query in more)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "query", ["colour=red", "page_size=0", "page_size=1&page_size=2", "participant=0", "trial=None", "site="]
)
def test_what_cannot_be_asked_is_refused(ask: Ask, address: str, query: str) -> None:
    assert problem(ask(f"{address}?{query}"))["status"] == 400
    wrong = problem(ask(f"{address}?cursor={write_cursor((date(2026, 12, 7), 1))}"))
    assert (wrong["status"], wrong["attr"]) == (400, "cursor")
