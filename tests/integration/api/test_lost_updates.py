"""Four programs write the same visits at once: nothing is lost, and a planted loss is found."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from participants.models import Participant
from schedules.models import Visit
from schedules.services.exchange import reports
from schedules.services.store.visit_writing import lock_participant
from schedules.services.visits import appointments
from tests.cast import TODAY
from tests.integration.api.histories import Write, lost_updates
from trials.models import ApiAct, AuditEntry, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("frozen")]
ROUNDS = 6


def history_of(person: Participant, edc: User) -> list[Write]:
    """Let four programs book two visits again and again, each on the version that it read."""
    token = issue_api_token(user=edc, name="EDC", scope=TokenScope(acts=ApiAct.values))[1]
    header = {"authorization": f"Bearer {token}"}
    visits = list(Visit.objects.filter(participant=person, opens__gt=TODAY).order_by("-target")[:2])
    taken: list[Write] = []
    together = threading.Barrier(4)

    def write(name: str) -> None:
        draw, client = random.Random(name), Client()
        try:
            for turn in range(ROUNDS):
                visit = visits[turn % len(visits)]
                address = f"/api/v1/visits/{visit.pk}"
                read = client.get(address, headers=header).json()
                together.wait(30)
                day = visit.opens + timedelta(days=draw.randrange((visit.closes - visit.opens).days + 1))
                place = f"Room {name} {turn}"
                booking = {"booked": {"on": day.isoformat(), "place": place, "sure": True, "anyway": True}}
                answer: Any = client.patch(
                    address,
                    {**booking, "reason": "As agreed."},
                    content_type="application/json",
                    headers={**header, "if-match": f'"{read["version"]}"'},
                )
                if answer.status_code == 200:
                    taken.append(Write(name, visit.pk, read["version"], answer.json()["version"]))
                else:
                    assert answer.status_code in {400, 412}, answer.content
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return taken


def test_of_four_writers_nobody_writes_over_another_unseen(participant: Participant, edc: User) -> None:
    taken = history_of(participant, edc)
    assert taken
    assert lost_updates(taken) == []
    booked = AuditEntry.objects.filter(model="schedules.visit", action="change", cause__contains="api-visit")
    assert booked.count() == len(taken), "each that was taken stands in the trail, and no other"


def test_a_planted_loss_is_found(
    participant: Participant, edc: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it would be if the version that was named were not compared."""
    real = appointments.lock_visit

    def unasked(pk: int, person: int, _version: int) -> Visit:
        lock_participant(person)
        return real(pk, person, Visit.objects.get(pk=pk).version)

    for service in (appointments, reports):
        monkeypatch.setattr(service, "lock_visit", unasked)
    told = reports.report_visit

    def blind(**given: Any) -> Visit:
        return told(**{**given, "version": given["visit"].version})

    monkeypatch.setattr("schedules.api.visit_reports.report_visit", blind)
    assert lost_updates(history_of(participant, edc))


@pytest.mark.parametrize(
    ("history", "count"),
    [
        ([Write("a", 1, 1, 2), Write("b", 1, 2, 3)], 0),
        ([Write("a", 1, 1, 2), Write("b", 1, 1, 3)], 2),
        ([Write("a", 1, 1, 2), Write("b", 2, 1, 2)], 0),
        ([Write("a", 1, 3, 4), Write("b", 1, 2, 5)], 1),
    ],
)
def test_the_checker_finds_what_it_should(history: list[Write], count: int) -> None:
    assert len(lost_updates(history)) == count
