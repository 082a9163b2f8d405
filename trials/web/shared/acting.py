"""Every request says what it is and who asks, should something be written while it is answered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve, reverse

from trials import request_clock
from trials.audit.acts import acting, caused_by
from trials.models import User
from trials.selectors.accounts.accounts import roles_in_words
from trials.selectors.records import roles_read_once
from trials.zones import roles_day

READING = {"GET", "HEAD", "OPTIONS", "TRACE"}
FAILED = 500
LONGEST = 200  # of what an audit entry keeps


class ActMiddleware:
    """Name the request as the cause of whatever is written, and the roles of the day once it is.

    The pages of packages write past our services: theirs are one act of anyone who is signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with caused_by(_cause(request), roles=cache(lambda: _roles(request))):
            if _is_a_packages_write(request):
                return self._one_act(request)
            with roles_read_once() if request.method in READING else nullcontext():
                return self.get_response(request)

    def _one_act(self, request: HttpRequest) -> HttpResponseBase:
        with acting(_person(request)):
            response = self.get_response(request)
            if response.status_code >= FAILED:
                transaction.set_rollback(True)
        return response


def _cause(request: HttpRequest) -> str:
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return f"{request.method} unknown route"[:LONGEST]
    return f"{request.method} {match.view_name or match.route}"[:LONGEST]


def _is_a_packages_write(request: HttpRequest) -> bool:
    if request.method in READING:
        return False
    ours = request.path_info.startswith((reverse("admin:index"), reverse("account")))
    return ours and _person(request) is not None


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _roles(request: HttpRequest) -> str:
    """Return the asker's roles in words; asked for late, since a machine shows its token only in the view."""
    user = _person(request)
    return roles_in_words(user, roles_day(request_clock.now())) if user else ""
