"""Re-planning a thousand participants against one bare UPDATE of the same rows, and against bulk_update.

Run in a process of its own, with DAYZERO_TEST_DATABASE=postgres: `python -m tests.bench.replanning`.
Every round is rolled back. The bare UPDATE keeps no history, raises no revision and tells nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from statistics import median
from time import perf_counter

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.apps import apps  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from participants.domain.anchors import RecordedAnchor  # noqa: E402
from participants.models import Participant  # noqa: E402
from schedules.models import Visit  # noqa: E402
from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from schedules.services.replanning.moves import Proposal, preview_replanning, replan_many  # noqa: E402
from tests.bench.enrolment import cast_of, rolled_back, timed  # noqa: E402
from tests.bench.measuring import Comparison  # noqa: E402
from tests.cast import INFUSION, NOW  # noqa: E402
from trials.audit.fed import MODELS  # noqa: E402

PARTICIPANTS, VISITS, ROUNDS = 1_000, 20, 5
SLOWER, FASTER = 5.0, 20.0
SAMPLE = 25
FED = tuple(apps.get_model(name)._meta.db_table for name in MODELS)
"""The tables whose triggers tell readers of the change feed."""
LATER = timedelta(days=2)
DAYS = ("anchor_on", "opens", "target", "closes", "suggested")
COLUMNS = (*DAYS, "why_shifted", "version", "sequence", "changed_at")
"""What a re-planning writes of a visit."""


def main() -> None:
    """Print the measures of the database that the environment names."""
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        ids = bulk_enrol(enrolments=cast_of(PARTICIPANTS, VISITS), by=None)
        for comparison in compare(ids):
            print(comparison, flush=True)
        print(f"  {'preview of one participant of 20 visits':<58} {_queries(ids[0]):6d} queries")
        (longer,) = bulk_enrol(enrolments=[replace(*cast_of(1, 40), subject_code="S02-00001")], by=None)
        print(f"  {'preview of one participant of 40 visits':<58} {_queries(longer):6d} queries")
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def compare(ids: list[int]) -> list[Comparison]:
    """All ways in turns, each in a transaction that is rolled back."""
    ours: list[float] = []
    bare: list[float] = []
    loop: list[float] = []
    untold: list[float] = []
    proposals = {pk: _proposal(INFUSION + LATER + timedelta(days=n % 730)) for n, pk in enumerate(ids)}
    for _ in range(ROUNDS):
        _tidy()
        with rolled_back(), timed(ours):
            replan_many(ids=ids, proposals=proposals, now=NOW, by=None, reason="bench")
        _tidy()
        with rolled_back(), without_triggers("dayzero_feed_%", FED), timed(untold):
            replan_many(ids=ids, proposals=proposals, now=NOW, by=None, reason="bench")
        _tidy()
        with rolled_back(), without_triggers(), timed(bare):
            _update_plainly()
        loop.append(_bulk_update(ids[:SAMPLE]) * len(ids) / SAMPLE)
    name = connection.display_name
    what = f"re-plan {PARTICIPANTS:,} x {VISITS} visits against one bare UPDATE, {name}"
    slow = f"bulk_update of what re-planning writes of the visits, {name}"
    kept = "kept" if median(loop) / median(ours) >= FASTER else "MISSED"
    remark = f"aim: at least {FASTER:g}x slower, {kept}; one call for each participant, from {SAMPLE} of them"
    return [
        Comparison(
            what, median(ours), median(bare), at_most=SLOWER, remark="history, revisions and events in"
        ),
        Comparison(slow, median(loop), median(ours), remark=remark),
        Comparison(
            f"the same with and without the triggers of the change feed, {name}",
            median(ours),
            median(untold),
            remark="what they cost a re-planning",
        ),
    ]


def _tidy() -> None:
    """Both ways meet a table without the dead rows that the round before left."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE schedules_visit")


def _queries(pk: int) -> int:
    person = Participant.objects.get(pk=pk)
    with CaptureQueriesContext(connection) as captured:
        preview_replanning(participant=person, proposal=_proposal(INFUSION), now=NOW)
    return len(captured)


def _proposal(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})


@contextmanager
def without_triggers(like: str = "%", tables: Sequence[str] = ("schedules_visit",)) -> Iterator[None]:
    """The bare UPDATE keeps no history; the transaction that this belongs to is rolled back.

    Those of these tables, of which the names are like this.

    A trigger that is only disabled still has PostgreSQL keep the rows' old and new values for it.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in tables:
                of_the_table = "tgrelid = %s::regclass AND NOT tgisinternal AND tgname LIKE %s"
                cursor.execute(f"SELECT tgname FROM pg_trigger WHERE {of_the_table}", [table, like])
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DROP TRIGGER {name} ON {table}")
    yield


def _update_plainly() -> None:
    """The same columns of the same rows, their days moved by a number in the statement."""
    sets = ", ".join(f"{column} = {column} + 2" for column in DAYS)
    others = "why_shifted = '', version = version + 1, sequence = sequence + 1, changed_at = now()"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE schedules_visit SET {sets}, {others}")


def _bulk_update(ids: list[int]) -> float:
    """The seconds of reading, moving and bulk_update-ing the visits of these participants."""
    with rolled_back():
        start = perf_counter()
        for pk in ids:
            visits = list(Visit.objects.filter(participant=pk))
            for visit in visits:
                for column in DAYS:
                    setattr(visit, column, getattr(visit, column) + LATER)
                visit.version, visit.sequence, visit.changed_at = visit.version + 1, visit.sequence + 1, NOW
            Visit.objects.bulk_update(visits, COLUMNS)
        return perf_counter() - start


if __name__ == "__main__":
    main()
