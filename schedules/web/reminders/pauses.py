"""Pauses of reminders, with an end and a reason; and who looks after a participant."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from participants.selectors.participants import participants_visible_to
from schedules.selectors.reminders.previews import coordinator_of, pause_in_sight
from schedules.selectors.windows.flags import owners_possible
from schedules.services.reminders.settings import Pause, end_pause, name_coordinator, pause_reminders
from schedules.web.reminders.forms import CoordinatorForm, PauseForm
from schedules.web.shared.answers import answer, may_record, person_of, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from trials.domain.accounts.access import Right
from trials.selectors.protocols.approvals import may_throughout, trials_in_view
from trials.zones import roles_day, server_zone, zone_of


@login_required
@require_http_methods(["GET", "POST"])
def pause_participant(request: HttpRequest, pk: int) -> HttpResponse:
    """Say nothing of a participant until a day."""
    participant = person_of(request, pk)
    require_record(request, participant)
    today = roles_day(now()).there(zone_of(participant.site))

    def perform(form: Any) -> HttpResponse:
        _pause(request, form, today, participant=participant)
        return redirect("participant", pk=pk)

    context = {
        "participant": participant,
        "title": _("Pause the reminders"),
        "button": _("Pause"),
        "back": reverse("participant", kwargs={"pk": pk}),
    }
    return answer(request, lambda data: PauseForm(today, data), perform, context, zone_of(participant.site))


@login_required
@require_http_methods(["GET", "POST"])
def pause_trial(request: HttpRequest, pk: int) -> HttpResponse:
    """Say nothing in a trial until a day."""
    user, today = user_of(request), server_day(now())
    trial = get_object_or_404(trials_in_view(user, today), pk=pk)
    if trial.frozen_on or not may_throughout(user, Right.RECORD, trial, today):
        raise PermissionDenied(_("Your role here does not allow changing the rules of reminders."))

    def perform(form: Any) -> HttpResponse:
        _pause(request, form, today, trial=trial)
        return redirect("reminder-rules", pk=pk)

    context = {
        "title": _("Pause the reminders of %(trial)s") % {"trial": trial.code},
        "button": _("Pause"),
        "back": reverse("reminder-rules", kwargs={"pk": pk}),
    }
    return answer(request, lambda data: PauseForm(today, data), perform, context, server_zone())


@login_required
@require_http_methods(["GET", "POST"])
def pause_own(request: HttpRequest) -> HttpResponse:
    """Be told nothing until a day: the deputy is told, or the others of the site."""
    user, today = user_of(request), server_day(now())

    def perform(form: Any) -> HttpResponse:
        _pause(request, form, today, person=user)
        return redirect("reminders")

    context = {"title": _("Pause your reminders"), "button": _("Pause"), "back": reverse("reminders")}
    return answer(request, lambda data: PauseForm(today, data), perform, context, server_zone())


@login_required
@require_POST
def pause_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a pause before its last day."""
    user, today = user_of(request), server_day(now())
    found = pause_in_sight(user, participants_visible_to(user, today), pk)
    if found is None:
        raise Http404
    if found.participant is not None:
        allowed, home = (
            may_record(request, found.participant),
            reverse("participant", args=[found.participant_id]),
        )
    elif found.trial is not None:
        allowed = may_throughout(user, Right.RECORD, found.trial, today)
        home = reverse("reminder-rules", args=[found.trial_id])
    else:
        allowed, home = found.person_id == user.pk, reverse("reminders")
    if not allowed:
        raise PermissionDenied(_("Your role here does not allow changing the rules of reminders."))
    end_pause(pause=found, by=user)
    messages.success(request, _("The pause is ended."))
    return redirect(home)


@login_required
@require_http_methods(["GET", "POST"])
def coordinator(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who looks after a participant."""
    participant = person_of(request, pk)
    require_record(request, participant)
    present = coordinator_of(participant)
    people = owners_possible(participant, server_day(now()))

    def perform(form: Any) -> HttpResponse:
        name_coordinator(participant=participant, user=form.cleaned_data["user"], by=user_of(request))
        messages.success(request, _("Saved."))
        return redirect("participant", pk=pk)

    context = {
        "participant": participant,
        "title": _("Who looks after the participant"),
        "button": _("Save"),
        "back": reverse("participant", kwargs={"pk": pk}),
    }

    def make(data: Any) -> CoordinatorForm:
        return CoordinatorForm(people, present.user_id if present else None, data)

    return answer(request, make, perform, context, zone_of(participant.site))


def _pause(request: HttpRequest, form: Any, today: Any, **whose: Any) -> None:
    data = form.cleaned_data
    pause = Pause(data["first"], data["last"], data["reason"], **whose)
    pause_reminders(pause=pause, today=today, by=user_of(request))
    messages.success(request, _("Reminders are paused until %(day)s.") % {"day": pause.last.isoformat()})
