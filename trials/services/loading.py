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
    names = ", ".join(map(connection.ops.quote_name, columns))
    into = f"{connection.ops.quote_name(_table(model))} ({names})"
    if connection.vendor == "postgresql":
        _copy(into, rows)
    else:
        _insert(into, len(columns), rows)


def reserve_ids(model: type[models.Model], count: int) -> Sequence[int]:
    """So many ids that nobody else is given, for rows that are about to be loaded in this transaction."""
    table = _table(model)
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


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 - documented, for all its underscore


def _copy(into: str, rows: Iterable[Row]) -> None:
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {into} FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _insert(into: str, width: int, rows: Iterable[Row]) -> None:
    marks = ", ".join(["%s"] * width)
    statement = f"INSERT INTO {into} VALUES ({marks})"  # noqa: S608 - names of our own tables
    with connection.cursor() as cursor:
        cursor.executemany(statement, [tuple(map(_adapted, row)) for row in rows])


def _adapted(value: Any) -> Any:
    """A day or an instant as SQLite keeps it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.isoformat() if isinstance(value, date) else value
