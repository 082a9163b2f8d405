"""Four writers re-plan while one reader pages everything: nothing is missed, and nothing comes twice."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.models import Visit
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.replanning.moves import record_anchor
from tests.cast import INFUSION, NOW, an_enrolment
from trials.domain.errors import DomainError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("frozen"), pytest.mark.long]
PEOPLE = int(os.environ.get("DAYZERO_READ_PEOPLE", "40"))
ROUNDS = int(os.environ.get("DAYZERO_READ_ROUNDS", "3"))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one write at a time")
def test_a_full_read_misses_nothing_and_doubles_nothing(participant: Participant, token: str) -> None:
    version = participant.protocol_version
    bulk_enrol(
        enrolments=[an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, PEOPLE + 1)], by=None
    )
    people = list(Participant.objects.order_by("pk"))
    stop, moved, broke = threading.Event(), [0] * 4, []

    def write(writer: int) -> None:
        try:
            turn = 0
            while not stop.is_set():
                person = people[(turn * 4 + writer) % len(people)]
                day = INFUSION + timedelta(days=7 * (1 + turn % 3))
                try:
                    anchor = RecordedAnchor("infusion", planned_on=day)
                    record_anchor(participant=person, anchor=anchor, by=None, now=NOW)
                    moved[writer] += 1
                except DomainError:
                    pass  # the record forbids that day: another one
                turn += 1
        except BaseException as error:  # what ends a writer ends the test
            broke.append(error)
            raise
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    before = set(Visit.objects.values_list("pk", flat=True))
    for writer in writers:
        writer.start()
    reads = []
    try:
        for _round in range(ROUNDS):
            found, address = [], "/api/v1/visits?page_size=17&fields=id"
            while address:
                cache.clear()
                page = Client().get(address, headers={"authorization": f"Bearer {token}"}).json()
                found += [one["id"] for one in page["results"]]
                address = page["next"]
            reads.append(found)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert not broke
    for found in reads:
        assert len(found) == len(set(found)), "nothing twice"
        assert before <= set(found), "nothing missed"
    assert sum(moved) > 0
    print(
        f"{len(reads)} reads of {len(before)} visits while {sum(moved)} calendars moved: none missed or twice"
    )
