"""What is done with a flag on the Today page, in place: cleared with a reason, snoozed, and undone."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from schedules.models import Flag
from schedules.selectors.store.changes import last_actor
from schedules.selectors.store.course import clock_at
from schedules.selectors.today.attention import card_of
from schedules.selectors.windows.flags import flag_in_sight
from schedules.services.windows.flags import clear_flag, snooze_flag, wake_flag
from schedules.web.shared.answers import require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.just_done import JustDone, Typed, keep_typed
from schedules.web.shared.people import user_of
from schedules.web.shared.record_words import flag_heading
from schedules.web.shared.wording import person_words, say
from schedules.web.today.outcomes import Outcome, respond
from schedules.web.today.words import lately, near_here
from trials.domain.audit.own_reasons import UNDONE
from trials.domain.errors import Refused
from trials.domain.words import run_on
from trials.zones import zone_of

SNOOZE = timedelta(days=7)
"""How long one click snoozes a flag; any other day by the flag's own page."""


@login_required
@require_POST
def today_flag_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """One act on a flag; answers with its card, or with the page where there is no script."""
    flag = _in_sight(request, pk)
    require_record(request, flag.participant)
    if act not in ("clear", "snooze", "undo"):
        raise Http404
    try:
        outcome = _overtaken(request, flag, act) or _perform(request, flag, act)
    except Refused as refused:
        words = [word for messages in refused.fields.values() for word in messages]
        outcome = Outcome(run_on(words, _), "failed", ask=tuple(refused.fields))
    card = card_of(_in_sight(request, pk), now(), say)
    address = reverse("today-flag", kwargs={"pk": pk, "act": "undo"})
    just = JustDone(outcome.text, address, outcome.undo) if outcome.undo else None
    kept = Typed(flag=pk, reason="" if outcome.undo else request.POST.get("reason", ""))
    if kept.reason and not getattr(request, "htmx", False):
        keep_typed(request, kept)
    context = {"card": card, "outcome": outcome, "kept": kept, "may_record": True}
    return respond(request, [(outcome, just)], "today/card.html", context, "#attention")


def _overtaken(request: HttpRequest, flag: Flag, act: str) -> Outcome | None:
    """What somebody else did with a flag since it was shown; None where nobody did, or only the same."""
    said, mine = request.POST, flag.cleared_by_id == user_of(request).pk
    if flag.cleared_at is not None:
        if mine and (act == "undo" or said.get("reason", "").strip() == flag.cleared_reason):
            return None
        return _cleared_by_another(flag, flag.cleared_at)
    until = flag.snoozed_until
    shown = said.get("snoozed")
    if act == "undo" or until is None or shown in (None, until.isoformat()):
        return None
    if act == "snooze" and until == _week_from_here(flag):
        return None
    words = {"who": last_actor("schedules.flag", flag.pk) or "Dayzero", "day": near_here(until)}
    return Outcome(_("Not saved: %(who)s snoozed it until %(day)s.") % words, "stale")


def _cleared_by_another(flag: Flag, at: datetime) -> Outcome:
    """Say that somebody else cleared a flag: at an hour of today, or on another day."""
    here, site = at.astimezone(zone_of(flag.participant.site)), flag.participant.site
    words = {
        "who": flag.cleared_by.get_username() if flag.cleared_by else "Dayzero",
        "when": lately(here),
        "reason": flag.cleared_reason,
    }
    today = here.date() == clock_at(site, now()).today
    if flag.cleared_reason:
        text = (
            _("Not saved: %(who)s cleared it at %(when)s: “%(reason)s”.")
            if today
            else _("Not saved: %(who)s cleared it on %(when)s: “%(reason)s”.")
        )
    else:
        text = (
            _("Not saved: %(who)s cleared it at %(when)s.")
            if today
            else _("Not saved: %(who)s cleared it on %(when)s.")
        )
    return Outcome(text % words, "stale")


def _week_from_here(flag: Flag) -> date:
    """The day until which a flag is snoozed by one click."""
    return clock_at(flag.participant.site, now()).today + SNOOZE


def _perform(request: HttpRequest, flag: Flag, act: str) -> Outcome:
    user, instant = user_of(request), now()
    words = {"flag": flag_heading(flag), "person": person_words(flag.participant)}
    until = _week_from_here(flag)
    if act == "undo":
        snoozed = until if request.POST.get("what") == "snooze" else None
        wake_flag(flag=flag, until=snoozed, by=user, now=instant, reason=UNDONE)
        return Outcome(_("%(flag)s, %(person)s: undone. The flag is open again.") % words, "back")
    if act == "clear":
        if flag.cleared_at is None:
            reason, seen = request.POST.get("reason", ""), request.POST.get("evidence")
            clear_flag(flag=flag, by=user, reason=reason, now=instant, evidence=seen)
        text = _("%(flag)s, %(person)s: cleared. It comes back only when the evidence changes.")
        return Outcome(text % words, undo="clear")
    if flag.snoozed_until != until:
        snooze_flag(flag=flag, until=until, by=user, now=instant)
    text = _("%(flag)s, %(person)s: snoozed until %(day)s, or until it becomes more severe.")
    return Outcome(text % {**words, "day": near_here(until)}, undo="snooze")


def _in_sight(request: HttpRequest, pk: int) -> Flag:
    flag = flag_in_sight(user_of(request), server_day(now()), pk)
    if flag is None:
        raise Http404
    return flag
