"""How a page that changes a record answers: shown first, done, refused in words, or overtaken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.selectors.pages.consequences import consequences_since, standing_now
from schedules.selectors.pages.replanning import acts_since, last_entry
from schedules.selectors.store.changes import Change, changes_since
from schedules.selectors.store.course import person_in_sight
from schedules.services.course.rehearsals import Act, RehearsalOrphans, perform_as_shown, rehearse
from schedules.services.course.status_changes import RECORD as PERSON
from schedules.services.replanning.moves import Preview
from schedules.services.replanning.refusals import Previewed, PreviewStale
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import VersionedForm
from schedules.web.shared.people import user_of
from schedules.web.shared.preview_rows import preview_rows
from schedules.web.shared.record_words import consequence_words
from trials.domain.accounts.access import Right
from trials.domain.errors import Refused, Stale
from trials.selectors.records import may
from trials.zones import zone_of

COMMIT, OVERTAKEN = "commit", 409
MakeForm = Callable[[Any], VersionedForm]
Perform = Callable[[Any], HttpResponse]


def person_of(request: HttpRequest, pk: int) -> Participant:
    """The participant of a page; 404 where the user may not see them."""
    participant = person_in_sight(user_of(request), server_day(now()), pk)
    if participant is None:
        raise Http404
    return participant


def require_record(request: HttpRequest, participant: Participant) -> None:
    """Refuse anyone who may look at a participant but not record anything of them."""
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
    form.zone = zone
    if not form.is_valid():
        return render(request, template, {**context, "form": form}, status=422)
    person = context.get("participant")
    before = standing_now(person) if person else None
    try:
        response = perform(form)
    except Refused as refused:
        return render(request, template, {**context, **_refused(form, refused)}, status=422)
    except Stale as stale:
        typed = request.POST.copy()
        typed["version"] = str(stale.version)
        overtaken = {**context, "form": make(typed), "overtaken": True, "changes": _news(form, stale, zone)}
        return render(request, template, overtaken, status=OVERTAKEN)
    if person and before:  # said here, so that nobody finds it only in a list
        for sentence in consequence_words(consequences_since(person, before)):
            messages.warning(request, sentence)
    return response


def _refused(form: VersionedForm, refused: Refused) -> dict[str, Any]:
    """The form with the words at its fields, and what would follow where it is possible with a reason."""
    form.refuse(refused.fields)
    if not isinstance(refused, Previewed):
        return {"form": form}
    form.stand_for(refused.preview.digest)
    return {"form": form, "rows": preview_rows(refused.preview)}


def _news(form: VersionedForm, stale: Stale, zone: ZoneInfo) -> list[Change]:
    """What the quicker one did: to all that is on record of a participant, where the form says since when."""
    seen = form.cleaned_data.get("seen")
    if seen is not None and stale.record == PERSON:
        return acts_since(stale.pk, seen, zone)
    return changes_since(stale.record, stale.pk, stale.shown, zone)


@dataclass(frozen=True, slots=True)
class Showing:
    """A step of a course that is shown before it is taken: of whom, which, and what is said once it is.

    `act` makes of the form the service that would be called.
    """

    participant: Participant
    act: Callable[[Any], Act]
    done: Perform


def answer_shown(
    request: HttpRequest, make: MakeForm, showing: Showing, context: dict[str, Any]
) -> HttpResponse:
    """As `answer`; the first POST shows all that would happen, the next one does it if it still is so."""
    person = showing.participant
    first = {**context, "button": _("Show what would happen")}

    def begun(data: Any) -> VersionedForm:
        form = make(data)
        if data is None:
            form.initial["seen"] = last_entry(person.pk)
        return form

    def shown(form: Any, preview: Preview, seen: int, status: int = 200) -> HttpResponse:
        words: dict[str, Any] = {"commit": context["button"], "rows": preview_rows(preview)}
        if status == OVERTAKEN:
            words |= overtaking(person, form)
        form.showing(preview.digest, orphans=bool(preview.orphans), seen=seen)
        template = context.get("template", "visits/form.html")
        return render(request, template, {**first, **words, "form": form}, status=status)

    def perform(form: Any) -> HttpResponse:
        act, instant, last = showing.act(form), now(), last_entry(person.pk)
        if request.POST.get("action") != COMMIT:
            return shown(form, rehearse(participant=person, act=act, now=instant), last)
        seen = {"digest": form.cleaned_data["digest"], "accept_unbookable": form.cleaned_data["accept"]}
        try:
            perform_as_shown(participant=person, act=act, now=instant, **seen)
        except PreviewStale as stale:
            return shown(form, stale.preview, last, OVERTAKEN)
        except RehearsalOrphans as refused:
            form.add_error("accept", str(refused))
            return shown(form, refused.preview, last, 422)
        return showing.done(form)

    return answer(request, begun, perform, first, zone_of(person.site))


def overtaking(participant: Participant, form: Any) -> dict[str, Any]:
    """What a page says of a preview that holds no more: what others did since it was shown, if they did."""
    seen = form.cleaned_data.get("seen")
    changes = [] if seen is None else acts_since(participant.pk, seen, zone_of(participant.site))
    return {"overtaken": bool(changes), "stale": not changes, "changes": changes}
