"""Sheets that come in, CSV or XLSX: their rows as text, by the names of their columns.

What stands above the row of names (as the tables that leave here have) is passed over. Cells are read as
text, days as ISO 8601 and hours as HH:MM, so that a form can show what was typed, right or wrong.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from io import BytesIO, StringIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from trials.domain.errors import DomainError
from trials.domain.words import mark as _

MOST_ROWS = 2_000
# A workbook is a zip: a few kilobytes of one can be made to unpack to gigabytes.
MOST_BYTES_UNPACKED = 50 * 1024 * 1024
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00(?::00)?)?")
_HOUR = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")
_ZIPPED = b"PK\x03\x04"


class SheetUnreadable(DomainError):
    """A file is no sheet that can be read; `template` says why, marked, with its `values`."""

    def __init__(self, template: str, values: Mapping[str, object] | None = None) -> None:
        self.template, self.values = template, dict(values or {})
        super().__init__(template % self.values)


def read_sheet(content: bytes, names: Mapping[str, Sequence[str]]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a sheet with something in them, each with its number, by column.

    `names` are the columns that are read, each with the heads by which it is known; the first row that
    holds at least two of these heads is that of the names. Raises SheetUnreadable for what is neither
    CSV (UTF-8 or GB 18030) nor XLSX, for more than MOST_ROWS rows and where no row of names is found.
    """
    known = {_head(one): name for name, heads in names.items() for one in (name, *heads)}
    found: list[tuple[int, dict[str, str]]] = []
    columns: dict[int, str] = {}
    for number, cells in enumerate(_lines(content), start=1):
        if number > MOST_ROWS:
            raise SheetUnreadable(
                _("The sheet has more than %(most)d rows: send it in parts."), {"most": MOST_ROWS}
            )
        if not columns:
            columns = _columns_named_in(cells, known)
        elif row := _row_of(cells, columns):
            found.append((number, row))
    if not columns:
        message = _("No row of the sheet names the columns; give at least %(first)s and %(second)s.")
        first, second, *_others = names
        raise SheetUnreadable(message, {"first": first, "second": second})
    return found


def _columns_named_in(cells: Sequence[str], known: Mapping[str, str]) -> dict[int, str]:
    """The columns by their places, where this row names at least two of them; else none."""
    heads = {place: known[_head(cell)] for place, cell in enumerate(cells) if _head(cell) in known}
    return heads if len(set(heads.values())) > 1 else {}


def _row_of(cells: Sequence[str], columns: Mapping[int, str]) -> dict[str, str]:
    """What stands in the columns, by their names; what is empty is left out."""
    texts = ((place, cell.strip()) for place, cell in enumerate(cells) if place in columns)
    return {columns[place]: text for place, text in texts if text}


def _lines(content: bytes) -> Iterator[list[str]]:
    if content.startswith(_ZIPPED):
        yield from _of_workbook(content)
        return
    yield from _of_text(content)


def _of_text(content: bytes) -> Iterator[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        try:
            for row in csv.reader(StringIO(text), delimiter=_delimiter(text)):
                yield [_text(cell) for cell in row]
        except csv.Error as error:
            raise SheetUnreadable(_UNREADABLE) from error
        return
    raise SheetUnreadable(_UNREADABLE)


_UNREADABLE = _("The file is neither CSV in UTF-8 nor XLSX: save the sheet as one of them.")


def _delimiter(text: str) -> str:
    """The sign between cells: the one that the first lines have most of."""
    head = text[:4_000]
    return max((",", ";", "\t"), key=head.count)


def _of_workbook(content: bytes) -> Iterator[list[str]]:
    from openpyxl import load_workbook  # noqa: PLC0415  heavy, and few processes ever read one

    try:
        with ZipFile(BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_BYTES_UNPACKED:
                raise SheetUnreadable(_("The workbook is too large: save the one sheet alone."))
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows: Iterable[Sequence[Any]] = sheet.iter_rows(values_only=True)
        for row in rows:
            yield [_text(cell) for cell in row]
    except (BadZipFile, KeyError, ValueError, TypeError, IndexError, OSError, SyntaxError) as error:
        raise SheetUnreadable(_UNREADABLE) from error


def _text(cell: Any) -> str:
    """A cell as a form would hold it."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return f"{cell:%H:%M}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip().removeprefix("'")
    if day := _DAY.fullmatch(text):
        year, month, of_month = day.groups()
        return f"{year}-{int(month):02}-{int(of_month):02}"
    if hour := _HOUR.fullmatch(text):
        return f"{int(hour[1]):02}:{hour[2]}"
    return text


def _head(cell: str) -> str:
    return cell.strip().casefold()
