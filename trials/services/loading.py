"""Many rows into one table, by the quickest way the database has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models

Row = tuple[Any, ...]


def load_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows of a model, each a tuple of the values of `columns` (names of columns, not of fields).

    COPY on PostgreSQL, executemany on SQLite: one statement for any number of rows. Columns left
    out take the database's default, not Django's. Values are whatever the fields store; JSON is
    given as text (`as_json`). Raises IntegrityError as any insert does.
    """
    if connection.vendor == "postgresql":
        _copy(model._meta.db_table, columns, rows)
    else:
        _insert(model._meta.db_table, columns, _adapted(model, columns, rows))


def reserve_ids(model: type[models.Model], count: int) -> Sequence[int]:
    """So many ids that nobody else is given, for rows that are about to be loaded in this transaction."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [row[0] for row in cursor.fetchall()]
        # No other writer comes between: a transaction takes SQLite's only write lock when it begins.
        cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()[0]
        return range(last + 1, last + 1 + count)


def as_json(value: object) -> str:
    """A value as a JSON column takes it."""
    return json.dumps(value, ensure_ascii=False)


def _copy(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    names = ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(f"COPY {connection.ops.quote_name(table)} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _insert(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    names = ", ".join(map(connection.ops.quote_name, columns))
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {connection.ops.quote_name(table)} ({names}) VALUES ({marks})", list(rows)
        )


def _adapted(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> Iterable[Row]:
    """The rows with days and instants as SQLite keeps them."""
    return [tuple(map(_adapt, row)) for row in rows]


def _adapt(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.isoformat() if isinstance(value, date) else value
