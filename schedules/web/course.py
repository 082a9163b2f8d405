"""The course of a participant: where they stand, the steps that may come next, and who is away when."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from participants.domain.lifecycle import PHASE_LABELS, STEP_LABELS, Step
from participants.models import Participant
from schedules.selectors.absences import absences_of
from schedules.selectors.calendars import today_at
from schedules.selectors.course import zone_of
from schedules.selectors.course_page import (
    absence_in_sight,
    course_page,
    may_record_at,
    people_at,
    sites_to_transfer_to,
)
from schedules.services.absences import add_absence, close_absence
from schedules.services.course import FOR_GOOD, take_step, undo_last_step
from schedules.web.clock import now, server_day
from schedules.web.course_forms import AbsenceForm, StepForm
from schedules.web.people import user_of
from schedules.web.recording import answer, may_record, person_of, require_record
from schedules.web.visit_forms import ReasonForm
from trials.models import Site
from trials.selectors import sites_visible_to


@login_required
def course(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a participant stands, how they came there, and the steps that are possible now."""
    participant = person_of(request, pk)
    page = course_page(participant)
    last = page.last
    context = {
        "page": page,
        "participant": participant,
        "phase": _(PHASE_LABELS[page.phase]),
        "steps": [(step, _(STEP_LABELS[Step(step.step)])) for step in page.steps],
        "possible": [(step.value, _(STEP_LABELS[step])) for step in page.possible],
        "may_record": may_record(request, participant),
        "undoable": last is not None and Step(last.step) not in FOR_GOOD,
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
        return redirect("course", pk=pk)

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


@login_required
@require_http_methods(["GET", "POST"])
def participant_absences(request: HttpRequest, pk: int) -> HttpResponse:
    """When a participant is away, and a form for more."""
    participant = person_of(request, pk)
    allowed = may_record(request, participant)
    context = {
        **_context(participant, _("Absences of %(who)s") % {"who": participant.subject_code}, _("Add")),
        "back": reverse("participant", kwargs={"pk": pk}),
        "absences": absences_of(participant=participant),
    }
    return _absences(request, context, allowed=allowed, whose={"participant": participant})


@login_required
@require_http_methods(["GET", "POST"])
def site_absences(request: HttpRequest, pk: int) -> HttpResponse:
    """When somebody whom a site cannot do without is away, and a form for more."""
    user, day = user_of(request), server_day(now())
    site = sites_visible_to(user, day).filter(pk=pk).first()
    if site is None:
        raise Http404
    context = {
        "title": _("Absences at %(site)s") % {"site": site.name},
        "button": _("Add"),
        "back": reverse("today"),
        "absences": absences_of(site=site),
    }
    return _absences(request, context, allowed=may_record_at(user, site, day), whose={"site": site})


@login_required
@require_http_methods(["GET", "POST"])
def absence_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The form by which an absence is ended."""
    user, day = user_of(request), server_day(now())
    absence = absence_in_sight(user, day, pk)
    if absence is None:
        raise Http404
    person = absence.participant
    site = person.site if person else absence.site
    assert site is not None, "an absence is of a participant or of a site"
    if not (may_record(request, person) if person else may_record_at(user, site, day)):
        raise PermissionDenied(_("Your role here does not allow recording."))
    back = _list_of(person, site)
    context = {"title": _("End the absence"), "button": _("End"), "back": back, "participant": person}

    def perform(form: ReasonForm) -> HttpResponse:
        close_absence(absence=absence, by=user, reason=form.why(), now=now())
        messages.success(request, _("The absence is ended; days are suggested without it."))
        return redirect(back)

    return answer(request, ReasonForm, perform, context, zone_of(site))


def _absences(
    request: HttpRequest, context: dict[str, Any], *, allowed: bool, whose: dict[str, Any]
) -> HttpResponse:
    """The list of absences with its form; whoever may only look gets the list."""
    site: Site = whose.get("site") or whose["participant"].site
    people = people_at(site, today_at(site, now())) if "site" in whose else None
    if not allowed:
        if request.method == "POST":
            raise PermissionDenied(_("Your role here does not allow recording."))
        return render(request, "visits/form.html", context)

    def perform(form: AbsenceForm) -> HttpResponse:
        add_absence(away=form.away(**whose), by=user_of(request), now=now())
        messages.success(request, _("The absence is recorded; days are suggested around it."))
        return redirect(_list_of(whose.get("participant"), site))

    return answer(request, lambda data: AbsenceForm(people, data), perform, context, zone_of(site))


def _list_of(participant: Participant | None, site: Site) -> str:
    if participant:
        return reverse("participant-absences", kwargs={"pk": participant.pk})
    return reverse("site-absences", kwargs={"pk": site.pk})


def _context(participant: Participant, title: str, button: str) -> dict[str, Any]:
    return {
        "participant": participant,
        "title": title,
        "button": button,
        "back": reverse("course", kwargs={"pk": participant.pk}),
    }
