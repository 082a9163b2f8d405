"""Re-planning a thousand participants against one bare UPDATE of the same rows, and against bulk_update.

Run for PostgreSQL in a process of its own: `python -m tests.bench.replanning`.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from statistics import median
from time import perf_counter

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from participants.domain.anchors import RecordedAnchor  # noqa: E402
from participants.models import Participant  # noqa: E402
from schedules.models import Visit  # noqa: E402
from schedules.services.bulk import bulk_enrol  # noqa: E402
from schedules.services.replanning import Proposal, preview_replanning, replan_many  # noqa: E402
from tests.bench.enrolment import cast_of, rolled_back, timed  # noqa: E402
from tests.bench.measuring import Comparison  # noqa: E402
from tests.cast import INFUSION, NOW  # noqa: E402

PARTICIPANTS, VISITS, ROUNDS = 1_000, 20, 3
SLOWER, FASTER = 5.0, 20.0
SAMPLE = 20
LATER = timedelta(days=2)
COLUMNS = ("opens", "target", "closes")


def main() -> None:
    """Print the measures of the database that the environment names."""
    connection.creation.create_test_db(verbosity=0)
    try:
        ids = bulk_enrol(enrolments=cast_of(PARTICIPANTS, VISITS), by=None)
        for comparison in compare(ids):
            print(comparison)
        with CaptureQueriesContext(connection) as captured:
            preview_replanning(
                participant=Participant.objects.get(pk=ids[0]), proposal=_proposal(INFUSION), now=NOW
            )
        print(f"  {'preview of one participant':<58} {len(captured):6d} queries")
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def compare(ids: list[int]) -> list[Comparison]:
    """All ways in turns, each in a transaction that is rolled back."""
    ours: list[float] = []
    bare: list[float] = []
    loop: list[float] = []
    proposals = {pk: _proposal(INFUSION + LATER + timedelta(days=n % 730)) for n, pk in enumerate(ids)}
    for _ in range(ROUNDS):
        with rolled_back(), timed(ours):
            replan_many(ids=ids, proposals=proposals, now=NOW, by=None, reason="bench")
        with rolled_back(), without_triggers(), timed(bare):
            _update_plainly()
        loop.append(_bulk_update(ids[:SAMPLE]) * len(ids) / SAMPLE)
    what = f"re-plan {PARTICIPANTS:,} x {VISITS} visits against one bare UPDATE"
    slow = f"bulk_update of the same rows (from {SAMPLE} participants) against re-planning"
    return [
        Comparison(what, median(ours), median(bare), at_most=SLOWER),
        Comparison(slow, median(loop), median(ours), remark=f"aim: at least {FASTER:g}x"),
    ]


def _proposal(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})


class without_triggers:  # noqa: N801  reads as a statement
    """The bare UPDATE keeps no history."""

    def __enter__(self) -> None:
        self._run("DISABLE")

    def __exit__(self, *_: object) -> None:
        self._run("ENABLE")

    def _run(self, what: str) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute(f"ALTER TABLE schedules_visit {what} TRIGGER USER")


def _update_plainly() -> None:
    sets = ", ".join(f"{column} = {column} + 2" for column in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE schedules_visit SET {sets}")


def _bulk_update(ids: list[int]) -> float:
    """The seconds of reading, moving and bulk_update-ing the visits of these participants."""
    with rolled_back():
        start = perf_counter()
        for pk in ids:
            visits = list(Visit.objects.filter(participant=pk))
            for visit in visits:
                for column in COLUMNS:
                    setattr(visit, column, getattr(visit, column) + LATER)
            Visit.objects.bulk_update(visits, COLUMNS)
        return perf_counter() - start


if __name__ == "__main__":
    main()
