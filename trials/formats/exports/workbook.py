"""Tables that leave as a workbook: the table on its first sheet, what it is and by whom on the second."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO
from itertools import chain, islice
from typing import IO, Any

from trials.formats.exports.tables import Preamble, runs

WIDEST = 60
"""Characters that a column is given at most."""
MEASURED = 500
"""Rows that say how wide the columns are."""
_ILLEGAL = re.compile(r"[\000-\010]|[\013-\014]|[\016-\037]")
"""What no cell may hold: openpyxl's ILLEGAL_CHARACTERS_RE."""


def workbook(preamble: Preamble, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The bytes of a workbook, as `write_workbook` makes it."""
    written = BytesIO()
    write_workbook(written, preamble, heads, rows)
    return written.getvalue()


def write_workbook(
    to: IO[bytes], preamble: Preamble, heads: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write a workbook to a file. Days are days and numbers numbers.

    A text that a spreadsheet would run as a formula has an apostrophe before it, so that it is
    none either once the sheet is saved as something else. Rows are written as they come, so that a
    workbook of any length takes the same memory; the columns are as wide as the first MEASURED rows ask for.
    """
    from openpyxl import Workbook  # noqa: PLC0415  heavy, and few processes ever write one
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook(write_only=True)
    lines = ([_cell(value) for value in row] for row in rows)
    first = list(islice(lines, MEASURED))
    sheet = book.create_sheet("Table")
    for column, width in enumerate(_widths([list(heads), *first]), 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A2"
    sheet.append(list(heads))
    for line in chain(first, lines):
        sheet.append(line)
    about = book.create_sheet("About")
    about.column_dimensions["A"].width, about.column_dimensions["B"].width = 20, WIDEST
    for name, value in preamble:
        about.append([_cell(name), _cell(value)])
    book.save(to)


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, date | int) and not isinstance(value, datetime)):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    text = _ILLEGAL.sub("", str(value))
    return f"'{text}" if runs(text) else text


def _widths(lines: Iterable[Sequence[Any]]) -> list[int]:
    """How wide each column is, by its longest cell."""
    widths: list[int] = []
    for line in lines:
        for place, value in enumerate(line):
            length = min(WIDEST, len(str(value or "")) + 2)
            if place == len(widths):
                widths.append(length)
            widths[place] = max(widths[place], length)
    return widths
