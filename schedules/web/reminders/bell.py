"""The bell: what one was told, acknowledged or snoozed in place, with and without script."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from schedules.models import ReminderRecipient
from schedules.models.reminder_settings import LANGUAGES
from schedules.selectors.reminders.bell import Shelf, bell_page, recipient_in_sight, unread_count
from schedules.selectors.reminders.notices import places_of, zone_of_reminder
from schedules.selectors.reminders.previews import pauses_now
from schedules.services.reminders.bell import (
    acknowledge_reminder,
    mark_reminders_read,
    prefer_language,
    reopen_reminder,
    snooze_reminder,
)
from schedules.web.reminders.language import remember
from schedules.web.reminders.words import bell_rows
from schedules.web.shared.back import back_or
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import neighbours, number
from trials.keyset import row_id
from trials.models import User
from trials.selectors.records import roles_of
from trials.web.shared.query_params import choice_in, query_params
from trials.zones import begins

SNOOZES = {"tomorrow": 1, "three-days": 3, "week": 7}
"""How many days one click lets a reminder sleep."""


@login_required
@require_safe
@query_params("shelf")
def reminders(request: HttpRequest) -> HttpResponse:
    """What one was told, the newest first."""
    user, instant = user_of(request), now()
    shelf = Shelf(choice_in(request, "shelf", list(Shelf)) or Shelf.OPEN)
    scope = roles_of(user, server_day(instant))
    found = bell_page(user, scope, shelf, instant, number(request, "page") or 1)
    context = {
        "rows": bell_rows(found.rows, instant),
        "found": found,
        "shelf": shelf.value,
        "pauses": pauses_now(server_day(instant), person=user),
        "newest": max((one.pk for one in found.rows), default=0),
        **neighbours(request, found.page, found.pages),
    }
    return render(request, "reminders/list.html", context)


@login_required
@require_POST
def reminder_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Acknowledge, snooze or take back one reminder; answers with its row, or with the page again."""
    user, instant = user_of(request), now()
    row = recipient_in_sight(user, server_day(instant), pk)
    if row is None or act not in ("acknowledge", "snooze", "undo"):
        raise Http404
    said = _perform(request, row, act, instant)
    if getattr(request, "htmx", False):
        fresh = recipient_in_sight(user, server_day(instant), pk)
        assert fresh is not None
        context = {
            "row": bell_rows([fresh], instant)[0],
            "said": said,
            "in_place": True,
            **_count(user, instant),
        }
        return render(request, "reminders/acted.html", context)
    messages.success(request, said)
    return redirect(back_or(request, "/reminders/"))


def _perform(request: HttpRequest, row: ReminderRecipient, act: str, instant: datetime) -> str:
    if act == "acknowledge":
        acknowledge_reminder(recipient=row, now=instant)
        return _("Acknowledged.")
    if act == "undo":
        reopen_reminder(recipient=row)
        return _("Open again.")
    days = SNOOZES.get(request.POST.get("for", ""), SNOOZES["tomorrow"])
    zone = zone_of_reminder(row.reminder, places_of([row.reminder]))
    today = instant.astimezone(zone).date()
    until = begins(today + timedelta(days=days), zone) + timedelta(hours=8)
    snooze_reminder(recipient=row, until=until, now=instant)
    return _("Snoozed until %(day)s.") % {"day": (today + timedelta(days=days)).isoformat()}


@login_required
@require_POST
def reminders_read(request: HttpRequest) -> HttpResponse:
    """Mark what was shown as read."""
    newest = request.POST.get("newest", "")
    mark_reminders_read(user=user_of(request), newest=row_id(newest), now=now())
    return redirect("reminders")


def _count(user: User, instant: datetime) -> dict[str, Any]:
    return {"reminders_unread": unread_count(user, roles_of(user, server_day(instant)), instant)}


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Show pages in another language, and send somebody who is signed in their messages in it too."""
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in LANGUAGES and check_for_language(language):
        prefer_language(user=request.user, language=language, by=request.user)
        remember(request, language)
    return set_language(request)
