"""The language of an account: chosen once, it meets its owner in every browser, on paper and in messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import check_for_language

from schedules.selectors.reminders.notices import languages_of
from trials.models import User

KEY = "account_language"
"""Where the session keeps the language, so that no request asks for it."""


class AccountLanguageMiddleware:
    """Show pages in the language of the account, whatever the browser kept of somebody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Switch before the page is made, and let the browser keep what was chosen."""
        wanted = _wanted(request)
        if wanted and wanted != translation.get_language():
            translation.activate(wanted)
            request.LANGUAGE_CODE = wanted
        response = self.get_response(request)
        chosen = _wanted(request)  # a sign-in, or a choice, may have just set it
        kept = response.cookies.get(settings.LANGUAGE_COOKIE_NAME)
        if chosen and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) != chosen and kept is None:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                chosen,
                max_age=settings.LANGUAGE_COOKIE_AGE,
                secure=request.is_secure(),
                samesite="Lax",
            )
        return response


def remember(request: HttpRequest, language: str) -> None:
    """Keep the language of the account in its session."""
    request.session[KEY] = language


def watch_sign_ins() -> None:
    """Begin every session in the language of its account."""
    user_logged_in.connect(_begin, dispatch_uid="language of the account")


def _begin(sender: object, request: HttpRequest | None, user: User, **more: Any) -> None:
    if request is None or not hasattr(request, "session"):
        return
    language = languages_of([user.pk]).get(user.pk, "")
    if language:
        remember(request, language)


def _wanted(request: HttpRequest) -> str:
    """The language that the session keeps; empty where none was chosen, or nobody is signed in."""
    if not getattr(request, "session", None) or KEY not in request.session:
        return ""
    language = str(request.session[KEY])
    return language if check_for_language(language) else ""
