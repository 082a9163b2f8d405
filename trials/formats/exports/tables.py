"""Tables that leave as CSV: what they are, by whom and of which software stands above the columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

_RUNS = re.compile(r"[\t\r\n]|[\s\0\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")

Preamble = Sequence[tuple[str, str]]


class _Line:
    """What csv writes to: each line is handed on as it is made."""

    def write(self, text: str) -> str:
        """The line itself: csv hands back what its file answers."""
        return text


def csv_lines(preamble: Preamble, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a table: name and value of what it is, an empty line, the columns' names, the rows.

    A text that a spreadsheet would run as a formula, or that begins with an apostrophe, has one before it; a
    number has none.
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


def runs(text: str) -> bool:
    """Whether a spreadsheet may take a text for a formula: it begins with a sign, maybe a full-width one.

    Blanks before the sign are taken off by some (OWASP, CSV Injection), be they ideographic or unseen;
    a tab or a line's end in front is enough by itself.
    """
    return _RUNS.match(text) is not None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)  # -3 is a number, and no formula
    text = str(value)
    return f"'{text}" if text.startswith("'") or runs(text) else text
