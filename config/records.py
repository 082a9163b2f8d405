"""The admin's dress: our colours from a stylesheet, and the way back to the coordinators' pages."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from schedules.web.shared.shell import theme_of
from trials import request_clock
from trials.models import User
from trials.selectors.records import keeps_records

GROUPS: dict[Any, tuple[tuple[str, str, str], ...]] = {
    _("Set-up"): (
        ("trials", "site", "local_hospital"),
        ("trials", "workingdaytable", "event_available"),
        ("trials", "trial", "science"),
        ("trials", "protocolversion", "description"),
        ("trials", "user", "person"),
        ("trials", "membership", "badge"),
        ("trials", "apitoken", "key"),
    ),
    _("Records"): (
        ("participants", "participant", "groups"),
        ("schedules", "visit", "event"),
        ("schedules", "protocolwindow", "date_range"),
        ("schedules", "reminder", "notifications"),
        ("schedules", "calendarfeed", "rss_feed"),
    ),
}
"""The sidebar: headings, and under each the models with their symbols."""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The way back to our own pages, and below it what the reader may see."""
    back = [
        {"title": _("Today"), "icon": "today", "link": reverse("today"), "active": False},
        {"title": _("Participants"), "icon": "group", "link": reverse("participants"), "active": False},
    ]
    groups = [{"title": title, "items": _items(request, models)} for title, models in GROUPS.items()]
    return [{"title": "Dayzero", "items": back}, *(group for group in groups if group["items"])]


def _items(request: HttpRequest, models: tuple[tuple[str, str, str], ...]) -> list[dict[str, Any]]:
    return [
        {
            "title": _title(app, model),
            "icon": icon,
            "link": reverse(f"admin:{app}_{model}_changelist"),
        }
        for app, model, icon in models
        if admin.site.get_model_admin(apps.get_model(app, model)).has_view_permission(request)
    ]


def _title(app: str, model: str) -> str:
    return capfirst(str(apps.get_model(app, model)._meta.verbose_name_plural))  # noqa: SLF001 (public by custom)


def favicon(request: HttpRequest) -> str:
    """Our sign in a browser's tab."""
    return static("favicon.svg")


def stylesheet(request: HttpRequest) -> str:
    """Our colours for unfold."""
    return static("records.css")


def context(request: HttpRequest) -> dict[str, Any]:
    """No colours that unfold would write into the page; the light that was chosen for our pages."""
    chosen = theme_of(request)
    return {"colors": None, "border_radius": None, "theme": None if chosen == "system" else chosen}


def open_by_roles() -> None:
    """Open the records to those who set up, design or read them; Django's own permissions are not asked."""

    def enters(request: HttpRequest) -> bool:
        user = request.user
        day = timezone.localdate(request_clock.now(), timezone.get_default_timezone())
        return isinstance(user, User) and keeps_records(user, day)

    admin.site.has_permission = enters  # type: ignore[method-assign]


def leave_out_packages() -> None:
    """Take out of the admin what packages put in: their records are changed on pages that record it."""
    for model in list(admin.site._registry):  # noqa: SLF001 (the only list there is)
        if model._meta.app_label in {"account", "mfa", "socialaccount", "axes"}:  # noqa: SLF001 (public by custom)
            admin.site.unregister(model)
