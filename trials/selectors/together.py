"""Several reads as one statement, for what is made of many tables.

On PostgreSQL a statement costs a way to the server and back; a record of one participant is read from ten
tables. Each query comes back as one JSON array of rows, and is made into what the query itself would give.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    "DateField": date.fromisoformat,
    "DateTimeField": datetime.fromisoformat,
    "TimeField": time.fromisoformat,
    "UUIDField": UUID,
    "DecimalField": Decimal,
}
"""What JSON has no word for, as PostgreSQL writes it into JSON."""
_AS_TEXT = frozenset({"JSONField", "DecimalField"})
_JSON = {
    "postgresql": ("COALESCE(json_agg(json_build_array({columns})), '[]')", "{column}::text"),
    "sqlite": ("json_group_array(json_array({columns}))", "{column}"),
}


def read_together(*queries: QuerySet[Any, Any]) -> list[list[Any]]:
    """Give the rows of each query, in its order: instances, or what its `values_list` gives. One statement.

    None of them locks, prefetches, or has bytes or durations among its columns. Queries that can have no
    row are not sent. For a few hundred rows: each is written and read once more than needs be.
    """
    parts = [_Part.of(query) for query in queries]
    sent = [part for part in parts if part is not None]
    if sent:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(part.sql for part in sent)}",
                [given for part in sent for given in part.given],
            )
            found = cursor.fetchone()
        for part, text in zip(sent, found, strict=True):
            part.take(json.loads(text) if isinstance(text, str) else text)
    return [[] if part is None else part.rows for part in parts]


class _Part:
    """One of the queries: its statement as a value, and what its answer is made into."""

    def __init__(
        self, query: QuerySet[Any, Any], compiler: SQLCompiler, sql: str, given: Sequence[Any]
    ) -> None:
        self.query, self.compiler, self.given = query, compiler, given
        fields = [expression.output_field for expression, _sql, _alias in compiler.select]
        kinds = [field.get_internal_type() for field in fields]
        whole, text = _JSON[connection.vendor]
        names = [connection.ops.quote_name(str(alias)) for _expression, _sql, alias in compiler.select]
        columns = (
            text.format(column=name) if kind in _AS_TEXT else name
            for name, kind in zip(names, kinds, strict=True)
        )
        self.sql = f"(SELECT {whole.format(columns=', '.join(columns))} FROM ({sql}) it)"  # noqa: S608 (the query of Django itself)
        of_text = _FROM_TEXT if connection.vendor == "postgresql" else {}
        self.read = [(place, of_text[kind]) for place, kind in enumerate(kinds) if kind in of_text]
        self.rows: list[Any] = []

    @classmethod
    def of(cls, query: QuerySet[Any, Any]) -> _Part | None:
        """Compile a query; None where it can have no row."""
        own = query.all()
        compiler = own.query.get_compiler(connection=connection)
        try:
            sql, given = compiler.as_sql(with_col_aliases=True)
        except EmptyResultSet:
            return None
        return cls(own, compiler, sql, given)

    def take(self, rows: Iterable[list[Any]]) -> None:
        """Make the rows into what the query gives, by its own way of doing that."""
        found = [self._row(row) for row in rows]
        self.compiler.execute_sql = lambda *_args, **_named: [found]  # type: ignore[assignment, method-assign]
        self.query.query.get_compiler = lambda *_args, **_named: self.compiler  # type: ignore[method-assign]
        self.rows = list(self.query.iterator())

    def _row(self, row: list[Any]) -> list[Any]:
        for place, read in self.read:
            if row[place] is not None:
                row[place] = read(row[place])
        return row
