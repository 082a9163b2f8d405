"""What the audit trail costs: verifying it against one plain loop, and bulk enrolment with and without it.

Run for one database in a process of its own: `python -m tests.bench.audit [--large]`, with
DAYZERO_TEST_DATABASE set to sqlite or postgres; large is a million entries instead of a hundred thousand.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from statistics import median
from time import perf_counter

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.db import connection, transaction  # noqa: E402

from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from tests.bench.enrolment import PARTICIPANTS, TABLES, VISITS, cast_of, rolled_back, timed  # noqa: E402
from tests.bench.measuring import Comparison, duration  # noqa: E402
from tests.cast import NOW, a_site  # noqa: E402
from trials.domain.audit.chain import FIELDS, SEPARATOR, START  # noqa: E402
from trials.models import AuditEntry, AuditLink  # noqa: E402
from trials.services.audit.sealing import seal_audit, verify_audit  # noqa: E402

ENTRIES, MANY = 100_000, 1_000_000
ROUNDS = 3
AT_MOST = 2.0
AT = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"  # the trail takes no entry from another time
COLUMNS = ", ".join(FIELDS)
AUDITED = tuple(model._meta.db_table for model in TABLES if getattr(model, "audited", True))


def main() -> None:
    """Print the measures of the database that the environment names."""
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        print(compare_enrolment(), flush=True)
        for line in compare_verification(MANY if "--large" in sys.argv else ENTRIES):
            print(line, flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def compare_enrolment() -> Comparison:
    """Bulk enrolment with the triggers and without them, in turns that are rolled back."""
    enrolments = cast_of(PARTICIPANTS, VISITS)
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        with rolled_back(), timed(ours):
            bulk_enrol(enrolments=enrolments, by=None)
            written = AuditEntry.objects.count()
        with rolled_back(), without_audit(), timed(bare):
            before = AuditEntry.objects.count()
            bulk_enrol(enrolments=enrolments, by=None)
            assert AuditEntry.objects.count() == before
    what = f"bulk_enrol {PARTICIPANTS:,} x {VISITS} with its trail against without"
    remark = f"{written - before:,} entries, {connection.display_name}"
    return Comparison(what, median(ours), median(bare), at_most=AT_MOST, remark=remark)


def compare_verification(entries: int) -> Iterator[Comparison | str]:
    """Verifying so many sealed entries against reading and hashing them in one plain loop."""
    fill(entries)
    start = perf_counter()
    seal = seal_audit(now=NOW)
    sealing = perf_counter() - start
    assert seal
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        with timed(bare):
            head = hash_plainly()
        assert head == seal.head
        with timed(ours):
            found = verify_audit(heads=[])
        assert (found.fault, found.sealed, found.unsealed) == (None, AuditLink.objects.count(), 0)
    what = f"verify {found.sealed:,} entries against one plain loop"
    yield Comparison(what, median(ours), median(bare), at_most=AT_MOST, remark=connection.display_name)
    yield f"  {f'seal {found.sealed:,} entries':<58} {duration(sealing):>8}"


def fill(entries: int) -> None:
    """So many entries like those of visits: an identifier, who, why, a handful of values."""
    a_site()
    columns = COLUMNS.partition(", ")[2].replace("trial_id, site_id, participant_id, ", "")
    old = '{"booked_on": "2026-12-07", "version": 1}'
    new = '{"booked_on": "2026-12-08", "booked_place": "Room 4", "version": 2}'
    values = (
        f"'{AT}', 'a1b2c3d4-0000-4000-8000-000000000000', 1, 'coordinator', "
        "'coordinator', 'POST visit-deed', 'the participant asked for another day', 'change', "
        f"'schedules.visit', n, '{old}', '{new}'"
    )
    guard = "dayzero_append_only_trials_auditentry_insert"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"DROP TRIGGER {guard}{' ON trials_auditentry' if connection.vendor == 'postgresql' else ''}"
        )
        if connection.vendor == "postgresql":
            numbers = f"generate_series(1, {entries}) AS s(n)"
            values = values.replace(f"'{AT}'", f"timestamptz '{AT}+00'")
            cursor.execute(f"INSERT INTO trials_auditentry ({columns}) SELECT {values} FROM {numbers}")
            return
        counted = f"SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT {entries}"
        numbers = f"(WITH RECURSIVE s(n) AS ({counted}) SELECT n FROM s)"
        cursor.execute(f"INSERT INTO trials_auditentry ({columns}) SELECT {values} FROM {numbers}")


def hash_plainly() -> str:
    """Read every entry in order and hash it onto the hash before: the least that a check can do."""
    at = "replace(at, ' ', 'T')"
    if connection.vendor == "postgresql":
        at = "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    head = START
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS.replace(' at,', f' {at},', 1)} FROM trials_auditentry ORDER BY id")
        while rows := cursor.fetchmany(5000):
            for row in rows:
                text = SEPARATOR.join(["" if value is None else str(value) for value in row])
                head = sha256(head.encode() + text.encode()).hexdigest()
    return head


@contextmanager
def without_audit() -> Iterator[None]:
    """Without the triggers that write the trail; the transaction that this is in gives them back."""
    with connection.cursor() as cursor:
        for table in AUDITED:
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER dayzero_audit_insert")
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER dayzero_audit_update")
            else:
                for action in ("create", "change", "delete"):
                    cursor.execute(f"DROP TRIGGER IF EXISTS dayzero_audit_{table}_{action}")
        yield
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


if __name__ == "__main__":
    main()
