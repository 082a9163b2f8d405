"""What is done with a visit on the Today page, in place: booked, arrived, done, missed, and undone.

A row that is sent twice does it once: the second time finds the visit as asked for, and says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.short_names import visit_mark
from schedules.domain.visits.values import Answer, Booking, Completion
from schedules.domain.windows.asked_at_visit import Asked
from schedules.models import PREPARATIONS, Visit
from schedules.selectors.pages.consequences import consequences_since, standing_now
from schedules.selectors.pages.visit import visit_page
from schedules.selectors.store.changes import Change, changes_since
from schedules.selectors.store.course import visit_in_sight
from schedules.selectors.store.stored_visits import planned_visit, window_of
from schedules.selectors.today.board import BoardRow, board_row
from schedules.selectors.today.parts import Section
from schedules.services.today.preparations import prepare_visit
from schedules.services.visits.appointments import (
    book_visit,
    complete_visit,
    miss_visit,
    record_arrival,
    unbook_visit,
    undo_visit,
    withdraw_arrival,
)
from schedules.services.visits.together import book_together, unbook_together
from schedules.web.shared.answers import require_record
from schedules.web.shared.back import back_or, with_back
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.just_done import JustDone, Typed, keep_typed
from schedules.web.shared.people import user_of
from schedules.web.shared.record_words import consequence_words
from schedules.web.shared.wording import say, visit_of_words
from schedules.web.today.outcomes import Outcome, respond
from schedules.web.today.words import lately, near_here
from trials.domain.audit.own_reasons import UNDONE
from trials.domain.errors import Refused, Stale
from trials.domain.words import run_on
from trials.keyset import row_id
from trials.zones import zone_of

RECORD = "schedules.visit"
_ASKABLE = ("reason", "outside_reason", "sure", "anyway", "on")


@login_required
@require_POST
def visit_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """One act on a visit of the Today page; answers with its row, without a script with the page again."""
    if act not in ACTS:
        raise Http404
    visit = _in_sight(request, pk)
    require_record(request, visit.participant)
    section = _section(request)
    outcome = perform(request, board_row(visit, now(), section, say), act, request.POST)
    if outcome.form:  # what the windows need to hear is asked while the person is there
        messages.info(request, outcome.text)
        address = with_back(outcome.form, f"{back_or(request, '/')}#v-{pk}")
        return HttpResponseClientRedirect(address) if getattr(request, "htmx", False) else redirect(address)
    if outcome.ask and not getattr(request, "htmx", False):
        return _asked_by_form(request, pk, act, outcome)
    row = board_row(_in_sight(request, pk), now(), section, say)
    kept = _typed(request, pk) if _is_kept(act, outcome) else Typed()
    if kept.visit and not getattr(request, "htmx", False):
        keep_typed(request, kept)
    context = {
        "row": row.offering(kept.on),
        "outcome": outcome,
        "section": section.value,
        "typed": request.POST,
        "kept": kept,
        "asked": act,
        "may_record": True,
    }
    return respond(
        request, [(outcome, just_done(row, outcome, section))], "today/row.html", context, f"#v-{pk}"
    )


def _is_kept(act: str, outcome: Outcome) -> bool:
    """Whether what was chosen and typed stays on the row: nothing of it was saved."""
    return act in ("book", "missed") and not outcome.undo and not outcome.ask


def _asked_by_form(request: HttpRequest, pk: int, act: str, outcome: Outcome) -> HttpResponse:
    """Lead to the whole form, which asks for what is missing, without scripts."""
    messages.error(request, outcome.text)
    deed = {"book": "book", "missed": "miss"}.get(act, "complete")
    form = reverse("visit-deed", kwargs={"pk": pk, "deed": deed})
    keep_typed(request, _typed(request, pk))
    return redirect(with_back(form, f"{back_or(request, '/')}#v-{pk}"))


@login_required
@require_POST
def record_as_booked(request: HttpRequest) -> HttpResponse:
    """Record all visits that are ticked as done on the day for which they were booked.

    Each is an act of its own: one that is refused says why and stops no other.
    """
    found: list[tuple[BoardRow, Outcome]] = []
    for ticked, shown in _ticked(request):
        begun = any(row.visit.participant_id == ticked.participant_id for row, _outcome in found)
        visit, version = _planned_again(request, ticked, shown) if begun else (ticked, shown)
        before = board_row(visit, now(), Section.RECORD, say)
        day = before.recordable_on
        said = {"version": str(version), "on": day.isoformat() if day else ""}
        outcome = perform(request, before, "done", said)
        found.append((board_row(_in_sight(request, visit.pk), now(), Section.RECORD, say), outcome))
    if not found:
        outcome = Outcome(_("Nothing was chosen. Tick the visits that were done as booked."), "failed")
        return respond(
            request, [(outcome, None)], "today/recorded.html", {"rows": [], "failure": outcome.text}
        )
    outcomes = [(outcome, just_done(row, outcome, Section.RECORD)) for row, outcome in found]
    context = {"rows": found, "section": Section.RECORD.value, "may_record": True}
    return respond(request, outcomes, "today/recorded.html", context, "#record")


def _planned_again(request: HttpRequest, ticked: Visit, shown: int) -> tuple[Visit, int]:
    """Give a visit as recording the one before it has left it, with its new version.

    One that somebody else changed before this act, or booked otherwise during it, stays in the version that
    was shown: its act is told so.
    """
    moved = _in_sight(request, ticked.pk)
    booked = (moved.booked_on, moved.booked_start) == (ticked.booked_on, ticked.booked_start)
    return (moved, moved.version) if booked and shown == ticked.version else (ticked, shown)


def _ticked(request: HttpRequest) -> list[tuple[Visit, int]]:
    """The visits that were ticked, in the versions that were shown: all may be recorded, or none is."""
    found = []
    for chosen in request.POST.getlist("visit"):
        pk, _colon, version = chosen.partition(":")
        if not (row_id(pk) and row_id(version)):
            continue
        visit = _in_sight(request, row_id(pk))
        require_record(request, visit.participant)
        found.append((visit, row_id(version)))
    return found


def _typed(request: HttpRequest, pk: int) -> Typed:
    """What was typed and chosen in a row."""
    return Typed(visit=pk, reason=request.POST.get("reason", ""), on=request.POST.get("on", ""))


def perform(request: HttpRequest, row: BoardRow, act: str, said: Mapping[str, Any]) -> Outcome:
    """Do something with the visit of a row, and say what came of it: done, refused or overtaken."""
    visit = row.visit
    before = standing_now(visit.participant)
    try:
        outcome = ACTS[act](request, row, said)
    except Refused as refused:
        ask = tuple(name for name in _ASKABLE if name in refused.fields)
        words = [word for messages in refused.fields.values() for word in messages]
        return Outcome(run_on(dict.fromkeys(words), _) or str(refused), "failed", ask=ask)
    except Stale as stale:
        return _overtaken(request, visit, act, said, stale)
    details = consequence_words(consequences_since(visit.participant, before))
    return replace(outcome, details=details)


def just_done(row: BoardRow, outcome: Outcome, section: Section) -> JustDone | None:
    """What the page says above itself of an act that was done without a script."""
    if not outcome.undo:
        return None
    address = reverse("today-act", kwargs={"pk": row.visit.pk, "act": "undo"})
    version = row.visit.version
    return JustDone(outcome.text, address, outcome.undo, version, section.value, outcome.also)


def _book(request: HttpRequest, row: BoardRow, said: Mapping[str, Any]) -> Outcome:
    visit, day = row.visit, _day(said)
    booking = Booking(day, sure=bool(said.get("sure")), anyway=bool(said.get("anyway")))
    reason, stood = str(said.get("reason", "")), bool(visit.booked_on or visit.arrived_on)
    other = _other(request, visit, said)
    act: dict[str, Any] = {"booking": booking, "by": user_of(request), "reason": reason, "now": now()}
    if other and window_of(other[0]).holds(day):
        _first, second = book_together(visits=[(visit, _version(said)), other], **act)
        pair = _both(row, second)
        words = {"visit": visit_of_words(row.participant, pair), "day": near_here(day)}
        text = _("%(visit)s are booked for %(day)s, inside both windows.")
        return Outcome(text % words, undo="book", also=f"{second.pk}:{second.version}", of=pair)
    book_visit(visit=visit, version=_version(said), **act)
    inside = row.work.line.planned.window.holds(day)
    where = _("inside the window") if inside else _("outside the window")
    words = {
        "visit": visit_of_words(row.participant, row.work.line.mark),
        "day": near_here(day),
        "where": where,
    }
    # to undo a booking gives it up: what was booked otherwise, or an arrival, would not be as it was
    text = _("%(visit)s is booked for %(day)s, %(where)s.")
    return Outcome(text % words, undo="" if stood else "book")


def _done(request: HttpRequest, row: BoardRow, said: Mapping[str, Any]) -> Outcome:
    visit, day = row.visit, _day(said)
    protocol, person = row.work.reading.protocol, row.participant
    asked = activities_of(protocol, visit.rule_code, visit.occurrence, frozenset(person.traits))
    if day == row.work.today and (wanted := visit_page(visit, now(), say).questions()):
        return _asks_first(row, wanted)  # of an earlier day nobody is there any more
    completion = Completion(
        on=day,
        activities={one.code: Answer(True) for one in asked},
        outside_reason=str(said.get("reason", "")),
        accept_unbookable=False,
        seen="",
        sure=bool(said.get("sure")),
    )
    complete_visit(visit=visit, version=_version(said), completion=completion, by=user_of(request), now=now())
    words = {"visit": visit_of_words(person, row.work.line.mark), "day": near_here(day), "count": len(asked)}
    text = (
        _("%(visit)s is recorded as done on %(day)s, with its %(count)d activities.")
        if len(asked) > 1
        else _("%(visit)s is recorded as done on %(day)s.")
    )
    return Outcome(text % words, undo="done")


def _asks_first(row: BoardRow, wanted: Asked) -> Outcome:
    """What the windows need to hear at a visit, which the whole form asks."""
    asked = pgettext("list", ", ").join(wanted.names)
    text = _("%(visit)s: to be asked while the person is there: %(asked)s. Record it on the form.")
    words = {"visit": visit_of_words(row.participant, row.work.line.mark), "asked": asked}
    form = reverse("visit-deed", kwargs={"pk": row.visit.pk, "deed": "complete"})
    return Outcome(text % words, "failed", form=form)


def _miss(request: HttpRequest, row: BoardRow, said: Mapping[str, Any]) -> Outcome:
    reason = str(said.get("reason", ""))
    act: dict[str, Any] = {"by": user_of(request), "reason": reason, "now": now()}
    miss_visit(visit=row.visit, version=_version(said), sure=bool(said.get("sure")), **act)
    words = {"visit": visit_of_words(row.participant, row.work.line.mark)}
    return Outcome(_("%(visit)s is recorded as missed.") % words, undo="missed")


def _arrive(request: HttpRequest, row: BoardRow, said: Mapping[str, Any]) -> Outcome:
    record_arrival(visit=row.visit, version=_version(said), by=user_of(request), now=now())
    at = now().astimezone(row.work.reading.zone)
    words = {"visit": visit_of_words(row.participant, row.work.line.mark), "hour": f"{at:%H:%M}"}
    return Outcome(_("%(visit)s: arrived at %(hour)s.") % words, undo="arrived")


def _undo(request: HttpRequest, row: BoardRow, said: Mapping[str, Any]) -> Outcome:
    what = str(said.get("what", ""))
    if what not in UNDO:
        raise Http404
    act: dict[str, Any] = {"by": user_of(request), "reason": UNDONE, "now": now()}
    other = _other(request, row.visit, said) if what == "book" else None
    if other:
        unbook_together(visits=[(row.visit, _version(said)), other], **act)
    else:
        UNDO[what](visit=row.visit, version=_version(said), **act)
    mark = _both(row, other[0]) if other else row.work.line.mark
    words = {"visit": visit_of_words(row.participant, mark)}
    return Outcome(_("%(visit)s: undone. It is as it was before.") % words, "back")


def _prepare(request: HttpRequest, row: BoardRow, said: Mapping[str, Any]) -> Outcome:
    shown = set(str(said.get("shown", "")).split())  # as the page had them: others may have ticked since
    wanted = {kind for kind in PREPARATIONS if said.get(f"ready-{kind}")}
    act: dict[str, Any] = {"visit": row.visit, "by": user_of(request), "now": now()}
    for kind in row.to_prepare:
        if (kind in wanted) != (kind in shown):
            prepare_visit(kind=kind, done=kind in wanted, **act)
    words = {"visit": visit_of_words(row.participant, row.work.line.mark)}
    there = (row.prepared - shown) | wanted
    left = [str(PREPARATIONS[kind]) for kind in row.to_prepare if kind not in there]
    if not left:
        return Outcome(_("%(visit)s is prepared.") % words, "back")
    words["what"] = _(", ").join(left)
    return Outcome(_("%(visit)s: saved. Still to do: %(what)s.") % words, "back")


UNDO: Mapping[str, Callable[..., Visit]] = {
    "book": unbook_visit,
    "done": undo_visit,
    "missed": undo_visit,
    "arrived": withdraw_arrival,
}
ACTS: Mapping[str, Callable[[HttpRequest, BoardRow, Mapping[str, Any]], Outcome]] = {
    "book": _book,
    "done": _done,
    "missed": _miss,
    "arrived": _arrive,
    "undo": _undo,
    "prepare": _prepare,
}


def _overtaken(
    request: HttpRequest, visit: Visit, act: str, said: Mapping[str, Any], stale: Stale
) -> Outcome:
    """What is said where the visit is in another version: done already as asked, or by whom what."""
    fresh = _in_sight(request, visit.pk)
    if _is_as_asked(fresh, act, said):
        return Outcome(_("Done already: nothing was saved twice."), undo=act if act in UNDO else "")
    zone = zone_of(visit.participant.site)
    changes = changes_since(RECORD, stale.pk, stale.shown, zone)
    text = _("Not saved: somebody else was quicker. %(changes)s")
    words = {"changes": run_on(map(_change_words, changes[-2:]), _)}
    return Outcome((text % words).strip(), "stale")


def _change_words(change: Change) -> str:
    """What somebody changed, and when, as a sentence."""
    fields = _(", ").join(f"{one.name} {one.new or '–'}" for one in change.fields)
    words = {"who": change.by or "Dayzero", "hour": lately(change.at), "changes": fields}
    return _("%(who)s, %(hour)s: %(changes)s.") % words


def _is_as_asked(visit: Visit, act: str, said: Mapping[str, Any]) -> bool:
    """Whether a visit is as an act would have made it: it was sent twice."""
    try:
        day = _day(said) if act in ("book", "done") else None
    except Refused:
        return False
    return {
        "book": visit.booked_on == day and day is not None,
        "done": visit.performed_on == day and day is not None,
        "missed": visit.missed_on is not None,
        "arrived": visit.arrived_on is not None and visit.performed_on is None,
        "undo": _is_undone(visit, str(said.get("what", ""))),
    }.get(act, False)


def _is_undone(visit: Visit, what: str) -> bool:
    """Whether nothing is left of an act: it was undone before."""
    open_ = visit.performed_on is None and visit.missed_on is None
    nothing = {"done": True, "missed": True, "book": not visit.booked_on, "arrived": not visit.arrived_on}
    return open_ and nothing.get(what, False)


def _day(said: Mapping[str, Any]) -> date:
    """The day that was chosen; raises Refused in words for anything else."""
    given = str(said.get("on", "")).strip()
    try:
        return date.fromisoformat(given)
    except ValueError:
        message = _("“%(given)s” is no day. Give one as 2026-12-01.") if given else _("Choose a day.")
        raise Refused({"on": [message % {"given": given} if given else message]}) from None


def _other(request: HttpRequest, visit: Visit, said: Mapping[str, Any]) -> tuple[Visit, int] | None:
    """The visit of the same participant that is booked with this one, and its version as it was shown."""
    pk, colon, version = str(said.get("with", "")).partition(":")
    if not (colon and row_id(pk) and row_id(version)):
        return None
    other = _in_sight(request, row_id(pk))
    if other.participant_id != visit.participant_id or other.pk == visit.pk:
        raise Http404
    return other, row_id(version)


def _both(row: BoardRow, other: Visit) -> str:
    """What the visit of a row and another of the same participant are called together."""
    return _("%(first)s and %(second)s") % {"first": row.work.line.mark, "second": _mark(row, other)}


def _mark(row: BoardRow, visit: Visit) -> str:
    """What a visit of the participant of a row is called."""
    reading = row.work.reading
    planned = planned_visit(visit, reading.protocol, reading.zone)
    return reading.say(visit_mark(reading.protocol, planned, reading.zero))


def _version(said: Mapping[str, Any]) -> int:
    return row_id(str(said.get("version", "")))


def _section(request: HttpRequest) -> Section:
    given = request.POST.get("section", "")
    return Section(given) if given in set(Section) else Section.RECORD


def _in_sight(request: HttpRequest, pk: int) -> Visit:
    visit = visit_in_sight(user_of(request), server_day(now()), pk)
    if visit is None:
        raise Http404
    return visit
