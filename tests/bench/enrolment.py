"""Bulk enrolment against the bare insertion of the same rows, and the queries of a single one.

Run for one database in a process of its own: `python -m tests.bench.enrolment`, with
DAYZERO_TEST_DATABASE set to sqlite or postgres. Every round is rolled back, so that all rounds
meet the same tables, triggers included.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from participants.models import Anchor, Participant  # noqa: E402
from schedules.domain.plan.values import AnchorDay  # noqa: E402
from schedules.models import CalendarState, ProtocolWindow, Visit  # noqa: E402
from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from schedules.services.enrolment.enrolling import Enrolment, enrol  # noqa: E402
from tests.bench.measuring import Comparison  # noqa: E402
from tests.cast import INFUSION, a_site, a_version, an_enrolment  # noqa: E402
from tests.protocols import document_of, long_protocol  # noqa: E402
from trials.services.sites.working_days import record_working_days  # noqa: E402

PARTICIPANTS = 1_000
VISITS = 30
ROUNDS = 3
BULK = 3.0
TABLES = (Participant, Anchor, Visit, ProtocolWindow, CalendarState)

Table = tuple[str, list[str], list[tuple[Any, ...]]]


def main() -> None:
    """Print the measures of the database that the environment names."""
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        print(compare_bulk())
        for visits in (15, 40):
            print(f"  {f'enrol one participant of {visits} visits':<58} {queries_of_one(visits):6d} queries")
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def compare_bulk() -> Comparison:
    """Both ways in turns, each in a transaction that is rolled back."""
    enrolments = cast_of(PARTICIPANTS, VISITS)
    tables = rows_written(enrolments)
    assert len({name: rows for name, _, rows in tables}[Visit._meta.db_table]) == PARTICIPANTS * VISITS
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        with rolled_back(), timed(bare):
            for table in tables:
                insert_plainly(*table)
        with rolled_back(), timed(ours):
            bulk_enrol(enrolments=enrolments, by=None)
    how = "COPY" if connection.vendor == "postgresql" else "executemany"
    what = f"bulk_enrol {PARTICIPANTS:,} x {VISITS} visits against {how}, {connection.display_name}"
    return Comparison(what, median(ours), median(bare), at_most=BULK)


def queries_of_one(visits: int) -> int:
    """The queries of one enrolment, those that begin and end the transaction included."""
    (enrolment,) = cast_of(1, visits)
    with rolled_back(), CaptureQueriesContext(connection) as captured:
        enrol(enrolment=enrolment, by=None)
    return len(captured)


def cast_of(participants: int, visits: int) -> list[Enrolment]:
    """So many enrolments into one protocol of so many visits, over two years, at a site with a calendar."""
    version = a_version(text=document_of(long_protocol(visits)))
    site = a_site()
    record_working_days(site=site, by=None, first_year=INFUSION.year, last_year=INFUSION.year + 5)
    one = an_enrolment(version, site=site)
    days = [AnchorDay(INFUSION + timedelta(days=number % 730)) for number in range(participants)]
    return [
        replace(one, subject_code=f"S01-{number:05}", anchors={"infusion": day})
        for number, day in enumerate(days)
    ]


def rows_written(enrolments: Sequence[Enrolment]) -> list[Table]:
    """Every row that a bulk enrolment writes, as the database gives it back."""
    tables: list[Table] = []
    with rolled_back():
        bulk_enrol(enrolments=enrolments, by=None)
        for model in TABLES:
            name = model._meta.db_table
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {name}")
                columns = [column[0] for column in cursor.description]
                tables.append((name, columns, cursor.fetchall()))
    return tables


def insert_plainly(name: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """The bare COPY or executemany of rows that are ready."""
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {name} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(columns))
            connection.connection.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Keep the seconds that the block takes."""
    start = perf_counter()
    yield
    seconds.append(perf_counter() - start)


if __name__ == "__main__":
    main()
