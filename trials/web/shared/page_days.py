"""Days in sentences, as pages write them: for every page of ours, and for nothing that a machine reads."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from trials import request_clock
from trials.spoken import days_as_on_pages
from trials.zones import server_zone

MACHINES = ("/api/", "/calendar/", "/health", "/metrics")
"""Addresses whose answers keep days in ISO form."""


class PageDaysMiddleware:
    """Says of which day the page is, so that `say` can leave out the year where it is plain."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(MACHINES):
            return self.get_response(request)
        with days_as_on_pages(request_clock.now().astimezone(server_zone()).date()):
            return self.get_response(request)
