"""The course of a participant: where they stand, the steps that may come next, and who is away when."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from participants.domain.lifecycle import PHASE_LABELS, STEP_LABELS, Step
from participants.models import Participant
from schedules.selectors.calendars import today_at
from schedules.selectors.course import person_in_sight, zone_of
from schedules.selectors.course_page import course_page, sites_to_transfer_to, what_follows
from schedules.services.course import may_be_undone, take_step, undo_last_step
from schedules.web.clock import now, server_day
from schedules.web.course_forms import StepForm
from schedules.web.people import user_of
from schedules.web.recording import answer, may_record, person_of, require_record
from schedules.web.visit_forms import ReasonForm


@login_required
def course(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a participant stands, how they came there, and the steps that are possible now."""
    participant = person_of(request, pk)
    page = course_page(participant)
    context = {
        "page": page,
        "participant": participant,
        "phase": _(PHASE_LABELS[page.phase]),
        "steps": [(step, _(STEP_LABELS[Step(step.step)])) for step in page.steps],
        "possible": [(step.value, _(STEP_LABELS[step])) for step in page.possible],
        "may_record": may_record(request, participant),
        "undoable": may_be_undone([step for step in page.steps if not step.undone]),
    }
    return render(request, "visits/course.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def course_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    """The form of one step."""
    if step not in set(Step):
        raise Http404
    participant, which = person_of(request, pk), Step(step)
    require_record(request, participant)
    context = _context(participant, _(STEP_LABELS[which]), _("Record"))
    today = today_at(participant.site, now())
    initial = {"version": participant.version, "on": today}
    context["follows"] = what_follows(participant, which, today)

    def perform(form: StepForm) -> HttpResponse:
        take_step(
            participant=participant,
            version=form.shown(),
            request=form.request(),
            by=user_of(request),
            reason=form.why(),
            now=now(),
        )
        messages.success(request, _("%(step)s is recorded.") % {"step": _(STEP_LABELS[which])})
        if person_in_sight(user_of(request), server_day(now()), pk):
            return redirect("course", pk=pk)
        gone = {"who": participant.subject_code, "site": form.request().site}
        messages.info(request, _("%(who)s is now at %(site)s, where you have no role.") % gone)
        return redirect("participants")

    def make(data: Any) -> StepForm:
        return StepForm(which, sites_to_transfer_to(participant), data, initial=initial)

    return answer(request, make, perform, context, zone_of(participant.site))


@login_required
@require_http_methods(["GET", "POST"])
def course_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """The form by which the last step is taken back."""
    participant = person_of(request, pk)
    require_record(request, participant)
    context = _context(participant, _("Take back the last step"), _("Take back"))
    initial = {"version": participant.version}

    def perform(form: ReasonForm) -> HttpResponse:
        by, instant = user_of(request), now()
        undo_last_step(participant=participant, version=form.shown(), by=by, reason=form.why(), now=instant)
        messages.success(request, _("The last step is taken back."))
        return redirect("course", pk=pk)

    return answer(
        request, lambda data: ReasonForm(data, initial=initial), perform, context, zone_of(participant.site)
    )


def _context(participant: Participant, title: str, button: str) -> dict[str, Any]:
    return {
        "participant": participant,
        "title": title,
        "button": button,
        "back": reverse("course", kwargs={"pk": participant.pk}),
    }
