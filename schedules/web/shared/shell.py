"""What every page of ours has: who is signed in, where they may go, and in which light."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from schedules.selectors.reminders.bell import unread_count
from schedules.selectors.windows.flags import flag_count
from schedules.web.shared.clock import now, server_day
from trials.domain.accounts.access import Right, Scope
from trials.models import User
from trials.selectors.records import keeps_records, roles_of

THEME_COOKIE = "dayzero_theme"
THEMES = {"system": _("System"), "light": _("Light"), "dark": _("Dark")}


def theme_of(request: HttpRequest) -> str:
    """The light that somebody chose, or the system's."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"


def shell(request: HttpRequest) -> dict[str, object]:
    """What the templates of the shell need, for every page."""
    scope: Callable[[], Scope] = cache(lambda: _scope(request))  # what the navigation asks, asked once
    return {
        "theme": theme_of(request),
        "themes": THEMES,
        "may_enrol": SimpleLazyObject(lambda: scope().allows(Right.ENROL)),
        "keeps_records": SimpleLazyObject(lambda: _keeps_records(request, scope())),
        "flags_open": SimpleLazyObject(lambda: flag_count(scope(), server_day(now()))),
        "reminders_unread": SimpleLazyObject(lambda: _unread(request, scope())),
    }


def _scope(request: HttpRequest) -> Scope:
    user = getattr(request, "user", None)
    return roles_of(user, server_day(now())) if isinstance(user, User) else Scope()


def _unread(request: HttpRequest, scope: Scope) -> int:
    user = getattr(request, "user", None)
    return unread_count(user, scope, now()) if isinstance(user, User) else 0


def _keeps_records(request: HttpRequest, scope: Scope) -> bool:
    user = getattr(request, "user", None)
    return isinstance(user, User) and keeps_records(user, server_day(now()), scope)


def records_sign_in(request: HttpRequest) -> HttpResponse:
    """The records have no door of their own: one signs in, goes on, or is told no."""
    if admin.site.has_permission(request):  # a bookmark of this address, or a second tab
        back = request.GET.get("next", "")
        allowed = url_has_allowed_host_and_scheme(
            back, {request.get_host()}, require_https=request.is_secure()
        )
        return HttpResponseRedirect(back if allowed else reverse("admin:index"))
    if request.user.is_authenticated:
        raise PermissionDenied(_("Your account has no access to the records."))
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen light for a year, and go back to where one was."""
    back = request.POST.get("next", "/")
    allowed = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(back if allowed else "/")
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=timedelta(days=365),
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response
