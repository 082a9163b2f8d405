"""The change feed: in the order in which changes became visible, nothing missed, and gone after a restore."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from participants.models import Participant
from schedules.models import ChangeEvent, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.change_feed import number_all_changes
from schedules.services.visits.appointments import miss_visit
from tests.cast import NOW, a_site, an_enrolment
from tests.readers import Ask, problem
from trials.models import AuditEpoch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
FEED = "/api/v1/changes"


def beginning(ask: Ask) -> str:
    epoch = ask(FEED).json()["cursor"].split("-")[0]
    return f"{epoch}-0"


def missed(participant: Participant) -> Visit:
    visit = Visit.objects.filter(participant=participant, opens__lte="2026-11-21", performed_on=None).first()
    assert visit is not None
    return miss_visit(visit=visit, version=visit.version, by=None, reason="Did not come.", now=NOW)


def test_a_reader_follows_from_a_full_read(ask: Ask, participant: Participant) -> None:
    cursor = ask("/api/v1/visits").json()["changes_cursor"]
    assert ask(f"{FEED}?cursor={cursor}").json()["results"] == []
    visit = missed(participant)
    page = ask(f"{FEED}?cursor={cursor}").json()
    assert [(one["kind"], one["code"], one["version"]) for one in page["results"]] == [
        ("missed", visit.code, visit.version)
    ]
    assert page["results"][0]["visit"]["missed_on"] == "2026-11-21"
    assert ask(f"{FEED}?cursor={page['cursor']}").json()["results"] == []


def test_pages_hold_every_change_once_and_in_order(ask: Ask, participant: Participant, many: int) -> None:
    ChangeEvent.objects.bulk_create(
        ChangeEvent(kind="moved", participant=participant, visit=visit)
        for visit in Visit.objects.filter(participant=participant)
    )
    cursor, read = beginning(ask), []
    while True:
        page = ask(f"{FEED}?cursor={cursor}&page_size=3").json()
        read += [one["number"] for one in page["results"]]
        cursor = page["cursor"]
        if not page["more"]:
            break
    number_all_changes()
    assert read == sorted(ChangeEvent.objects.values_list("number", flat=True))
    assert len(read) == ChangeEvent.objects.count()


def test_what_is_out_of_sight_is_not_in_the_feed(ask: Ask, participant: Participant) -> None:
    elsewhere = an_enrolment(participant.protocol_version, subject_code="S02-001", site=a_site("BJ"))
    there = enrol(enrolment=elsewhere, by=None)
    ChangeEvent.objects.create(kind="moved", participant=there)
    page = ask(f"{FEED}?cursor={beginning(ask)}").json()
    assert {one["site"] for one in page["results"]} <= {"WH"}
    assert page["cursor"].endswith(f"-{ChangeEvent.objects.count()}"), "what others see is passed by"


def test_a_cursor_from_before_a_restore_is_gone(ask: Ask, participant: Participant) -> None:
    cursor = ask(FEED).json()["cursor"]
    AuditEpoch.objects.create(number=1, after=0, reason="A backup was restored.", opened_at=NOW)
    wrong = problem(ask(f"{FEED}?cursor={cursor}"))
    assert (wrong["status"], wrong["code"]) == (410, "cursor_gone")
    ahead = ask(FEED).json()["cursor"].split("-")[0] + "-999999"
    assert problem(ask(f"{FEED}?cursor={ahead}"))["status"] == 410, "the record knows nothing of it"


@pytest.mark.parametrize(
    "query", ["cursor=abc", "cursor=", "wait=21", "wait=-1", "page_size=0", "colour=red"]
)
def test_what_cannot_be_asked_is_refused(ask: Ask, query: str) -> None:
    assert problem(ask(f"{FEED}?{query}"))["status"] == 400


def test_queries_do_not_grow_with_the_page(
    ask: Ask, participant: Participant, many: int, django_assert_max_num_queries
) -> None:
    ChangeEvent.objects.bulk_create(
        ChangeEvent(kind="moved", participant=visit.participant, visit=visit) for visit in Visit.objects.all()
    )
    number_all_changes()
    start = beginning(ask)
    with django_assert_max_num_queries(20):
        ask(f"{FEED}?cursor={start}&page_size=10")
    with django_assert_max_num_queries(20):
        assert len(ask(f"{FEED}?cursor={start}&page_size=300").json()["results"]) > 50


@pytest.mark.django_db(transaction=True)
def test_four_writers_with_open_transactions_lose_nothing(participant: Participant, token: str) -> None:
    """Each writer takes ids in one order and commits in another, while a reader follows the feed."""
    header = {"authorization": f"Bearer {token}"}
    cursor = Client().get(FEED, headers=header).json()["cursor"]
    first = ChangeEvent.objects.count()
    stop, read = threading.Event(), []
    rounds = 25

    def write(writer: int) -> None:
        try:
            for turn in range(rounds):
                with transaction.atomic():
                    Participant.objects.select_for_update().get(pk=participant.pk) if turn % 2 else None
                    at = NOW + timedelta(hours=writer, seconds=turn)
                    ChangeEvent.objects.create(kind="moved", participant=participant, at=at)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    while not stop.is_set():
        alive = any(writer.is_alive() for writer in writers)
        page = Client().get(f"{FEED}?cursor={cursor}&page_size=7", headers=header).json()
        read += [datetime.fromisoformat(one["at"]) for one in page["results"]]
        cursor = page["cursor"]
        if not alive and not page["results"] and len(read) >= 4 * rounds:
            stop.set()
        if not alive and not page["more"] and not page["results"]:
            stop.set()
    assert len(read) == len(set(read)) == ChangeEvent.objects.count() - first == 4 * rounds
    for writer in range(4):
        began = NOW + timedelta(hours=writer)
        mine = [at for at in read if began <= at < began + timedelta(hours=1)]
        assert mine == [began + timedelta(seconds=n) for n in range(rounds)], "in the order of their commits"
