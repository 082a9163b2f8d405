"""Pages by key: the next page starts after the last row, found by an index however far down it is.

`OFFSET` counts its way there, and `a > x OR (a = x AND id > y)` reads everything before; a row
compared as a whole is what one index on (a, id) answers.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)
Key = tuple[date, int]
Place = Key | int
"""Where a page starts: after a day and an id in a list by a day, after an id in a full read."""
ID_END = 2**63
"""Ids lie below: PostgreSQL's bigint holds no larger number, and SQLite fails on one that is asked for."""
LONGEST_ID = 18
"""The digits that a number may have to be an id on both databases."""


def row_id(text: str) -> int:
    """Read the id of a row as an address or a form gives it; 0, which no row has, for any other text.

    `int` takes digits of other scripts, and fails for several thousand of them.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_ID else 0


class RowAfter(Func):
    """The condition `(a, b) > (x, y)`, which SQLite and PostgreSQL both know."""

    output_field = BooleanField()
    sign = ">"

    def __init__(self, key: Mapping[str, object]) -> None:
        super().__init__(*map(F, key), *map(Value, key.values()))

    def as_sql(  # type: ignore[override]  # its words are always the same
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """The SQL of both rows and its parameters."""
        compiled = [compiler.compile(part) for part in self.get_source_expressions()]
        half = len(compiled) // 2
        rows = [", ".join(sql for sql, _ in part) for part in (compiled[:half], compiled[half:])]
        return f"({rows[0]}) {self.sign} ({rows[1]})", tuple(
            value for _, values in compiled for value in values
        )


class RowBefore(RowAfter):
    """The condition `(a, b) < (x, y)`: what follows in a list that runs backwards."""

    sign = "<"


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the key that the next page starts after; None on the last one."""

    rows: Sequence[Row]
    after: Place | None


def page_by_id(rows: QuerySet[Row], after: int | None, size: int) -> Page[Row]:
    """Read the first `size` rows after an id; nothing is counted.

    An id never changes, so that a full read finds every row that stands from its first page to its
    last, whatever is re-planned meanwhile.
    """
    if after is not None:
        rows = rows.filter(pk__gt=after)
    kept, more = _first(rows.order_by("pk"), size)
    return Page(kept, kept[-1].pk if more else None)


def _first(rows: QuerySet[Row], size: int) -> tuple[list[Row], bool]:
    """The first rows, and whether more follow."""
    found = list(rows[: size + 1])
    return found[:size], len(found) > size


def write_cursor(key: Place) -> str:
    """A place as text that readers hand back and do not read."""
    parts = [key] if isinstance(key, int) else [key[0].isoformat(), key[1]]
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> Place:
    """Read the place in such a text; raises ValueError for any other text."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        *days, row = json.loads(raw)
        key: Place = (date.fromisoformat(*days), row) if days else row
    except (binascii.Error, UnicodeError, TypeError, RecursionError) as error:
        raise ValueError(text) from error
    if type(row) is not int or not 0 <= row < ID_END or write_cursor(key) != text:
        raise ValueError(text)
    return key
