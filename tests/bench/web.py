"""What pages, endpoints and the API read: `python -m tests.bench.web [--large]`, for PostgreSQL.

Two sizes are filled one after the other, a tenth and the whole (1,000 and 10,000 participants with 30 visits
each; with `--large` 10,000 and 100,000), spread over sites of 200 people (`tests/bench/places.py`). Every
address is asked as the coordinator of one site, whose people are the same in both, and as somebody who sees
everything. Printed: statements, milliseconds of the whole answer (the quickest of five) and in the database,
the slowest statement, 8 KB pages that the statements touched (EXPLAIN ANALYZE, BUFFERS), the size, and growth
from a tenth to the whole: of the answer's time (*slower*), of the pages touched (*reads*). Nothing is
asserted: a figure belongs to its machine.

With `--keep` both databases stay on the server that DAYZERO_TEST_POSTGRES_URL names, migrated again next
time; other words are names of what is asked: `python -m tests.bench.web --keep today "API visits"`.
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
from schedules.domain.visits.status import WindowPosition  # noqa: E402
from schedules.models import Visit  # noqa: E402
from tests.bench.places import fill_places  # noqa: E402
from tests.cast import NOW, TODAY  # noqa: E402
from tests.plans import plan_of, reads  # noqa: E402
from trials.models import Site, User  # noqa: E402
from trials.services.accounts.memberships import grant_membership  # noqa: E402

FEW, MANY, LARGE = 1_000, 10_000, 100_000
ROUNDS, ENOUGH = 5, 3.0
"""So often each is asked, and no more once that took so many seconds in the database."""
SINCE = ("2020-01-01", "2026-11-01")
MOST_GROWTH, MOST_STATEMENTS, MOST_MS = 1.3, 50, 50.0
HEAD = "  {:<34} {:<9} {:>7} {:>8} {:>8} {:>8} {:>9} {:>6} {:>7} {:>6}".format(
    "page", "seen by", "queries", "answer", "db ms", "slowest", "8KB read", "KB", "slower", "reads"
)


@dataclass
class Reading:
    """What one request read."""

    statements: int = 0
    seconds: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    slowest: float = 0.0
    buffers: int = 0
    size: int = 0

    @property
    def milliseconds(self) -> float:
        return median(self.seconds) * 1000

    @property
    def answer(self) -> float:
        """Milliseconds of the whole answer, of the quickest: other work held it up least."""
        return min(self.answers) * 1000


def main() -> None:
    """Print a line for every page and reader; then how it grew."""
    if connection.vendor != "postgresql":
        sys.exit("Only PostgreSQL says what it has read: set DAYZERO_TEST_DATABASE=postgres.")
    most = LARGE if "--large" in sys.argv else MANY
    names = [one for one in sys.argv[1:] if not one.startswith("--")]
    before: dict[tuple[str, str], Reading] = {}
    print(HEAD, flush=True)
    for participants in (most // 10, most):
        began = perf_counter()
        with a_database_of(participants, most // 10, keep="--keep" in sys.argv) as addresses:
            print(f"  -- {participants:,} participants ({perf_counter() - began:.0f} s to make)", flush=True)
            asked = {name: address for name, address in addresses.items() if not names or name in names}
            if not before:
                _look_up()
            for key, reading in readings(asked):
                print(line(key, reading, before.get(key)), flush=True)
                before.setdefault(key, reading)


def line(key: tuple[str, str], reading: Reading, before: Reading | None) -> str:
    """One line of the table, with what is over its aim marked."""
    reads_more = reading.buffers / max(before.buffers, 1) if before else None
    slower = reading.answer / before.answer if before else None
    over = {
        "statements": reading.statements > MOST_STATEMENTS,
        "one statement": reading.slowest * 1000 > MOST_MS,
        "slower": slower is not None and slower > MOST_GROWTH,
        "reads": reads_more is not None and reads_more > MOST_GROWTH,
    }
    said = ", ".join(what for what, is_over in over.items() if is_over)
    growth = " ".join(f"{one:5.1f}x" if one is not None else "      " for one in (slower, reads_more))
    return (
        f"  {key[0]:<34} {key[1]:<9} {reading.statements:>7} {reading.answer:>8.1f} "
        f"{reading.milliseconds:>8.1f} {reading.slowest * 1000:>8.1f} {reading.buffers:>9,} "
        f"{reading.size / 1024:>6.0f}  {growth}{f'  OVER: {said}' if said else ''}"
    )


@contextmanager
def a_database_of(participants: int, block: int, *, keep: bool = False) -> Iterator[Mapping[str, str]]:
    """A database of so many participants over sites of 200; the addresses that are asked."""
    name = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = f"bench_{participants}_in_{block}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=keep)
    try:
        with time_machine.travel(NOW, tick=True):
            if Participant.objects.exists() and not User.objects.filter(username="all").exists():
                connection.close()  # it was broken off
                connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            if not Participant.objects.exists():
                fill_places(participants, block)
                make_readers()
            yield addresses_of()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0, keepdb=keep)


def _look_up() -> None:
    """Let a small table not be read whole where the tenfold is looked up: that is no growth of the query."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")


