"""One instant for a whole request: views, middleware, context processors and tags all read the same.

A page whose parts read the clock each for themselves can put a visit under yesterday and its deadline
under today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

_instant: ContextVar[datetime | None] = ContextVar("dayzero_instant", default=None)


def now() -> datetime:
    """Return the instant at which the request began; outside a request, this instant."""
    return _instant.get() or timezone.now()


@contextmanager
def reading_once() -> Iterator[datetime]:
    """Read the clock once and give the same instant to every `now` inside."""
    instant = timezone.now()
    token = _instant.set(instant)
    try:
        yield instant
    finally:
        _instant.reset(token)


class ClockMiddleware:
    """Bind the instant at which a request begins; `request.now` holds it as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request within its instant."""
        with reading_once() as instant:
            request.now = instant  # type: ignore[attr-defined]
            return self.get_response(request)
