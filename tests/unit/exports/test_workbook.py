"""Tables as workbooks: what they are on a sheet of their own, days as days, and no formula from a text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from trials.formats.exports.workbook import workbook


def sheets(rows: list[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    heads = [f"Column {number}" for number in range(len(rows[0]))]
    book = load_workbook(BytesIO(workbook([("Software", "Dayzero 1.0"), ("Filters", "=1+1")], heads, rows)))
    return {sheet.title: list(sheet.values) for sheet in book}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u3000@A1", "=cmd|' /C calc'!A0"]
)
def test_a_text_that_a_spreadsheet_would_run_is_a_text(text: str) -> None:
    book = load_workbook(BytesIO(workbook([], ["Head"], [(text,)])))
    cell = book["Table"]["A2"]
    assert (cell.data_type, cell.value) == ("s", f"'{text}")


def test_what_it_is_stands_on_a_sheet_of_its_own() -> None:
    found = sheets([("a",)])
    assert found == {
        "Table": [("Column 0",), ("a",)],
        "About": [("Software", "Dayzero 1.0"), ("Filters", "'=1+1")],
    }


def test_days_numbers_and_nothing_stay_what_they_are() -> None:
    instant = datetime(2026, 11, 21, 1, tzinfo=UTC)
    (_, row) = sheets([(date(2026, 11, 21), -3, None, instant, "bell\x07")])["Table"]
    assert row == (datetime(2026, 11, 21), -3, None, "2026-11-21T01:00:00.000000+00:00", "bell")  # noqa: DTZ001


def test_a_table_has_as_many_columns_as_it_needs() -> None:
    assert len(sheets([tuple("abcdefghijklmnopqrstuvwxyzæøå")])["Table"][0]) == 29
