"""What can be read of the audit trail: raw rows, because a million of them are hashed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from trials.database_time import database_now
from trials.domain.audit.chain import FIELDS, Continuation, Epoch, LinkedEntry
from trials.models import AuditEpoch

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
    """The entries that no seal covers, in the order of their numbers, as the chain hashes them.

    It reads the numbers of the whole trail: sealing asks for what came after the last seal alone.
    """
    return _entries(_UNSEALED)


def entries_after(number: int) -> Iterator[tuple[Any, ...]]:
    """The entries with a greater number, in the order of these, as the chain hashes them."""
    return _entries(f"FROM trials_auditentry e WHERE e.id > {int(number)}")


def _entries(which: str) -> Iterator[tuple[Any, ...]]:
    columns = ", ".join(_column(name) for name in FIELDS)
    return _rows(f"SELECT {columns} {which} ORDER BY e.id")


def unsealed_count() -> int:
    """How many entries no seal covers yet."""
    return int(next(_rows(f"SELECT count(*) {_UNSEALED}"))[0])


def end_of_chain() -> Continuation:
    """What may follow the chain: the last entry that was sealed, and the database's clock and counter."""
    last = next(_rows("SELECT coalesce(max(entry_id), 0) FROM trials_auditlink"))[0]
    at = next(_rows(f"SELECT {_column('at')} FROM trials_auditentry e WHERE e.id = {int(last)}"), None)  # noqa: S608
    (highest,) = next(_rows(_COUNTER[connection.vendor]))
    latest = datetime.fromisoformat(at[0]) if at else None
    return Continuation(last, latest, database_now().replace(tzinfo=None), highest)


def stored_epochs() -> list[Epoch]:
    """The epochs that were opened, the oldest first."""
    return [Epoch(*row) for row in AuditEpoch.objects.order_by("number").values_list("number", "after")]


_COUNTER = {
    "postgresql": (
        "SELECT pg_sequence_last_value(pg_get_serial_sequence('trials_auditentry', 'id')::regclass)"
    ),
    "sqlite": "SELECT NULL",  # its counter follows whatever is inserted
}
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
