"""What became of an act on the Today page, and how it is answered: in place, or by a redirect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django_htmx.http import trigger_client_event

from schedules.web.shared.back import back_or
from schedules.web.shared.just_done import JustDone, keep_just_done
from trials.domain.words import run_on

FAILED, STALE = 422, 409
ACTED = "acted"
"""The event at which the page asks for its counters again: what was refused may have been done by others."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a row says after an act; `undo` names what can be undone, empty for nothing.

    `also` is the other visit, with its version, that was booked by the same act and is undone with it; `of`
    is what both are called.
    `tone` is just, failed or stale; `ask` are the fields that the row asks for before it tries again; `form`
    is the address of the whole form, where that asks first.
    """

    text: str
    tone: str = "just"
    undo: str = ""
    details: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    form: str = ""
    also: str = ""
    of: str = ""

    @property
    def status(self) -> int:
        """The status of the answer."""
        return {"failed": FAILED, "stale": STALE}.get(self.tone, 200)


def respond(
    request: HttpRequest,
    outcomes: Sequence[tuple[Outcome, JustDone | None]],
    template: str,
    context: dict[str, Any],
    anchor: str = "",
) -> HttpResponse:
    """Answer an act: the part of the page that it changed, or the page again, where the act was."""
    if getattr(request, "htmx", False):
        shown = {**context, "said": run_on((one.text for one, _just in outcomes), _), "in_place": True}
        answered = render(request, template, shown, status=outcomes[0][0].status)
        return trigger_client_event(answered, ACTED, after="settle")
    kept = []
    for outcome, just in outcomes:
        if just is not None and outcome.undo:
            kept.append(just)
        else:
            tell = messages.success if outcome.tone == "just" else messages.error
            tell(request, outcome.text)
        for detail in outcome.details:
            messages.warning(request, detail)
    keep_just_done(request, kept)
    return redirect(f"{back_or(request, '/')}{anchor}")
