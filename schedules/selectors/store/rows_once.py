"""Rows read and kept by statements that are written once, for what is asked too often to compile them.

The ORM takes up to a millisecond to make a statement, and the database a twentieth of one to answer it. What
is read comes as ordinary instances; what is written belongs to tables that no trail records.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import AutoField, Field, Model

Row = TypeVar("Row", bound=Model)


def rows_of(
    model: type[Row],
    values: Collection[Any],
    *,
    column: str = "id",
    related: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    order: str = "",
    where: tuple[str, Any] | None = None,
) -> list[Row]:
    """Return the rows of a model whose column has one of these values; one statement, none for no value.

    `column` and `order` are names in the database; `where` is one more column with the value that it must
    have. `related` are paths to other models that are read along (`site`, `participant__site`), each after
    the one it begins with; `without` the fields that are read only when asked for (`document`,
    `protocol_version__document`).
    """
    if not values:
        return []
    reading = _reading(model, column, related, without, order, where and where[0], connection.vendor)
    params: list[Any] = [as_list(values)] if where is None else [as_list(values), where[1]]
    known: dict[tuple[str, Any], Model] = {}
    return [_instance(row, reading.parts, known) for row in _read(reading, params)]


class RawRows(Generic[Row]):
    """Rows as the database gave them, for a reader who needs most of them only to see that they are the same.

    A row becomes an instance when it is asked for, with what was read along.
    """

    def __init__(
        self,
        model: type[Row],
        values: Collection[Any],
        *,
        column: str = "id",
        related: tuple[str, ...] = (),
        without: tuple[str, ...] = (),
        order: str = "",
    ) -> None:
        """Read the rows that `rows_of` would give; one statement, none for no value."""
        self._reading = _reading(model, column, related, without, order, None, connection.vendor)
        self.rows = _read(self._reading, [as_list(values)]) if values else []
        self._known: dict[tuple[str, Any], Model] = {}

    def place(self, name: str, path: str = "") -> int:
        """Return where the column of a field stands in each row; `path` as in `rows_of`."""
        part = next(part for part in self._reading.parts if part.path == path)
        return part.columns.start + part.names.index(name)

    def columns(self, path: str) -> slice:
        """Return where everything stands that was read along by this path."""
        return next(part.columns for part in self._reading.parts if part.path == path)

    def value(self, row: Sequence[Any], name: str, path: str = "") -> Any:
        """Return the value of one field as an instance has it."""
        part = next(part for part in self._reading.parts if part.path == path)
        index = part.names.index(name)
        value = row[part.columns.start + index]
        for place, converters, expression in part.converters:
            if place == index:
                for converter in converters:
                    value = converter(value, expression, connection)
        return value

    def instance(self, row: Sequence[Any]) -> Row:
        """Make the instance of one of the rows; what several rows refer to is made once."""
        made: Row = _instance(row, self._reading.parts, self._known)
        return made


def _read(reading: _Reading, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(reading.sql, params)
        return cursor.fetchall()


def as_list(values: Collection[Any]) -> object:
    """Return many values as the one parameter of `one_of`."""
    return json.dumps(list(values)) if connection.vendor == "sqlite" else list(values)


def one_of(column: str, vendor: str) -> str:
    """Return the condition that a column has one of the values of `as_list`."""
    if vendor == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 (the name of a column)
    return f"{column} = ANY(%s)"


def keep_rows(rows: Sequence[Model], *, unique: tuple[str, ...]) -> None:
    """Insert these rows of one model; one that is there by its `unique` columns takes their values."""
    if not rows:
        return
    model = type(rows[0])
    fields = _kept_fields(model)
    sql = _upsert(model, unique)
    values = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows
    ]
    if len(values) == 1:
        with connection.cursor() as cursor:
            cursor.execute(sql, values[0])
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(sql, values)


@dataclass(frozen=True, slots=True)
class _Part:
    """The columns of one model in a row: where they stand, and how each is read from the database.

    `link` sets what was read at the instance of the path before; it is None for the rows' own model.
    """

    path: str
    model: type[Model]
    names: tuple[str, ...]
    columns: slice
    pk: int
    converters: tuple[tuple[int, tuple[Any, ...], Any], ...]
    parent: str
    link: Any


@dataclass(frozen=True, slots=True)
class _Reading:
    """A statement, and how its rows become instances."""

    sql: str
    parts: tuple[_Part, ...]


def _instance(row: Sequence[Any], parts: Sequence[_Part], known: dict[tuple[str, Any], Model]) -> Any:
    """Make the instances of one row; what several rows refer to is made once."""
    made: dict[str, Model | None] = {}
    for part in parts:
        pk = row[part.pk]
        one = known.get((part.path, pk)) if pk is not None else None
        if one is None and pk is not None:
            values = list(row[part.columns])
            for index, converters, expression in part.converters:
                for converter in converters:
                    values[index] = converter(values[index], expression, connection)
            one = known[part.path, pk] = part.model.from_db(connection.alias, part.names, values)
        made[part.path] = one
        parent = made[part.parent] if part.link is not None else None
        if parent is not None:
            part.link.set_cached_value(parent, one)
    return made[""]


@lru_cache(maxsize=64)
def _reading(
    model: type[Model],
    column: str,
    related: tuple[str, ...],
    without: tuple[str, ...],
    order: str,
    where: str | None,
    vendor: str,
) -> _Reading:
    joins, parts, listed = [], [_part(model, "", None, without, 0)], []
    models: dict[str, type[Model]] = {"": model}
    for path in related:
        before, _cut, name = path.rpartition("__")
        field: Any = models[before]._meta.get_field(name)  # noqa: SLF001 (public by custom)
        other: type[Model] = field.related_model
        models[path] = other
        here, there = _alias(before), _alias(path)
        if field.concrete:
            join = f"{there}.{field.target_field.column} = {here}.{field.column}"
        else:  # the other row refers to this one
            join = f"{there}.{field.field.column} = {here}.id"
        joins.append(f" LEFT JOIN {other._meta.db_table} {there} ON {join}")  # noqa: SLF001
        parts.append(_part(other, path, field, without, parts[-1].columns.stop))
    for part in parts:
        fields = {field.attname: field.column for field in part.model._meta.concrete_fields}  # noqa: SLF001
        listed += [f'{_alias(part.path)}."{fields[name]}"' for name in part.names]
    condition = one_of(f"q.{column}", vendor) + (f" AND q.{where} = %s" if where else "")
    ordered = " ORDER BY " + ", ".join(f"q.{one.strip()}" for one in order.split(",")) if order else ""
    table = model._meta.db_table  # noqa: SLF001
    sql = f"SELECT {', '.join(listed)} FROM {table} q{''.join(joins)} WHERE {condition}{ordered}"  # noqa: S608
    return _Reading(sql, tuple(parts))


def _alias(path: str) -> str:
    return f"q_{path}" if path else "q"


def _part(model: type[Model], path: str, link: Any, without: tuple[str, ...], start: int) -> _Part:
    named = f"{path}__" if path else ""
    concrete = model._meta.concrete_fields  # noqa: SLF001
    fields = [field for field in concrete if f"{named}{field.name}" not in without]
    converters = []
    for index, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)  # noqa: SLF001
        found = (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
        if found:
            converters.append((index, found, column))
    return _Part(
        path=path,
        model=model,
        names=tuple(field.attname for field in fields),
        columns=slice(start, start + len(fields)),
        pk=start + next(index for index, field in enumerate(fields) if field.primary_key),
        converters=tuple(converters),
        parent=path.rpartition("__")[0],
        link=link,
    )


@lru_cache(maxsize=16)
def _upsert(model: type[Model], unique: tuple[str, ...]) -> str:
    names = [field.column for field in _kept_fields(model)]
    changed = _listed(f'"{name}" = excluded."{name}"' for name in names if name not in unique)
    places = _listed("%s" for _name in names)
    columns, conflict = _listed(f'"{name}"' for name in names), _listed(unique)
    table = model._meta.db_table  # noqa: SLF001
    return (
        f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 (names of columns)
        f" ON CONFLICT ({conflict}) DO UPDATE SET {changed}"
    )


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


@lru_cache(maxsize=16)
def _kept_fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]  # noqa: SLF001