def make_readers() -> None:
    """By whom each page is read: a coordinator of the first site, and somebody who sees all."""
    for name, where in (("one site", {"site": Site.objects.order_by("pk")[0]}), ("all", {})):
        user = User.objects.create_user(name)
        for role in ("coordinator", "monitor"):
            grant_membership(user=user, role=role, starts_on=TODAY, by=None, **where)


def addresses_of() -> dict[str, str]:
    """What is asked, by what it is called; a participant and a visit in sight of both readers."""
    site = Site.objects.order_by("pk")[0]
    # somebody whose day zero is to come, for whom gates and a day are looked for
    ahead = Participant.objects.filter(site=site, anchors__code="infusion", anchors__actual_on=None)
    person = ahead.order_by("pk")[0]
    trial = person.trial
    visit = Visit.objects.filter(participant=person).order_by("pk").first()
    assert visit is not None
    asked = {
        name: reverse(name)
        for name in ("today", "participants", "flags", "deviations", "forecast", "trail", "sites", "trials")
    }
    asked |= {"calendar": reverse("calendar"), "board": reverse("board", args=[trial.code])}
    asked |= {name: reverse(name) for name in ("screening-log", "enrolment-log", "boards", "consents")}
    of_person = ("participant", "readiness", "facts", "course", "day-zero")
    asked |= {name: reverse(name, args=[person.pk]) for name in of_person}
    asked |= {"visit": reverse("visit", args=[visit.pk]), "trial": reverse("trial", args=[trial.pk])}
    asked |= {"trail, searched": f"{reverse('trail')}?text=S01-7"}
    api = reverse("api-visits")
    asked |= {"API visits": api, "API visits, to record": f"{api}?appointment=to-record"}
    asked |= {f"API visits, {one.value}": f"{api}?window={one.value}" for one in WindowPosition}
    asked |= {"API visits, missed": f"{api}?appointment=missed"}
    asked |= {f"API visits, {one}": f"{api}?edc_status={one}" for one in ("stopped", "skipped")}
    asked |= {f"API visits since {day}": f"{api}?changed_since={day}T00:00:00Z" for day in SINCE}
    others = (
        "participants",
        "flags",
        "deviations",
        "all-facts",
        "all-anchors",
        "protocol-windows",
        "changes",
    )
    asked |= {f"API {one}": reverse(f"api-{one}") for one in others}
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
        if sum(reading.seconds) > ENOUGH:
            break
        asked.clear()
        taken: list[float] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            start = perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                taken.append(perf_counter() - start)  # noqa: B023  called in this round
                asked.append((sql, params))

        began = perf_counter()
        with connection.execute_wrapper(watch):
            answer = client.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        reading.answers.append(perf_counter() - began)
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
