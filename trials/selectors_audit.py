"""What can be read of the audit trail: raw rows, because a million of them are hashed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction

from trials.domain.audit_chain import FIELDS, LinkedEntry

CHUNK = 5000


def linked_entries() -> Iterator[LinkedEntry]:
    """Every link of the chain by its number, with the fields of its entry (None where it is gone)."""
    columns = ", ".join(_column(name) for name in FIELDS)
    statement = (
        f"SELECT l.number, l.entry_id, l.hash, {columns} FROM trials_auditlink l "  # noqa: S608  own columns
        "LEFT JOIN trials_auditentry e ON e.id = l.entry_id ORDER BY l.number"
    )
    for row in _rows(statement):
        entry = row[3:]
        yield LinkedEntry(row[0], row[1], row[2], None if entry[0] is None else entry)


def unsealed_entries() -> Iterator[tuple[Any, ...]]:
    """The entries that no seal covers yet, in the order of their numbers, as the chain hashes them."""
    columns = ", ".join(_column(name) for name in FIELDS)
    return _rows(f"SELECT {columns} {_UNSEALED} ORDER BY e.id")


def unsealed_count() -> int:
    """How many entries no seal covers yet."""
    return int(next(_rows(f"SELECT count(*) {_UNSEALED}"))[0])


def stray_entry() -> int | None:
    """The first entry that has no link although entries after it have; None where there is none."""
    statement = (
        f"SELECT min(e.id) {_UNSEALED} "  # noqa: S608  a constant
        "AND e.id < (SELECT max(entry_id) FROM trials_auditlink)"
    )
    found: int | None = next(_rows(statement))[0]
    return found


_UNSEALED = (
    "FROM trials_auditentry e WHERE NOT EXISTS (SELECT 1 FROM trials_auditlink l WHERE l.entry_id = e.id)"
)


def _column(name: str) -> str:
    """A field as the text that is hashed: the same on both databases, to the microsecond, in UTC."""
    if name != "at":
        return f"e.{name}"
    if connection.vendor == "postgresql":
        return "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    return "replace(e.at, ' ', 'T')"


def _rows(statement: str) -> Iterator[Any]:
    """The rows of a statement, fetched in chunks so that a trail of any length fits in memory."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement)
            while rows := cursor.fetchmany(CHUNK):
                yield from rows
        return
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(CHUNK):
            yield from rows
