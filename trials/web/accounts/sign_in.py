"""What happens when a sign-in fails: it is counted under the account's name, recorded, and locks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.signals import authentication_failed
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from trials import request_clock
from trials.models import User
from trials.selectors.accounts.account_changes import open_changes
from trials.services.accounts.accounts import record_password, record_password_behind_link
from trials.web.accounts import sessions

LONGEST = 150  # of a user name
TOO_MANY = 429


def counted_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """The name under which a failure is counted: capitals and blanks make no other account of it."""
    name = (credentials or {}).get("username") or request.POST.get("login") or ""
    return str(name).replace("\0", "").strip().lower()[:LONGEST]


def locked_out(request: HttpRequest, *_others: Any) -> HttpResponse:
    """The page for an account that has failed too often, whether or not there is such an account."""
    wait = settings.AXES_COOLOFF_TIME
    context = {"minutes": int(wait.total_seconds() // 60)}
    response = render(request, "account/locked.html", context, status=TOO_MANY)
    response.headers["Retry-After"] = str(int(wait.total_seconds()))
    return response


def count_wrong_code(sender: object, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Count a wrong code of the second factor as a failed sign-in."""
    credentials = {"username": user.get_username()}
    user_login_failed.send(sender=__name__, credentials=credentials, request=request)


def keep_password_day(sender: object, user: User, **_kwargs: Any) -> None:
    """Record that somebody set or changed their own password."""
    record_password(user=user, now=request_clock.now(), by=user)


def keep_password_behind_link(sender: object, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Record a password set behind a link, which somebody else than the owner may have opened."""
    record_password_behind_link(user=user, now=request_clock.now(), link=request.build_absolute_uri)


def tell_of_changes(sender: object, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Say at the door that somebody else changed the account: no e-mail may have reached its owner."""
    if open_changes(user):
        messages.warning(
            request, _("Somebody else changed your account. Look at “Your account” before you sign anything.")
        )


def listen() -> None:
    """Hear what the packages say; asked for once, when everything is loaded."""
    user_logged_in.connect(sessions.begin)
    authentication_failed.connect(count_wrong_code)
    user_logged_in.connect(tell_of_changes)
    for signal in (password_changed, password_set):
        signal.connect(keep_password_day)
    password_reset.connect(keep_password_behind_link)
