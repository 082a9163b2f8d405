"""What pages, endpoints and the API read: `python -m tests.bench.web [--large]`, for PostgreSQL.

Two sizes are filled one after the other, a tenth and the whole (1,000 and 10,000 participants with 30 visits
each; with `--large` 10,000 and 100,000), spread over sites of 200 people. Every address is asked as the
coordinator of one site and as somebody who sees everything. Printed: statements, milliseconds in the
database, 8 KB pages that the statements touched (EXPLAIN ANALYZE, BUFFERS), the slowest statement, the size,
and growth from a tenth to the whole. Nothing is asserted: a figure belongs to its machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

import time_machine  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from participants.models import Participant  # noqa: E402
from schedules.models import Visit  # noqa: E402
from tests.bench.sweep import fill  # noqa: E402
from tests.cast import NOW, TODAY  # noqa: E402
from tests.plans import plan_of, reads  # noqa: E402
from trials.models import Site, Trial, TrialSite, User  # noqa: E402
from trials.services.accounts.memberships import grant_membership  # noqa: E402

FEW, MANY, LARGE = 1_000, 10_000, 100_000
AT_A_SITE = 200
ROUNDS = 5
MOST_GROWTH, MOST_STATEMENTS, MOST_MS = 1.3, 50, 50.0
HEAD = "  {:<34} {:<9} {:>7} {:>8} {:>8} {:>9} {:>6} {:>6}".format(
    "page", "seen by", "queries", "db ms", "slowest", "8KB read", "KB", "grows"
)


@dataclass
class Reading:
    """What one request read."""

    statements: int = 0
    seconds: list[float] = field(default_factory=list)
    slowest: float = 0.0
    buffers: int = 0
    size: int = 0

    @property
    def milliseconds(self) -> float:
        return median(self.seconds) * 1000


def main() -> None:
    """Print a line for every page and reader; then how it grew."""
    most = LARGE if "--large" in sys.argv else MANY
    before: dict[tuple[str, str], Reading] = {}
    print(HEAD, flush=True)
    for participants in (most // 10, most):
        print(f"  -- {participants:,} participants", flush=True)
        with a_database_of(participants) as addresses:
            for key, reading in readings(addresses):
                print(line(key, reading, before.get(key)), flush=True)
                before.setdefault(key, reading)


def line(key: tuple[str, str], reading: Reading, before: Reading | None) -> str:
    """One line of the table, with what is over its aim marked."""
    grown = reading.milliseconds / max(before.milliseconds, 0.5) if before else None
    over = (
        (reading.statements > MOST_STATEMENTS)
        or (reading.slowest * 1000 > MOST_MS)
        or (grown is not None and grown > MOST_GROWTH)
    )
    growth = f"{grown:5.1f}x" if grown is not None else ""
    return (
        f"  {key[0]:<34} {key[1]:<9} {reading.statements:>7} {reading.milliseconds:>8.1f} "
        f"{reading.slowest * 1000:>8.1f} {reading.buffers:>9,} {reading.size / 1024:>6.0f} {growth:>6}"
        f"{'  OVER' if over else ''}"
    )


@contextmanager
def a_database_of(participants: int) -> Iterator[Mapping[str, str]]:
    """A database of so many participants over sites of 200; the addresses that are asked."""
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with time_machine.travel(NOW, tick=True):
            fill(participants)
            spread(participants)
            yield addresses_of()
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def spread(participants: int) -> None:
    """Two hundred people a site, by whom each page is read: a coordinator, and somebody who sees all."""
    first, trial = Site.objects.get(), Trial.objects.get()
    places = [first.pk]
    for number in range(1, participants // AT_A_SITE):
        site = Site.objects.create(code=f"P{number:03}", name=f"Place {number:03}", zone=first.zone)
        TrialSite.objects.create(trial=trial, site=site)
        places.append(site.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        move = "UPDATE participants_participant SET site_id = (%s::bigint[])[1 + id %% %s]"
        cursor.execute(move, [places, len(places)])
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM (FULL, ANALYZE)")  # moved rows leave holes that no real table has
        cursor.execute("VACUUM")  # and a table written anew has not the map by which an index is read alone
    for name, where in (("one site", {"site": first}), ("all", {})):
        user = User.objects.create_user(name)
        for role in ("coordinator", "monitor"):
            grant_membership(user=user, role=role, starts_on=TODAY, by=None, **where)


def addresses_of() -> dict[str, str]:
    """What is asked, by what it is called; a participant and a visit in sight of both readers."""
    site, trial = Site.objects.order_by("pk").first(), Trial.objects.get()
    assert site is not None
    person = Participant.objects.filter(site=site).order_by("pk").first()
    assert person is not None
    visit = Visit.objects.filter(participant=person).order_by("pk").first()
    assert visit is not None
    asked = {
        name: reverse(name)
        for name in ("today", "participants", "flags", "deviations", "forecast", "trail", "sites", "trials")
    }
    asked |= {name: reverse(name) for name in ("screening-log", "enrolment-log", "boards", "consents")}
    of_person = ("participant", "readiness", "facts", "course", "day-zero")
    asked |= {name: reverse(name, args=[person.pk]) for name in of_person}
    asked |= {"visit": reverse("visit", args=[visit.pk]), "trial": reverse("trial", args=[trial.pk])}
    asked |= {"trail, searched": f"{reverse('trail')}?text=S01-7"}
    api = reverse("api-visits")
    asked |= {"API visits": api, "API visits, to record": f"{api}?appointment=to-record"}
    return asked


def readings(addresses: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], Reading]]:
    """What each address read, for each reader."""
    for reader in ("one site", "all"):
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(username=reader))
        for name, address in addresses.items():
            yield (name, reader), read(client, address)


def read(client: Client, address: str) -> Reading:
    """Ask a few times and keep the median; then explain each statement once."""
    reading = Reading()
    client.get(address)
    asked: list[tuple[str, Any]] = []
    for _ in range(ROUNDS):
        asked.clear()
        taken: list[float] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            start = perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                taken.append(perf_counter() - start)  # noqa: B023  called in this round
                asked.append((sql, params))

        with connection.execute_wrapper(watch):
            answer = client.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        reading.seconds.append(sum(taken))
        reading.slowest = max(taken, default=0.0)
        reading.statements, reading.size = len(taken), len(body)
        if answer.status_code >= 400:
            print(f"  {address} answered {answer.status_code}", flush=True)
    for sql, params in asked:
        if reads(sql):
            plan = plan_of(sql, params, "ANALYZE, BUFFERS")
            reading.buffers += int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return reading


if __name__ == "__main__":
    main()
