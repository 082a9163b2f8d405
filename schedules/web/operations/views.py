"""The page of operations: what runs, waits and failed, what is safe; and decisions about deliveries."""

from __future__ import annotations

import platform
from typing import Any

import django
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from schedules.models import ReminderDelivery
from schedules.selectors.operations.reminders import (
    channels_lately,
    delivery_of,
    oldest_unsent,
    troubled_deliveries,
)
from schedules.services.reminders.decisions import give_up_delivery, mute_participant, retry_delivery
from schedules.web.operations.words import clock_words, passed, problems, task_lines
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from trials.audit.database_roles import powers_of_this_role
from trials.domain.accounts.access import Right
from trials.domain.errors import Refused
from trials.domain.release import RELEASE
from trials.selectors.operations import queues, state
from trials.selectors.records import roles_of

_REFUSED = 422
_NUMBER = 10_000


@login_required
@never_cache
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Everything that an administrator looks at in the morning. A constant number of statements."""
    _require_administrator(request)
    return render(request, "operations/page.html", _page())


@login_required
@never_cache
@require_POST
def delivery_decision(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a delivery again, give it up, or mute its participant; with a reason."""
    if not _administers(request):
        raise Http404
    acts = {"retry": retry_delivery, "give_up": give_up_delivery, "mute": mute_participant}
    act, delivery = acts.get(request.POST.get("act", "")), delivery_of(pk)
    if act is None or delivery is None:
        raise Http404
    reason = request.POST.get("reason", "").strip()
    try:
        act(delivery=delivery, by=user_of(request), now=now(), reason=reason)
    except Refused as error:
        words = [str(word) for said in error.fields.values() for word in said]
        refused = {"pk": pk, "reason": reason, "words": words}
        return render(request, "operations/page.html", _page() | {"refused": refused}, status=_REFUSED)
    said = {
        "retry": _("It is tried again with the next ring, if it is still true then."),
        "give_up": _("It is not tried again."),
        "mute": _("Nothing is said of the participant for 7 days."),
    }
    messages.success(request, said[request.POST["act"]])
    return redirect("operations")


def _administers(request: HttpRequest) -> bool:
    return roles_of(user_of(request), server_day(now())).allows_throughout(Right.ADMINISTER)


def _require_administrator(request: HttpRequest) -> None:
    if not _administers(request):
        raise PermissionDenied(_("Only someone who administers all sites sees this page."))


def _page() -> dict[str, Any]:
    instant = now()
    lines = task_lines(state.task_runs(), instant)
    number, oldest = oldest_unsent(instant)
    distance, missing = state.clock_distance(instant), state.missing_migrations()
    backup, sealed = state.last_backup(), state.sealed()
    made = backup.finished_at if backup else None
    found = problems(
        lines=lines,
        oldest=oldest,
        distance=distance,
        missing=missing,
        powers=powers_of_this_role(connection),
        backup=made,
        backup_hours=settings.BACKUP_HOURS,
        leaves=settings.REMINDERS_LEAVE,
        now=instant,
    )
    return {
        "problems": list(found),
        "tasks": lines,
        "unsent": number,
        "oldest": passed((instant - oldest).total_seconds()) if oldest else "",
        "channels": channels_lately(instant),
        "troubled": [(one, _where(one)) for one in troubled_deliveries(instant)],
        "queues": _queues(),
        "backups": state.backups(),
        "sealed": sealed,
        "heads_file": bool(settings.AUDIT_HEADS_FILE),
        "clock": clock_words(distance),
        "versions": _versions(missing),
    }


def _where(delivery: ReminderDelivery) -> str:
    """The place that a delivery is about, without the participant, whom administrators do not see."""
    reminder = delivery.reminder
    person = reminder.participant or (reminder.visit.participant if reminder.visit else None)
    return f"{person.trial.code} · {person.site.code}" if person else ""


def _queues() -> dict[str, Any]:
    try:
        found = queues.queues()
    except OSError:
        return {"away": True}
    return {"rows": [(one, passed(one.oldest)) for one in found], "none": not settings.BROKER_URL}


def _versions(missing: list[str]) -> list[tuple[str, str]]:
    with connection.cursor():
        number = connection.pg_version if connection.vendor == "postgresql" else 0  # type: ignore[attr-defined]
    database = f"PostgreSQL {number // _NUMBER}.{number % _NUMBER}" if number else "SQLite"
    return [
        ("Dayzero", RELEASE),
        (_("Database"), database),
        ("Django", django.get_version()),
        ("Python", platform.python_version()),
        (_("Migrations that are missing"), ", ".join(missing) or _("none")),
    ]
