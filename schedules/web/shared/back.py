"""Back to where somebody came from, after a form of its own page."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

BACK = "back"
"""The parameter of an address that names the page to go back to."""


def back_or(request: HttpRequest, otherwise: str) -> str:
    """The page that the address names to go back to, if it is one of ours; else the other one."""
    given = request.GET.get(BACK) or request.POST.get(BACK) or ""
    safe = given.startswith("/") and url_has_allowed_host_and_scheme(given, None)
    return given if safe else otherwise


def with_back(address: str, back: str) -> str:
    """An address that knows where to go back to."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode({BACK: back})}"
