"""Tables to be kept: streamed as CSV, with what they are at the top."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.http import StreamingHttpResponse
from django.utils import timezone

from trials.domain.release import RELEASE
from trials.formats.exports.tables import Preamble
from trials.models import User

MARK = "\ufeff"  # without it some spreadsheets read Chinese as Latin letters


def head_of(what: str, user: User, now: datetime, filters: str) -> Preamble:
    """What stands above every export: software and version, what it holds, by whom, when, filtered how."""
    here = timezone.localtime(now, timezone.get_default_timezone())
    return (
        ("Software", f"Dayzero {RELEASE}"),
        ("Export", what),
        ("Made by", f"{user.get_username()} ({user.get_full_name()})"),
        ("Made at", here.isoformat(timespec="seconds")),
        ("Filters", filters or "none"),
    )


def download(name: str, lines: Iterable[str]) -> StreamingHttpResponse:
    """Lines of CSV as a file that is being written while it is read."""

    def marked() -> Iterable[str]:
        yield MARK
        yield from lines

    response = StreamingHttpResponse(marked(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
