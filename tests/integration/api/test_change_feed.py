"""The change feed: in the order in which changes became visible, nothing missed, and gone after a restore."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from psycopg.conninfo import make_conninfo

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.models import ChangeEvent, Deviation, ProtocolWindow, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.change_feed import number_all_changes
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import miss_visit
from tests.cast import INFUSION, NOW, a_site, an_enrolment, open_epoch_as_a_restore_does
from tests.integration.api import change_writer
from tests.readers import Ask, problem
from trials.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
FEED = "/api/v1/changes"
A_FEW = 25
PAUSE = 0.05
CHANGES_WRITTEN = int(os.environ.get("DAYZERO_CHANGES", "20000"))
"""By four writers; `make changes` writes a million."""


def beginning(ask: Ask) -> str:
    epoch = ask(FEED).json()["cursor"].split("-")[0]
    return f"{epoch}-0"


def changes(ask: Ask, cursor: str) -> list[dict[str, Any]]:
    """All that follows a cursor."""
    found, more = [], True
    while more:
        page = ask(f"{FEED}?cursor={cursor}&page_size=500").json()
        found += page["results"]
        cursor, more = page["cursor"], page["more"]
    return found


def missed(participant: Participant) -> Visit:
    visit = Visit.objects.filter(participant=participant, opens__lte="2026-11-21", performed_on=None).first()
    assert visit is not None
    return miss_visit(visit=visit, version=visit.version, by=None, reason="Did not come.", now=NOW)


def test_a_reader_follows_from_a_full_read(ask: Ask, participant: Participant) -> None:
    cursor = ask("/api/v1/visits").json()["changes_cursor"]
    assert ask(f"{FEED}?cursor={cursor}").json()["results"] == []
    visit = missed(participant)
    page = ask(f"{FEED}?cursor={cursor}").json()
    assert [(one["record"], one["kind"], one["code"], one["version"]) for one in page["results"]] == [
        ("visit", "missed", visit.code, visit.version),
        ("deviation", "added", str(Deviation.objects.get().pk), 2),
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
    open_epoch_as_a_restore_does()
    wrong = problem(ask(f"{FEED}?cursor={cursor}"))
    assert (wrong["status"], wrong["code"]) == (410, "cursor_gone")
    ahead = ask(FEED).json()["cursor"].split("-")[0] + "-999999"
    assert problem(ask(f"{FEED}?cursor={ahead}"))["status"] == 410, "the record knows nothing of it"


def test_every_record_is_fed_whoever_writes_it(ask: Ask, participant: Participant) -> None:
    """What the trail records of these is in the feed, and stands there as it is now."""
    start, last = ask(FEED).json()["cursor"], AuditEntry.objects.latest("id").pk
    other = enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S01-002"), by=None)
    anchor = RecordedAnchor("infusion", planned_on=INFUSION + timedelta(days=2))
    record_anchor(participant=participant, anchor=anchor, by=None, now=NOW)
    missed(participant)
    Participant.objects.filter(pk=other.pk).update(traits=["female"])
    Anchor.objects.filter(participant=participant, code="infusion").update(planned_at=NOW)
    Deviation.objects.update(description="Described.")
    told = {(one["record"], one["participant"], one["code"]) for one in changes(ask, start)}
    recorded = AuditEntry.objects.filter(id__gt=last).values_list("model", "object_id", "participant_id")
    models = {"participants.anchor": Anchor, "schedules.protocolwindow": ProtocolWindow}
    for model, pk, person in recorded:
        if model in models:
            row = models[model].objects.get(pk=pk)
            record = "anchor" if model.endswith("anchor") else "window"
            assert (record, person, row.code) in told
        elif model == "schedules.deviation":
            assert ("deviation", person, pk) in told
    assert {("participant", other.pk, None), ("anchor", participant.pk, "infusion")} <= told
    assert {record for record, _person, _code in told} == {
        "participant", "visit", "anchor", "window", "deviation",
    }  # fmt: skip


def test_each_change_shows_its_record_as_it_is_now(ask: Ask, participant: Participant) -> None:
    start = ask(FEED).json()["cursor"]
    missed(participant)
    Anchor.objects.filter(participant=participant, code="infusion").update(planned_on=INFUSION)
    Anchor.objects.filter(participant=participant, code="infusion").update(planned_on="2026-12-09")
    Participant.objects.filter(pk=participant.pk).update(traits=["female"])
    Deviation.objects.update(description="Described.")
    ProtocolWindow.objects.filter(participant=participant).update(because="Otherwise.")
    found = changes(ask, start)
    shown = {
        "participant": "subject", "visit": "visit", "anchor": "anchor", "window": "window",
        "deviation": "deviation",
    }  # fmt: skip
    assert {one["record"] for one in found} == set(shown)
    for one in found:
        assert {name for name in shown.values() if one[name] is not None} == {shown[one["record"]]}
    assert [one["anchor"]["planned_on"] for one in found if one["record"] == "anchor"] == ["2026-12-09"]
    assert [one["subject"]["traits"] for one in found if one["record"] == "participant"] == [["female"]]
    assert {one["deviation"]["description"] for one in found if one["record"] == "deviation"} == {
        "Described."
    }


def test_a_version_that_alone_was_raised_is_no_change(ask: Ask, participant: Participant) -> None:
    start = ask(FEED).json()["cursor"]
    Participant.objects.filter(pk=participant.pk).update(version=9)
    ProtocolWindow.objects.update(judge_at=NOW)
    assert changes(ask, start) == []


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


def threads(participant: Participant, rounds: int) -> list[Callable[[], bool]]:
    """Four writers beside the reader; each says whether it still writes."""

    def write(writer: int) -> None:
        try:
            for turn in range(rounds):
                with transaction.atomic():
                    Participant.objects.select_for_update().get(pk=participant.pk) if turn % 2 else None
                    at = NOW + timedelta(weeks=writer, seconds=turn)
                    ChangeEvent.objects.create(kind="moved", participant=participant, at=at)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    return [writer.is_alive for writer in writers]


def processes(participant: Participant, rounds: int) -> list[Callable[[], bool]]:
    """The same, each in a process of its own."""
    of = connection.get_connection_params()
    names = ("dbname", "host", "port", "user", "password")
    address = make_conninfo(**{name: of[name] for name in names if of.get(name)})
    program = [sys.executable, "-m", change_writer.__name__, address, str(participant.pk)]
    running = [
        subprocess.Popen([*program, (NOW + timedelta(weeks=n)).isoformat(), str(rounds)]) for n in range(4)
    ]

    def writes(one: subprocess.Popen[bytes]) -> bool:
        assert one.poll() in (None, 0)
        return one.poll() is None

    return [partial(writes, one) for one in running]


@pytest.mark.parametrize("rounds", [A_FEW, pytest.param(CHANGES_WRITTEN // 4, marks=pytest.mark.long)])
@pytest.mark.django_db(transaction=True)
def test_four_writers_with_open_transactions_lose_nothing(
    participant: Participant, token: str, rounds: int
) -> None:
    """Each writer takes ids in one order and commits in another, while a reader follows the feed."""
    header = {"authorization": f"Bearer {token}"}
    cursor = Client().get(FEED, headers=header).json()["cursor"]
    first = ChangeEvent.objects.count()
    read: list[datetime] = []
    quick = rounds > A_FEW and connection.vendor == "postgresql"
    writers = processes(participant, rounds) if quick else threads(participant, rounds)
    while True:
        alive = any(writer() for writer in writers)
        cache.clear()  # the clock stands still, so what a token asks in a minute would never end
        size = 7 if rounds == A_FEW else 500
        page = Client().get(f"{FEED}?cursor={cursor}&page_size={size}", headers=header).json()
        read += [datetime.fromisoformat(one["at"]) for one in page["results"]]
        cursor = page["cursor"]
        if not alive and not page["more"] and not page["results"]:
            break
        if alive and quick and not page["more"]:
            time.sleep(PAUSE)  # a reader that asks without pause takes the core that the writers need
    assert len(read) == len(set(read)) == ChangeEvent.objects.count() - first == 4 * rounds
    for writer in range(4):
        began = NOW + timedelta(weeks=writer)
        mine = [at for at in read if began <= at < began + timedelta(weeks=1)]
        assert mine == [began + timedelta(seconds=n) for n in range(rounds)], "in the order of their commits"
