"""What an address asks of a list; a filter that cannot be read is refused, and never left out."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest
from django.utils.translation import gettext as _

from trials.keyset import Key, read_cursor, write_cursor
from trials.web.shared.query_params import QueryRefused
from trials.web.shared.typed_codes import plain_code

LONGEST = 32
LONGEST_NUMBER = 9


def day_asked(request: HttpRequest, name: str) -> date | None:
    """Read a day from an address; None where it asks for none; raises QueryRefused for any other text."""
    text = request.GET.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        words = _("“%(value)s” is no day for “%(name)s”. Write it as YYYY-MM-DD.")
        raise QueryRefused(name, words % {"value": text, "name": name}) from error


def number(request: HttpRequest, name: str) -> int | None:
    """Read a whole number from an address; None where it asks for none; raises QueryRefused otherwise."""
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        words = _("“%(value)s” is no number for “%(name)s”.")
        raise QueryRefused(name, words % {"value": text, "name": name})
    return int(text)


def key_asked(request: HttpRequest) -> Key | None:
    """Read the key after which a page starts; None for the first one; raises QueryRefused otherwise."""
    text = request.GET.get("after", "")
    try:
        key = read_cursor(text) if text else None
    except ValueError:
        key = 0
    if isinstance(key, int):
        raise QueryRefused("after", _("This address is no place in the list. Start again on its first page."))
    return key


def search_asked(request: HttpRequest) -> str:
    """Part of a subject code."""
    return plain_code(request.GET.get("q", ""))[:LONGEST]


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


def neighbours(request: HttpRequest, number: int, pages: int) -> dict[str, str]:
    """The addresses of the pages before and after this one, with everything else that was asked for."""
    before = _page_address(request, number - 1) if number > 1 else ""
    after = _page_address(request, number + 1) if number < pages else ""
    return {"previous": before, "next": after}


def _page_address(request: HttpRequest, number: int) -> str:
    asked = request.GET.copy()
    asked["page"] = str(number)
    return f"?{asked.urlencode()}"
