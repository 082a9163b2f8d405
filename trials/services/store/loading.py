"""Many rows into one table, by the quickest way the database has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models

Row = tuple[Any, ...]


def load_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows of a model, each a tuple of the values of `columns` (names of columns, not of fields).

    COPY on PostgreSQL, executemany on SQLite: one statement for any number of rows, none for none.
    Columns left out take their default, as in `Model.save`. Values are whatever the fields store; JSON is
    given as text (`as_json`). Raises IntegrityError as any insert does.
    """
    if isinstance(rows, Sequence) and not rows:
        return
    defaults = _defaults(model, columns)
    names = ", ".join(map(connection.ops.quote_name, (*columns, *defaults)))
    into = f"{connection.ops.quote_name(_table(model))} ({names})"
    filled = ((*row, *(default() for default in defaults.values())) for row in rows)
    if connection.vendor == "postgresql":
        _copy(into, filled)
    else:
        _insert(into, len(columns) + len(defaults), filled)


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


def _defaults(model: type[models.Model], columns: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """How the columns that are left out are filled, where the database itself would not."""
    fields = model._meta.concrete_fields  # noqa: SLF001
    return {
        field.attname: _default(field)
        for field in fields
        if field.attname not in columns and not field.has_db_default() and field.get_default() is not None
    }


def _default(field: models.Field[Any, Any]) -> Callable[[], Any]:
    if callable(field.default):
        return lambda: field.get_db_prep_save(field.get_default(), connection)
    value = field.get_db_prep_save(field.get_default(), connection)
    return lambda: value


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
        cursor.executemany(statement, [tuple(map(adapted, row)) for row in rows])


def adapted(value: Any) -> Any:
    """Return a day or an instant as SQLite keeps it, any other value as it is."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.isoformat() if isinstance(value, date) else value
