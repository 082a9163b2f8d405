"""Tables that leave as CSV: what they are, by whom and of which software stands above the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet would take for a formula, full-width signs among them."""

APOSTROPHE = ("'", *FORMULA)
"""How a cell begins that has an apostrophe put before it: its own as well, so that one can be taken off."""

Preamble = Sequence[tuple[str, str]]


class _Line:
    """What csv writes to: each line is handed on as it is made."""

    def write(self, text: str) -> str:
        return text


def csv_lines(preamble: Preamble, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a table: name and value of what it is, an empty line, the columns' names, the rows.

    A cell that a spreadsheet would run as a formula, or that begins with an apostrophe, has one before it.
    """
    yield from csv_part(preamble)
    yield "\r\n"
    yield from csv_part([heads])
    yield from csv_part(rows)


def csv_part(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows as lines, without anything above them."""
    write = csv.writer(_Line()).writerow
    for row in rows:
        line: Any = write([_cell(value) for value in row])
        yield line


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(APOSTROPHE) else text
