"""Calendars are answered before anything that only people's pages need: sessions, languages, policies.

A phone that asks whether anything is new costs a few short statements, and no part of the
chain below can add a cookie, a `Vary` or a redirect.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve

PREFIX = "/calendar/"
Answer = Callable[[HttpRequest], HttpResponseBase]


class FeedMiddleware:
    """Answers every address below /calendar/ itself."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a calendar's address; hand every other one on."""
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        match = resolve(request.path_info)
        request.resolver_match = match  # logs write the name of the route, never the address
        answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return answer
