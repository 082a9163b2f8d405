"""The facts on record of a participant, and the pages that record, correct and withdraw them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods

from participants.domain.fact_kinds import FactKind
from participants.domain.fact_rows import fact_of
from participants.models import Fact as StoredFact
from participants.models import Participant
from participants.selectors.participants import fact_row
from schedules.domain.windows.fact_sources import tests_to_repeat
from schedules.selectors.store.course import clock_at
from schedules.selectors.store.plan_rows import WindowRow
from schedules.selectors.windows.evaluation import ParticipantWindows
from schedules.selectors.windows.verdicts import (
    fact_lines,
    fact_on_record,
    feeds_by_kind,
    last_of_kind,
    performed_days,
    verdict_rows,
    windows_asked,
    windows_of_participant,
)
from schedules.services.windows.facts import Recorded, correct_fact, record_fact, waive_window, withdraw_fact
from schedules.web.shared.answers import answer, may_record, person_of, require_record
from schedules.web.shared.back import back_or
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import ReasonForm
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say
from schedules.web.windows.day_facts import judged_words, of_whom
from schedules.web.windows.fact_forms import RECORDABLE, Choices, FactForm, initial_of
from schedules.web.windows.fact_wording import KINDS, code_words
from trials.domain.accounts.access import WAIVING_ROLE
from trials.domain.words import run_on
from trials.keyset import row_id
from trials.models import User
from trials.selectors.records import roles_of
from trials.spoken import bracketed

REPEATED = ("of", "name", "half_life", "source", "minutes")
"""What a form takes from the last fact of its kind: never a day, an hour or a result."""


@login_required
def facts(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything on record that windows are judged by, and what can be recorded."""
    participant = person_of(request, pk)
    participant_windows = windows_of_participant(participant, say)
    lines = fact_lines(participant_windows)
    offered = _choices(participant_windows)
    context = {
        "participant": participant,
        "standing": [line for line in lines if line.stored.withdrawn_at is None],
        "withdrawn": [line for line in lines if line.stored.withdrawn_at is not None],
        "kinds": [(kind, KINDS[kind], _windows_fed(offered, kind)) for kind in _recordable(offered)],
        "may_record": may_record(request, participant),
        "may_waive": WAIVING_ROLE in _roles(user_of(request), participant),
    }
    return render(request, "windows/facts.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def fact_new(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The form of a new fact of one kind."""
    if kind not in RECORDABLE:
        raise Http404
    participant, what = person_of(request, pk), FactKind(kind)
    require_record(request, participant)
    participant_windows = windows_of_participant(participant, say)
    choices = _choices(participant_windows)
    context = _context(participant_windows, _("Record: %(kind)s") % {"kind": KINDS[what]}, _("Record"))
    context["fed"] = _windows_fed(choices, what)
    initial, last = _repeated(request, participant_windows, what)
    context["repeated"] = last
    if what is FactKind.CONFIRMATION:  # somebody has just been asked; a result is of the day of its sample
        initial = {"at_on": clock_at(participant.site, now()).today, **initial}

    def make(data: Any) -> FactForm:
        return FactForm(what, choices, data, initial=initial)

    def record(form: FactForm, by: User, instant: datetime) -> Recorded:
        fact = form.fact(participant_windows.zone)
        asked: dict[str, Any] = {"reason": form.why(), "sure": form.is_sure()}
        return record_fact(participant=participant, fact=fact, by=by, now=instant, **asked)

    return _answer(request, participant_windows, make, record, context)


@login_required
@require_http_methods(["GET", "POST"])
def fact_correct(request: HttpRequest, pk: int, fact: int) -> HttpResponse:
    """The form by which a fact is corrected."""
    participant = person_of(request, pk)
    require_record(request, participant)
    stored, participant_windows = _standing(participant, fact), windows_of_participant(participant, say)
    kind = FactKind(stored.kind)
    if kind not in RECORDABLE:
        raise Http404
    initial = initial_of(fact_of(fact_row(stored), participant_windows.zone))
    choices = _choices(participant_windows)
    context = _context(participant_windows, _("Correct: %(kind)s") % {"kind": KINDS[kind]}, _("Correct"))
    context["fed"] = _windows_fed(choices, kind)

    def make(data: Any) -> FactForm:
        return FactForm(kind, choices, data, initial=initial, correcting=True)

    def record(form: FactForm, by: User, instant: datetime) -> Recorded:
        fact = form.fact(participant_windows.zone)
        asked: dict[str, Any] = {"reason": form.why(), "sure": form.is_sure()}
        return correct_fact(stored=stored, fact=fact, by=by, now=instant, **asked)

    return _answer(request, participant_windows, make, record, context)


@login_required
@require_http_methods(["GET", "POST"])
def fact_withdraw(request: HttpRequest, pk: int, fact: int) -> HttpResponse:
    """The form by which a fact is taken off the record."""
    participant = person_of(request, pk)
    require_record(request, participant)
    stored, participant_windows = _standing(participant, fact), windows_of_participant(participant, say)
    if stored.kind == FactKind.WAIVER:
        _require_waiver(request, participant)
    title = _("Withdraw: %(kind)s") % {"kind": KINDS[FactKind(stored.kind)]}

    def perform(form: Any) -> HttpResponse:
        withdraw_fact(stored=stored, by=user_of(request), now=now(), reason=form.why())
        messages.success(request, run_on([_("Withdrawn."), *judged_words(participant, [stored])], _))
        return redirect("facts", pk=participant.pk)

    context = _context(participant_windows, title, pgettext("fact", "Withdraw"))
    return answer(request, ReasonForm, perform, context, participant_windows.zone)


@login_required
@require_http_methods(["GET", "POST"])
def window_waive(request: HttpRequest, pk: int, window: str) -> HttpResponse:
    """The form by which an investigator sets a window aside, where the protocol allows it."""
    participant = person_of(request, pk)
    user, participant_windows = user_of(request), windows_of_participant(participant, say)
    roles = _require_waiver(request, participant)
    rule = next(
        (rule for rule in participant_windows.protocol.windows if rule.code == window and rule.waivable), None
    )
    if rule is None:
        raise Http404

    def perform(form: Any) -> HttpResponse:
        waive_window(
            participant=participant, window=window, by=user, roles=roles, now=now(), reason=form.why()
        )
        messages.success(request, _("“%(window)s” is waived.") % {"window": rule.label})
        return redirect(f"{reverse('participant', kwargs={'pk': pk})}#window-{window}")

    context = _context(participant_windows, _("Waive “%(window)s”") % {"window": rule.label}, _("Waive"))
    return answer(request, ReasonForm, perform, context, participant_windows.zone)


def verdict_context(
    request: HttpRequest, participant_windows: ParticipantWindows, windows: Sequence[WindowRow]
) -> dict[str, Any]:
    """What the page of a participant shows of their windows: verdicts now, and what may be done."""
    rows = verdict_rows(participant_windows, now(), say, windows)
    roles = _roles(user_of(request), participant_windows.record.participant)
    statuses = {row.code: row.verdict.status for row in rows}
    again = tests_to_repeat(participant_windows.protocol.windows, statuses, participant_windows.facts.tests)
    return {"verdicts": rows, "may_waive": WAIVING_ROLE in roles, "tests_to_repeat": again}


def _answer(
    request: HttpRequest,
    participant_windows: ParticipantWindows,
    make: Callable[[Any], FactForm],
    record: Callable[[FactForm, User, datetime], Recorded],
    context: dict[str, Any],
) -> HttpResponse:
    """The form, or what became of it: everything that is wrong with the fact next to its fields."""

    def perform(form: FactForm) -> HttpResponse:
        recorded = record(form, user_of(request), now())
        for warning in recorded.warnings:
            messages.warning(request, _("Recorded, but look: %(words)s.") % {"words": warning.text(say)})
        participant = participant_windows.record.participant
        kind, of = KINDS[FactKind(recorded.stored.kind)], recorded.stored.of
        fact = bracketed(str(kind), str(code_words(of))) if of else str(kind)
        done = of_whom(request, participant, _("Recorded: %(kind)s.") % {"kind": fact})
        messages.success(request, run_on([done, *judged_words(participant, [recorded.stored])], _))
        facts_page = reverse("facts", kwargs={"pk": participant.pk})
        return redirect(back_or(request, facts_page))

    return answer(request, make, perform, context, participant_windows.zone)


def _repeated(
    request: HttpRequest, participant_windows: ParticipantWindows, kind: FactKind
) -> tuple[dict[str, Any], StoredFact | None]:
    """What a form begins with: what the address gives, else the details of the last one, never its days."""
    given = request.GET.dict()
    last = last_of_kind(
        participant_windows.record.participant, kind, row_id(given.pop("like", "")), given.get("of", "")
    )
    if last is None:
        return given, None
    before = initial_of(fact_of(fact_row(last), participant_windows.zone))
    kept = {name: before[name] for name in REPEATED if before.get(name) not in (None, "")}
    return {**kept, **given}, last if set(kept) - {"of"} or "like" in request.GET else None


def _context(participant_windows: ParticipantWindows, title: str, button: str) -> dict[str, Any]:
    participant = participant_windows.record.participant
    back = reverse("facts", kwargs={"pk": participant.pk})
    return {"participant": participant, "title": title, "button": button, "back": back}


def _choices(participant_windows: ParticipantWindows) -> Choices:
    windows = windows_asked(participant_windows.protocol, participant_windows.record.participant)
    return Choices(feeds_by_kind(windows), performed_days(participant_windows))


def _recordable(choices: Choices) -> list[FactKind]:
    """The kinds that feed some window of this participant."""
    return [kind for kind in RECORDABLE if choices.feeds.get(kind)]


def _windows_fed(choices: Choices, kind: FactKind) -> list[str]:
    """The labels of the windows that a kind feeds."""
    return list(dict.fromkeys(feed.window.label for feed in choices.feeds.get(kind, ())))


def _standing(participant: Participant, pk: int) -> StoredFact:
    stored = fact_on_record(participant, pk)
    if stored is None or stored.withdrawn_at is not None:
        raise Http404
    return stored


def _require_waiver(request: HttpRequest, participant: Participant) -> tuple[str, ...]:
    """The roles of somebody who may waive, and take a waiver back; raises PermissionDenied for others."""
    roles = _roles(user_of(request), participant)
    if WAIVING_ROLE not in roles:
        raise PermissionDenied(_("Only an investigator of this site may waive a window."))
    return roles


def _roles(user: User, participant: Participant) -> tuple[str, ...]:
    """The roles of a user at a participant's site in the trial."""
    scope = roles_of(user, server_day(now()))
    place = (participant.site_id, participant.trial_id)
    return tuple(sorted({grant.role for grant in scope.grants if grant.covers(*place)}))
