"""Several reads as one statement, for what is made of many tables.

On PostgreSQL a statement costs a way to the server and back; a record of one participant is read from ten
tables. Each query comes back as one JSON array of rows, and is made into what the query itself would give.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as the function that builds it and the ids it is asked for: the same SQL for as many ids.

    Django takes longer to build and compile a small query than a database to answer it. A process does so
    once for each function and number of ids, so that the function knows nothing but what it is given: no
    clock, no user. It takes each collection of ids by its place, or by its name.
    """

    build: Callable[..., QuerySet[Any, Any]]
    ids: tuple[Collection[int], ...] = ()
    named: tuple[tuple[str, Collection[int]], ...] = ()

    @classmethod
    def of(
        cls,
        build: Callable[..., QuerySet[Any, Any]],
        /,
        *ids: Collection[int],
        **named: Collection[int],
    ) -> Asked:
        """Give the query that a function builds for these ids."""
        return cls(build, ids, tuple(named.items()))

    @property
    def query(self) -> QuerySet[Any, Any]:
        """The query itself."""
        return self.build(*self.ids, **dict(self.named))

    @property
    def given(self) -> list[int]:
        """All ids, in order."""
        return [one for ids in self._collections for one in ids]

    @property
    def shape(self) -> tuple[Any, ...]:
        """What the SQL depends on."""
        return (
            connection.vendor,
            self.build,
            tuple(name for name, _ids in self.named),
            *map(len, self._collections),
        )

    def stood_in_for(self) -> tuple[Asked, list[int]]:
        """The same query for ids that nobody has, each of them once, and those ids in order."""
        places = iter(range(_NOBODY, _NOBODY + len(self.given)))
        ids = [[next(places) for _one in some] for some in self._collections]
        count = len(self.ids)
        named = zip((name for name, _ids in self.named), ids[count:], strict=True)
        return Asked(self.build, tuple(ids[:count]), tuple(named)), [one for some in ids for one in some]

    @property
    def _collections(self) -> list[Collection[int]]:
        return [*self.ids, *(ids for _name, ids in self.named)]


# Ids that no row has stand in a statement that is compiled once, where the ids asked for are put later.
_NOBODY = 2**61
_MOST_SHAPES = 1_000


def read_together(*queries: QuerySet[Any, Any] | Asked) -> list[list[Any]]:
    """Give the rows of each query, in its order: instances, or what its `values_list` gives. One statement.

    None of them locks, prefetches, or has bytes or durations among its columns. Queries that can have no
    row are not sent. For a few hundred rows: each is written and read once more than needs be.
    """
    parts = [_Part.asked(query) if isinstance(query, Asked) else _Part.of(query) for query in queries]
    if sent := [part for part in parts if part is not None]:
        _ask(sent)
    return [[] if part is None else part.rows for part in parts]


def _ask(parts: Sequence[_Part]) -> None:
    """Send the parts as one statement, and let each take its answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(part.sql for part in parts)}",
            [given for part in parts for given in part.given],
        )
        found = cursor.fetchone()
    for part, text in zip(parts, found, strict=True):
        part.take(json.loads(text) if isinstance(text, str) else text)


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

    @classmethod
    def asked(cls, asked: Asked) -> _Part | None:
        """Take a query that was compiled before for as many ids, with these; compile it where none was."""
        shape = asked.shape
        kept = _COMPILED.get(shape)  # another thread may empty the store at any moment
        if kept is None:
            if len(_COMPILED) >= _MOST_SHAPES:
                _COMPILED.clear()
            kept = _COMPILED[shape] = _compiled(asked)
        part, places = kept
        if places is None:
            return cls.of(asked.query)
        if part is None:
            return None
        mine, ids = copy(part), asked.given
        mine.given = [
            value if place is None else ids[place] for value, place in zip(part.given, places, strict=True)
        ]
        return mine

    def take(self, rows: Iterable[list[Any]]) -> None:
        """Make the rows into what the query gives, by its own way of doing that.

        On copies: a part that is kept is read by several threads at once.
        """
        found = [self._row(row) for row in rows]
        query, compiler = self.query.all(), copy(self.compiler)
        compiler.execute_sql = lambda *_args, **_named: [found]  # type: ignore[assignment, method-assign]
        query.query.get_compiler = lambda *_args, **_named: compiler  # type: ignore[method-assign]
        self.rows = list(query.iterator())

    def _row(self, row: list[Any]) -> list[Any]:
        for place, read in self.read:
            if row[place] is not None:
                row[place] = read(row[place])
        return row


def _compiled(asked: Asked) -> tuple[_Part | None, list[int | None] | None]:
    """Compile a query for ids that nobody has, with the place of the id that each parameter stands for.

    No part where it can have no row; no places where not every id became one parameter: such a query is
    compiled each time.
    """
    like, ids = asked.stood_in_for()
    part = _Part.of(like.query)
    if part is None:
        return None, []
    place_of = {one: place for place, one in enumerate(ids)}
    places = [place_of.get(given) if isinstance(given, int) else None for given in part.given]
    return part, places if set(places) - {None} == set(place_of.values()) else None


_COMPILED: dict[tuple[Any, ...], tuple[_Part | None, list[int | None] | None]] = {}
