"""Sheets that somebody filled in: read as what was typed, or refused in words."""

from __future__ import annotations

from datetime import date, datetime, time
from io import BytesIO

import pytest
from openpyxl import Workbook

from trials.formats.imports.sheets import MOST_ROWS, SheetUnreadable, read_sheet

NAMES = {"visit": ("访视",), "day": ("日期", "date"), "hour": ("时间",)}


@pytest.mark.parametrize(
    "content",
    [
        b"visit,day,hour\nd28,2026-04-20,7:05\n",
        "\ufeffVisit;Date;hour\r\nd28;2026/4/20;07:05:00\r\n".encode(),
        "访视\t日期\t时间\nd28\t2026年4月20日\t07:05\n".encode("gb18030"),
        b"History,\nby,somebody\n\nvisit,day,hour,else\n,,,note\nd28,2026-04-20,07:05,x\n",
    ],
)
def test_a_sheet_of_any_make_is_read_as_what_was_typed(content: bytes) -> None:
    ((_number, row),) = read_sheet(content, NAMES)
    assert row == {"visit": "d28", "day": "2026-04-20", "hour": "07:05"}


def test_a_workbook_has_days_and_hours_of_its_own() -> None:
    book, written = Workbook(), BytesIO()
    sheet = book.worksheets[0]
    sheet.append(["visit", "day", "hour"])
    sheet.append(["d28", datetime(2026, 4, 20), time(7, 5)])  # noqa: DTZ001 - a sheet knows no zone
    sheet.append([14, date(2026, 4, 6), "31:00 or so"])
    book.save(written)
    rows = [row for _number, row in read_sheet(written.getvalue(), NAMES)]
    assert rows == [
        {"visit": "d28", "day": "2026-04-20", "hour": "07:05"},
        {"visit": "14", "day": "2026-04-06", "hour": "31:00 or so"},
    ], "what is wrong is kept for the form to show"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "No row"),
        (b"d28,2026-04-20\n", "No row"),
        (b"visit\nd28\n", "No row"),
        (b"\x00\x01\x02", "neither CSV"),
        (b"PK\x03\x04 and no more", "neither CSV"),
        (b"\xff\xff\xff\xff", "neither CSV"),
        (b"visit,day\n" + b"d28,2026-04-20\n" * MOST_ROWS, "more than"),
    ],
)
def test_what_is_no_sheet_is_refused_in_words(content: bytes, why: str) -> None:
    with pytest.raises(SheetUnreadable, match=why):
        read_sheet(content, NAMES)
