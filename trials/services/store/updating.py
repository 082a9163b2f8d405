"""Many rows of one table changed at once, each to values of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, models

from trials.services.store.loading import adapted

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What changes beside the rows' own values: counters raised by one, and columns set to the same."""

    raised: Sequence[str] = ()
    same: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Beside()


def update_rows(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], beside: Beside = NOTHING
) -> None:
    """Set `columns` of rows of a model; each row is its id followed by the values, in that order.

    One UPDATE … FROM unnest on PostgreSQL, executemany on SQLite: measured a hundred times faster
    than bulk_update. Values are whatever the columns store. Raises IntegrityError as any update does.
    """
    if not rows:
        return
    run = _unnest if connection.vendor == "postgresql" else _one_by_one
    run(model, columns, rows, beside)


def _unnest(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], beside: Beside) -> None:
    fields = {field.column: field for field in model._meta.concrete_fields}  # noqa: SLF001 - documented
    types = ("bigint", *(fields[column].db_type(connection) for column in columns))
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    sets = ", ".join([*(f"{_quote(column)} = new.{_quote(column)}" for column in columns), *_sets(beside)])
    names = ", ".join(map(_quote, ("id", *columns)))
    statement = (
        f"UPDATE {_table(model)} AS old SET {sets} FROM unnest({arrays}) AS new ({names}) "  # noqa: S608
        "WHERE old.id = new.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*beside.same.values(), *map(_array, zip(*rows, strict=True))])


def _one_by_one(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], beside: Beside
) -> None:
    sets = ", ".join([*(f"{_quote(column)} = %s" for column in columns), *_sets(beside)])
    same = [adapted(value) for value in beside.same.values()]
    values = [(*map(adapted, row[1:]), *same, row[0]) for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {_table(model)} SET {sets} WHERE id = %s", values)  # noqa: S608


def _sets(beside: Beside) -> list[str]:
    raised = [f"{_quote(column)} = {_quote(column)} + 1" for column in beside.raised]
    return [*(f"{_quote(column)} = %s" for column in beside.same), *raised]


def _table(model: type[models.Model]) -> str:
    return _quote(model._meta.db_table)  # noqa: SLF001 - documented, for all its underscore


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)


def _array(values: Sequence[Any]) -> str:
    """An array as PostgreSQL writes it.

    psycopg's own refuses lists of mixed types, such as labels with and without a translation, and takes 4 to
    10 times as long: 35 ms against 3 for a text column of 20,000 rows, 20 against 5 for days (by
    process time).
    """
    write = _WRITERS.get(next((type(value) for value in values if value is not None), type(None)), _quoted)
    return f"{{{','.join(['NULL' if value is None else write(value) for value in values])}}}"


def _quoted(value: Any) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    date: date.isoformat,
    datetime: datetime.isoformat,
    int: str,
    bool: str,
}
"""How the values of a column are written, by the type of its first; all others as quoted text."""
