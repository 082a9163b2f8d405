"""Tables to be kept, as CSV or as a workbook: both say which software made them, for whom and of what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple

from django.http import FileResponse, HttpRequest, HttpResponseBase

from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from trials.formats.exports.tables import csv_lines
from trials.formats.exports.workbook import write_workbook
from trials.services.store.exports import record_export
from trials.web.shared.downloads import MARK, head_of

IN_MEMORY = 1 << 20
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Table(NamedTuple):
    """What an export holds: a name for its file, its title, the heads and the rows."""

    name: str
    title: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Any]]


def exported(request: HttpRequest, table: Table, form: str) -> HttpResponseBase:
    """A table as a file in one of the two forms, `csv` or `xlsx`.

    It is written to a file first: the trail says how many rows left before the first of them does, and
    none of them is held in memory.
    """
    instant = now()
    head = head_of(table.title, user_of(request), instant, request.GET.urlencode())
    rows = _Counted(table.rows)
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  the response closes it
    if form == "csv":
        file.writelines(line.encode() for line in chain([MARK], csv_lines(head, table.heads, rows)))
    else:
        write_workbook(file, head, table.heads, rows)
    record_export(
        by=user_of(request),
        what=table.title,
        form=form,
        rows=rows.count,
        now=instant,
        filters=request.GET.urlencode(),
    )
    file.seek(0)
    response = FileResponse(
        file,
        as_attachment=True,
        filename=f"{table.name}-{server_day(instant)}.{form}",
        content_type=XLSX if form == "xlsx" else CSV,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


class _Counted:
    """Rows that are counted as they are written."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self.rows, self.count = rows, 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self.rows:
            self.count += 1
            yield row
