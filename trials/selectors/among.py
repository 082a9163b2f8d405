"""Rows of those whom another query names, looked up in one go."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, QuerySet, Subquery, Value
from django.db.models.sql.compiler import SQLCompiler


def among(column: str, ids: str, vendor: str) -> str:
    """The SQL of the condition that a column holds one of the ids that a query, in brackets, finds.

    They are found once, and looked up along an index. Of IN (SELECT …) PostgreSQL makes a join, for which it
    reads whole tables where the rows of a tenth of them are wanted, and asks the query again for each row
    where it last saw the tables empty.
    """
    return f"{column} = ANY(ARRAY{ids})" if vendor == "postgresql" else f"{column} IN {ids}"


class AmongIds(Func):
    """The condition of `among`, for the ORM."""

    output_field = BooleanField()

    def __init__(self, column: str, ids: QuerySet[Any, Any]) -> None:
        super().__init__(F(column), Subquery(ids))

    def as_sql(  # type: ignore[override]  # its words are always the same
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """The SQL of the condition and its parameters."""
        (column, own), (ids, params) = (compiler.compile(part) for part in self.get_source_expressions())
        return among(column, ids, connection.vendor), (*own, *params)


class AmongMany(Func):
    """The condition that a column holds one of these ids, of which there may be thousands.

    A planner weighs each id of a list by itself, for each index: two thousand take it three times as long as
    the rows are read in.
    """

    output_field = BooleanField()

    def __init__(self, column: str, ids: Collection[int]) -> None:
        super().__init__(F(column), Value(json.dumps([*ids])))

    def as_sql(  # type: ignore[override]  # its words are always the same
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """The SQL of the condition and its parameters: the ids are one of them."""
        (column, own), (ids, params) = (compiler.compile(part) for part in self.get_source_expressions())
        if connection.vendor == "postgresql":
            each = f"(SELECT value::bigint FROM jsonb_array_elements_text({ids}::jsonb))"  # noqa: S608
        else:
            each = f"(SELECT value FROM json_each({ids}))"  # noqa: S608
        return among(column, each, connection.vendor), (*own, *params)
