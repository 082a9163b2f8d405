"""Tables that leave as CSV: nothing in a cell runs, and every cell can be read back as it was."""

from __future__ import annotations

import csv

import pytest

from trials.formats.exports.tables import csv_part

CELLS = [
    ("=1+1", "'=1+1", "a formula"),
    ("+1", "'+1", "a formula in older spreadsheets"),
    ("-1", "'-1", "the same"),
    ("@SUM(1)", "'@SUM(1)", "a function in others"),
    ("\t=1", "'\t=1", "white space that is taken off first"),
    ("\n=1", "'\n=1", "a line's end before it"),
    ("＝1", "'＝1", "full width, as Chinese keyboards write it"),
    (" =1", "' =1", "a blank that spreadsheets take off first"),
    ("  -2+3", "'  -2+3", "several of them"),
    ("\u3000=1", "'\u3000=1", "the blank that Chinese keyboards write"),
    ("\ufeff=1", "'\ufeff=1", "a mark that nobody sees"),
    (" a=1", " a=1", "a blank before no formula"),
    ("'=1", "''=1", "an apostrophe of its own is not taken for the one put there"),
    ("'t was", "''t was", "the same without a formula"),
    ("a=1", "a=1", "no formula begins so"),
    (3, "3", "a number"),
    (-3, "-3", "a number below nought is no formula"),
    (-1.5, "-1.5", "the same with a fraction"),
    (None, "", "nothing"),
]


@pytest.mark.parametrize(("value", "cell", "why"), CELLS, ids=[why for *_others, why in CELLS])
def test_a_cell_runs_nowhere_and_is_read_back_by_taking_one_apostrophe_off(value, cell, why) -> None:
    [[found]] = csv.reader(csv_part([[value]]), strict=True) if value is not None else [[""]]
    assert found == cell
    assert found.removeprefix("'") == ("" if value is None else str(value)), why
