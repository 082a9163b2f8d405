"""The answer to anyone who would change a record of a frozen trial, wherever it was tried."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from trials.domain.errors import TrialFrozen

CONFLICT = 409


class FrozenMiddleware:
    """Say in words that the trial is frozen where no page of its own says it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page that says so, or nothing for any other error."""
        if not isinstance(exception, TrialFrozen):
            return None
        return render(request, "trust/frozen.html", {"words": str(exception)}, status=CONFLICT)
