"""Rows read and kept by statements that are written once, for what is asked too often to compile them.

The ORM takes up to a millisecond to make a statement, and the database a twentieth of one to answer it. What
is read comes as ordinary instances; what is written belongs to tables that no trail records.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import AutoField, Field, Model

Row = TypeVar("Row", bound=Model)


def rows_of(
    model: type[Row],
    values: Collection[Any],
    *,
    column: str = "id",
    without: tuple[str, ...] = (),
    order: str = "",
) -> list[Row]:
    """Return the rows of a model whose column has one of these values; one statement, none for no value.

    `column` and `order` are names in the database, `without` the fields that are read only when asked for.
    """
    if not values:
        return []
    sql = _select(model, column, without, order, connection.vendor)
    return list(model._base_manager.raw(sql, [as_list(values)]))  # noqa: SLF001 (public by custom)


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


@lru_cache(maxsize=64)
def _select(model: type[Model], column: str, without: tuple[str, ...], order: str, vendor: str) -> str:
    names = (field.column for field in model._meta.concrete_fields if field.name not in without)  # noqa: SLF001
    listed = ", ".join(f'"{name}"' for name in names)
    ordered = f" ORDER BY {order}" if order else ""
    table = model._meta.db_table  # noqa: SLF001
    return f"SELECT {listed} FROM {table} WHERE {one_of(f'{column}', vendor)}{ordered}"  # noqa: S608


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
