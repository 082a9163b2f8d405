"""What the worked client meets: its client made, and writers who go on while it follows.

`python -m tests.production.edc_world client` prints a client id and a secret; `writer SECONDS` books, moves
and misses visits of the demo for so long.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402

from participants.domain.anchors import RecordedAnchor  # noqa: E402
from participants.models import Participant  # noqa: E402
from schedules.domain.visits.values import Booking  # noqa: E402
from schedules.models import Visit  # noqa: E402
from schedules.services.replanning.moves import record_anchor  # noqa: E402
from schedules.services.visits.appointments import book_visit, miss_visit  # noqa: E402
from trials.domain.errors import DomainError  # noqa: E402
from trials.models import ApiAct  # noqa: E402
from trials.selectors.records import protocol_of  # noqa: E402
from trials.services.accounts.clients import ClientTerms, open_client  # noqa: E402


def make_client() -> None:
    """A client that reads and records everywhere."""
    now = timezone.now()
    client, secret = open_client(
        name="edc-live",
        terms=ClientTerms(acts=[ApiAct.READ, ApiAct.VISITS], requests_per_minute=6000),
        today=timezone.localdate(now),
        now=now,
        by=None,
        reason="The EDC.",
    )
    print(client.client_id, secret)


def write(seconds: float) -> None:
    """Book and miss visits, and move planned days, one after the other."""
    ends, draw, written = time.monotonic() + seconds, random.Random(19), 0
    live = list(Visit.objects.filter(performed_on=None, missed_on=None, cancelled_on=None).values_list("pk"))
    people = list(Participant.objects.values_list("pk", flat=True))
    while time.monotonic() < ends:
        now = timezone.now()
        try:
            if draw.random() < 0.2:
                _move(people[draw.randrange(len(people))], draw)
            else:
                _write_one(live[draw.randrange(len(live))][0], draw)
        except DomainError:
            continue  # the record forbids it: another one
        written += 1
        assert now
    print(written)


def _move(pk: int, draw: random.Random) -> None:
    person = Participant.objects.select_related("protocol_version").get(pk=pk)
    code = protocol_of(person.protocol_version).day_zero
    stands = person.anchors.filter(code=code, actual_on=None).first()
    if stands and stands.planned_on:
        day = stands.planned_on + timedelta(days=draw.choice([-1, 1]))
        anchor = RecordedAnchor(code, planned_on=day)
        record_anchor(participant=person, anchor=anchor, now=timezone.now(), by=None)


def _write_one(pk: int, draw: random.Random) -> None:
    related = ("participant__site", "participant__trial", "participant__protocol_version")
    visit = Visit.objects.select_related(*related).get(pk=pk)
    shared = {"visit": visit, "version": visit.version, "by": None, "now": timezone.now()}
    if draw.random() < 0.1:
        miss_visit(**shared, reason="Did not come.")
    else:
        days = (visit.closes - visit.opens).days
        day = visit.opens + timedelta(days=draw.randint(0, max(days, 0)))
        booking = Booking(day, sure=True, anyway=True)
        book_visit(**shared, booking=booking, reason="As agreed.")


if __name__ == "__main__":
    make_client() if sys.argv[1] == "client" else write(float(sys.argv[2]))
