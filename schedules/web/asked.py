"""What an address asks of a list: filters that cannot be read are left out."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest

from schedules.web.clock import now, server_day
from schedules.web.people import user_of
from trials.keyset import Key, read_cursor, write_cursor
from trials.selectors import sites_visible_to, trials_visible_to

LONGEST = 32


def day_asked(request: HttpRequest, name: str) -> date | None:
    """A day in an address; None where there is none."""
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None


def key_asked(request: HttpRequest) -> Key | None:
    """The key after which a page starts; None for the first one."""
    try:
        return read_cursor(request.GET.get("after", ""))
    except ValueError:
        return None


def search_asked(request: HttpRequest) -> str:
    """Part of a subject code."""
    return request.GET.get("q", "").strip()[:LONGEST]


def places(request: HttpRequest) -> dict[str, Any]:
    """The sites and trials among which somebody may choose."""
    user, today = user_of(request), server_day(now())
    return {"sites": sites_visible_to(user, today), "trials": trials_visible_to(user, today)}


def next_page(request: HttpRequest, after: Key | int | None) -> dict[str, str]:
    """The addresses of the next page and of the first one, with everything else that was asked for."""
    asked = request.GET.copy()
    asked.pop("after", None)
    filters = asked.urlencode()
    if after is not None:
        asked["after"] = str(after) if isinstance(after, int) else write_cursor(after)
    return {
        "next": f"?{asked.urlencode()}" if after is not None else "",
        "first": f"?{filters}" if "after" in request.GET else "",
        "filters": filters,
    }


def number(request: HttpRequest, name: str) -> int | None:
    """A whole number in an address; None where there is none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004
