"""When a session ends by itself, and what it lacks before anything else is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from trials import request_clock
from trials.models import User
from trials.selectors.accounts.accounts import has_second_factor, holds_one_of
from trials.web.shared.kept_forms import keep
from trials.zones import roles_day

SEEN = "dayzero_seen"
RENEWED_EVERY = 60  # seconds: a session is not written at every click
EVERYBODY = "everybody"
Answer = Callable[[HttpRequest], HttpResponseBase]


def begin(sender: object, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Count idleness from the moment of signing in."""
    request.session[SEEN] = request_clock.now().timestamp()


class IdleSessionMiddleware:
    """End a session that nobody has used for a while; the server counts, whatever the browser does."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if SESSION_KEY in request.session:
            now = request_clock.now().timestamp()
            idle = now - request.session.get(SEEN, 0)
            if idle > timedelta(minutes=settings.SESSION_IDLE_MINUTES).total_seconds():
                return _end(request) or self.get_response(request)
            if idle >= RENEWED_EVERY:
                request.session[SEEN] = now
        return self.get_response(request)


def _end(request: HttpRequest) -> HttpResponseBase | None:
    """Sign out; what was sent by a form is kept until its sender is back, and leads to the door."""
    minutes, user = settings.SESSION_IDLE_MINUTES, request.session[SESSION_KEY]
    logout(request)
    if not request.accepts("text/html"):
        return None
    words = ngettext(
        "You were signed out after %(minutes)s minute without use.",
        "You were signed out after %(minutes)s minutes without use.",
        minutes,
    )
    messages.info(request, words % {"minutes": minutes})
    return redirect_to_login(reverse("kept-form")) if keep(request, user) else None


class SecondFactorMiddleware:
    """Lead anyone who must have a second factor and has none to the page that sets one up."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = settings.SECOND_FACTOR_ROLES and SESSION_KEY in request.session and not _open_to_all(request)
        # At every request: a role may be given, and a factor taken away, while a session goes on.
        if asked and _lacks_second_factor(request):
            messages.warning(request, _("Your role asks for a second factor: set one up to go on."))
            return HttpResponseRedirect(reverse("mfa_index"))
        return self.get_response(request)


def _open_to_all(request: HttpRequest) -> bool:
    open_to_all = (reverse("account"), reverse("theme"), reverse("set_language"))
    return request.path_info.startswith(open_to_all)


def _lacks_second_factor(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or not _must_have_one(user):
        return False
    records = request.session.get("account_authentication_methods", [])
    if any(record.get("method") == "socialaccount" for record in records):
        return False  # the provider of single sign-on asks for its own
    return not has_second_factor(user)


def _must_have_one(user: User) -> bool:
    asked = frozenset(settings.SECOND_FACTOR_ROLES)
    return EVERYBODY in asked or holds_one_of(user, asked, roles_day(request_clock.now()))
