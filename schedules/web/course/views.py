"""The course of a participant: where they stand, the steps that may come next, and who is away when."""

from __future__ import annotations

from functools import partial
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
from schedules.selectors.pages.course import course_page, planned_day_zero, sites_to_transfer_to
from schedules.selectors.readiness.holds import expected_before
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.course import person_in_sight, steps_of
from schedules.services.course.rehearsals import Act
from schedules.services.course.repetition import withdraw_repetition
from schedules.services.course.status_changes import is_repetition, may_be_undone, take_step, undo_last_step
from schedules.web.course.forms import StepForm, TakeBackForm
from schedules.web.shared.answers import Showing, answer_shown, may_record, person_of, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import ShownForm, ShownReasonForm
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import name_fields, treatment_words
from trials.selectors.records import protocol_of


@login_required
def course(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a participant stands, how they came there, and the steps that are possible now."""
    participant = person_of(request, pk)
    page = course_page(participant)
    standing = [step for step in page.steps if not step.undone]
    context = {
        "page": page,
        "participant": participant,
        "phase": _(PHASE_LABELS[page.phase]),
        "steps": [(step, _(STEP_LABELS[Step(step.step)])) for step in page.steps],
        "possible": [(step.value, _(STEP_LABELS[step])) for step in page.possible],
        "may_record": may_record(request, participant),
        **treatment_words(protocol_of(participant.protocol_version)),
        "undoable": may_be_undone(standing) or is_repetition(standing),
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
    initial = {"version": participant.version, "on": today_at(participant.site, now())}
    if which is Step.RESCREENING:
        initial["day_zero"] = planned_day_zero(participant)

    def act(form: StepForm) -> Act:
        return partial(take_step, request=form.request(), **_said(request, participant, form))

    def done(form: StepForm) -> HttpResponse:
        messages.success(request, _("%(step)s is recorded.") % {"step": _(STEP_LABELS[which])})
        if person_in_sight(user_of(request), server_day(now()), pk):
            return redirect("course", pk=pk)
        gone = {"who": participant.subject_code, "site": form.request().site}
        messages.info(request, _("%(who)s is now at %(site)s, where you have no role.") % gone)
        return redirect("participants")

    def make(data: Any) -> StepForm:
        return StepForm(which, sites_to_transfer_to(participant), data, initial=initial)

    return answer_shown(request, make, Showing(participant, act, done), context)


@login_required
@require_http_methods(["GET", "POST"])
def course_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """The form by which the last step is withdrawn."""
    participant = person_of(request, pk)
    require_record(request, participant)
    context = _context(participant, _("Withdraw the last status change"), _("Withdraw"))
    repeated = is_repetition(steps_of(participant))
    initial: dict[str, Any] = {"version": participant.version}
    if repeated:
        initial["day_zero"] = expected_before(participant)

    def act(form: Any) -> Act:
        said = _said(request, participant, form)
        if not repeated:
            return partial(undo_last_step, **said)
        asked = {name: form.cleaned_data[name] for name in ("day_zero", "sure")}
        return partial(withdraw_repetition, **asked, **said)

    def done(form: Any) -> HttpResponse:
        messages.success(request, _("The last status change is withdrawn."))
        return redirect("course", pk=pk)

    def make(data: Any) -> ShownForm:
        if not repeated:
            return ShownReasonForm(data, initial=initial)
        names = treatment_words(protocol_of(participant.protocol_version))
        return name_fields(TakeBackForm(data, initial=initial), names)

    return answer_shown(request, make, Showing(participant, act, done), context)


def _said(request: HttpRequest, participant: Participant, form: ShownForm) -> dict[str, Any]:
    """What every service of a course is told."""
    shown = {"participant": participant, "version": form.shown(), "reason": form.why()}
    return {**shown, "by": user_of(request), "now": now()}


def _context(participant: Participant, title: str, button: str) -> dict[str, Any]:
    return {
        "participant": participant,
        "title": title,
        "button": button,
        "back": reverse("course", kwargs={"pk": participant.pk}),
    }
