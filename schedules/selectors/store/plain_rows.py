"""Rows read as the database gives them, for pages that the ORM takes longer to read than the database.

Sixty columns over eight joins take the ORM longer to put into words, and a hundred rows longer to convert
one value at a time, than the database takes for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Field, QuerySet

Columns = tuple[tuple[str, "Field[Any, Any]"], ...]
"""The alias of the table, and the field, of each column."""

Written = tuple[str, tuple[Any, ...]]
"""A statement and its parameters."""

Row = Sequence[Any]
"""The values of one row, in the order of its columns."""

_NOTHING = {None}

NOBODY: Written = ("SELECT 0", ())
"""Stands for a query for ids that can find nothing: no row has this one."""


def selected(columns: Columns) -> str:
    """Write columns as SQL names them after SELECT."""
    return ", ".join(f"{alias}.{connection.ops.quote_name(str(field.column))}" for alias, field in columns)


def ids_of(rows: QuerySet[Any], *further: str) -> Written | None:
    """Write a query for the ids of rows, and further columns, as SQL; None where it can find nothing."""
    try:
        sql, params = rows.values("pk", *further).query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    return sql, tuple(params)


def read_plain(sql: str, params: Sequence[Any], columns: Columns) -> list[Row]:
    """Read rows of these columns, with the values that the ORM would give; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    readers = _readers(columns, connection.vendor)
    if not found or not readers:
        return list(found)
    rows = [list(row) for row in found]
    for place, read in readers:
        values = {row[place] for row in found}  # a page says the same often, and mostly nothing
        if values != _NOTHING:
            known = {value: read(value) for value in values}
            for row in rows:
                row[place] = known[row[place]]
    return list(rows)


@lru_cache(maxsize=32)
def _readers(columns: Columns, vendor: str) -> Sequence[tuple[int, Callable[[Any], Any]]]:
    """How values become those of the ORM, by the place of their column; the other columns are as they are."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, (_alias, field) in enumerate(columns):
        if hasattr(field, "from_db_value"):
            found.append((place, partial(_by_field, field.from_db_value)))
        elif vendor == "sqlite" and field.get_internal_type() == "DateTimeField":
            found.append((place, _instant))
    return found


def _by_field(read: Callable[[Any, Any, Any], Any], value: Any) -> Any:
    return read(value, None, connection)


def _instant(at: datetime | None) -> datetime | None:
    return at and at.replace(tzinfo=UTC)  # SQLite keeps them in UTC, and does not say so
