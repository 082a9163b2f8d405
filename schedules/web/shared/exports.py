"""Tables to be kept, as CSV or as a workbook: both say which software made them, for whom and of what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from trials.formats.exports.tables import csv_lines
from trials.formats.exports.workbook import workbook
from trials.services.store.exports import record_export
from trials.web.shared.downloads import download, head_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Table(NamedTuple):
    """What an export holds: a name for its file, its title, the heads and the rows."""

    name: str
    title: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Any]]


def exported(request: HttpRequest, table: Table, form: str) -> HttpResponseBase:
    """A table as a file in one of the two forms, `csv` or `xlsx`."""
    instant = now()
    head = head_of(table.title, user_of(request), instant, request.GET.urlencode())
    name = f"{table.name}-{server_day(instant)}.{form}"
    rows = list(table.rows)
    record_export(
        by=user_of(request),
        what=table.title,
        form=form,
        rows=len(rows),
        now=instant,
        filters=request.GET.urlencode(),
    )
    if form == "csv":
        return download(name, csv_lines(head, table.heads, rows))
    response = HttpResponse(workbook(head, table.heads, rows), content_type=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
