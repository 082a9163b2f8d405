"""How a page that changes a record answers: done, refused in words, or overtaken by somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.selectors.changes import changes_since
from schedules.selectors.course import person_in_sight
from schedules.web.clock import now, server_day
from schedules.web.people import user_of
from schedules.web.replanning_rows import preview_rows
from schedules.web.visit_forms import CompletionForm, VersionedForm
from trials.domain.access import Right
from trials.domain.errors import Refused, Stale
from trials.selectors import may

MakeForm = Callable[[Any], VersionedForm]
Perform = Callable[[Any], HttpResponse]


def person_of(request: HttpRequest, pk: int) -> Participant:
    """The participant of a page; 404 where the user may not see them."""
    participant = person_in_sight(user_of(request), server_day(now()), pk)
    if participant is None:
        raise Http404
    return participant


def require_record(request: HttpRequest, participant: Participant) -> None:
    """Refuse whoever may look at a participant but not record anything of them."""
    if not may_record(request, participant):
        raise PermissionDenied(_("Your role here does not allow recording."))


def may_record(request: HttpRequest, participant: Participant) -> bool:
    """Whether the person may record anything of a participant."""
    day = server_day(now())
    return may(user_of(request), Right.RECORD, participant.site, participant.trial, day)


def answer(
    request: HttpRequest, make: MakeForm, perform: Perform, context: dict[str, Any], zone: ZoneInfo
) -> HttpResponse:
    """The form of a page, empty or filled; on POST, what `perform` made of it.

    Refused: 422, with the words next to the fields, and with what would follow where it is possible with
    a reason. Overtaken: 409, with what the other one did,
    everything that was typed, and the version that is there now, so that one can go on. A page that
    is more than a form names its own `template` in the context.
    """
    template = context.get("template", "visits/form.html")
    if request.method != "POST":
        return render(request, template, {**context, "form": make(None)})
    form = make(request.POST)
    if not form.is_valid():
        return render(request, template, {**context, "form": form}, status=422)
    try:
        return perform(form)
    except Refused as refused:
        form.refuse(refused.fields)
        preview = getattr(refused, "preview", None)
        shown = {"rows": preview_rows(preview)} if preview else {}
        if preview and isinstance(form, CompletionForm):
            form.showing(preview.digest)
        return render(request, template, {**context, **shown, "form": form}, status=422)
    except Stale as stale:
        typed = request.POST.copy()
        typed["version"] = str(stale.version)
        changes = changes_since(stale.record, stale.pk, stale.shown, zone)
        overtaken = {**context, "form": make(typed), "overtaken": True, "changes": changes}
        return render(request, template, overtaken, status=409)
