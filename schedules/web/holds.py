"""The hold between chemotherapy and infusion: its clocks, and what may be done now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.domain.explain import offset_text
from schedules.domain.hold_clock import Waiting
from schedules.selectors.calendars import today_at
from schedules.selectors.course import zone_of
from schedules.selectors.course_page import what_follows
from schedules.selectors.holds import waiting_of_participant
from schedules.services.holds import (
    Resumption,
    abandon_infusion,
    hold_infusion,
    preview_repeat,
    record_fever,
    repeat_lymphodepletion,
    resume_infusion,
)
from schedules.web.anchor_fields import DayInput, HourInput
from schedules.web.clock import now
from schedules.web.people import user_of
from schedules.web.recording import answer, may_record, person_of, require_record
from schedules.web.replanning_rows import preview_rows
from schedules.web.visit_forms import ReasonForm, VersionedForm, instant
from schedules.web.words import say
from trials.domain.errors import Refused
from trials.selectors import protocol_of


class DayForm(ReasonForm):
    """A day, and why."""

    on = forms.DateField(label=gettext_lazy("On"), widget=DayInput())
    field_order: Sequence[str] = ("on", "reason")


class FeverForm(VersionedForm):
    """When fever was last measured."""

    on = forms.DateField(label=gettext_lazy("Last fever on"), widget=DayInput())
    at = forms.TimeField(label=gettext_lazy("At"), widget=HourInput())


class ResumeForm(DayForm):
    """The day on which a hold ends; the infusion stays on its planned day."""

    despite = forms.BooleanField(
        required=False,
        label=gettext_lazy("The infusion is meant to come before the hours without fever are full"),
    )
    field_order = ("on", "despite", "reason")


class RepeatForm(ReasonForm):
    """The new planned day of the infusion."""

    day_zero = forms.DateField(label=gettext_lazy("New planned day of the infusion"), widget=DayInput())
    digest = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ("day_zero", "reason")

    def showing(self, digest: str) -> None:
        """Let the form that is shown stand for a preview."""
        typed: Any = self.data.copy()  # type: ignore[attr-defined]
        typed["digest"] = digest
        self.data = typed


Perform = Callable[[Participant, Any, dict[str, Any]], object]


def _hold(participant: Participant, form: Any, shared: dict[str, Any]) -> object:
    return hold_infusion(version=form.shown(), on=form.cleaned_data["on"], reason=form.why(), **shared)


def _fever(participant: Participant, form: Any, shared: dict[str, Any]) -> None:
    data = form.cleaned_data
    at = instant(data["on"], data["at"], zone_of(participant.site))
    if at is not None and at > shared["now"]:
        raise Refused({"on": [_("That is in the future: give when fever was last measured.")]})
    assert at is not None, "both fields are required"
    record_fever(at=at, **shared)


def _resume(participant: Participant, form: Any, shared: dict[str, Any]) -> object:
    resumption = Resumption(form.cleaned_data["on"], despite=form.cleaned_data["despite"])
    return resume_infusion(version=form.shown(), resumption=resumption, reason=form.why(), **shared)


def _repeat(participant: Participant, form: Any, shared: dict[str, Any]) -> object:
    day = form.cleaned_data["day_zero"]
    return repeat_lymphodepletion(version=form.shown(), day_zero=day, reason=form.why(), **shared)


def _abandon(participant: Participant, form: Any, shared: dict[str, Any]) -> object:
    return abandon_infusion(version=form.shown(), on=form.cleaned_data["on"], reason=form.why(), **shared)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that may be done with a hold: its words, its form, and the service behind it."""

    link: Promise
    title: Promise
    button: Promise
    done: Promise
    form: type[VersionedForm]
    perform: Perform


ABANDON, REPEAT = "abandon", "repeat"
ACTS: Mapping[str, Act] = {
    "begin": Act(
        gettext_lazy("Put on hold"),
        gettext_lazy("Put the infusion on hold"),
        gettext_lazy("Put on hold"),
        gettext_lazy("The infusion is on hold."),
        DayForm,
        _hold,
    ),
    "fever": Act(
        gettext_lazy("Record fever"),
        gettext_lazy("When was fever last measured?"),
        gettext_lazy("Record"),
        gettext_lazy("The hours without fever are counted from there."),
        FeverForm,
        _fever,
    ),
    "resume": Act(
        gettext_lazy("Resume"),
        gettext_lazy("Resume after a hold"),
        gettext_lazy("Resume"),
        gettext_lazy("The hold has ended."),
        ResumeForm,
        _resume,
    ),
    REPEAT: Act(
        gettext_lazy("Repeat lymphodepletion"),
        gettext_lazy("Plan lymphodepletion again, as a new block"),
        gettext_lazy("Plan it again"),
        gettext_lazy("Lymphodepletion is planned again; what was given stays on record."),
        RepeatForm,
        _repeat,
    ),
    ABANDON: Act(
        gettext_lazy("Abandon the infusion"),
        gettext_lazy("Abandon the infusion: never infused"),
        gettext_lazy("Abandon"),
        gettext_lazy("The infusion is abandoned; what was to follow does not apply."),
        DayForm,
        _abandon,
    ),
}


@login_required
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a course waits: days on hold, hours without fever, what the protocol allows, what comes next."""
    participant = person_of(request, pk)
    waiting, today = waiting_of_participant(participant), today_at(participant.site, now())
    context: dict[str, Any] = {
        "participant": participant,
        "waiting": waiting,
        "today": today,
        "may_record": may_record(request, participant),
    }
    if waiting:
        context |= _clocks(participant, waiting, today)
        names = (
            ["fever", "resume", "repeat", "abandon"]
            if waiting.since
            else ["begin", "fever", "repeat", "abandon"]
        )
        context["acts"] = [(name, ACTS[name].link) for name in names]
        context["delay"] = reverse("replan", kwargs={"pk": pk, "what": "anchors"})
    return render(request, "replanning/hold.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def hold_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """The form of one thing that is done with a hold."""
    if act not in ACTS:
        raise Http404
    participant, what = person_of(request, pk), ACTS[act]
    require_record(request, participant)
    home = reverse("hold", kwargs={"pk": pk})
    context: dict[str, Any] = {
        "participant": participant,
        "title": what.title,
        "button": what.button,
        "back": home,
    }
    today = today_at(participant.site, now())
    initial = {"version": participant.version, "on": today}
    if act == ABANDON:
        context["follows"] = what_follows(participant, Step.NEVER_INFUSED, today)

    def perform(form: Any) -> HttpResponse:
        shared = {"participant": participant, "by": user_of(request), "now": now()}
        if act == REPEAT and (shown := _shown_first(request, participant, form, context)):
            return shown
        what.perform(participant, form, shared)
        messages.success(request, str(what.done))
        return redirect(home)

    def make(data: Any) -> VersionedForm:
        return what.form(data, initial=initial)

    return answer(request, make, perform, context, zone_of(participant.site))


def _shown_first(
    request: HttpRequest, participant: Participant, form: RepeatForm, context: dict[str, Any]
) -> HttpResponse | None:
    """What a repeated lymphodepletion would do; None once that was seen and still holds."""
    preview = preview_repeat(participant=participant, day_zero=form.cleaned_data["day_zero"], now=now())
    seen = form.cleaned_data["digest"]
    if request.POST.get("action") == "commit" and seen == preview.digest:
        return None
    form.showing(preview.digest)
    stale = request.POST.get("action") == "commit"
    words = {"button": _("Show what would happen"), "commit": context["button"], "stale": stale}
    shown = {**context, **words, "form": form, "rows": preview_rows(preview)}
    return render(request, "visits/form.html", shown, status=409 if stale else 200)


def _clocks(participant: Participant, waiting: Waiting, today: date) -> dict[str, Any]:
    """The clocks of a hold in words and numbers; what is assumed is named so."""
    zone, terms = zone_of(participant.site), waiting.terms
    labels = protocol_of(participant.protocol_version).anchor_by_code
    hours = int(terms.hours_without_fever.total_seconds() // 3600)
    passed = min(waiting.hours_afebrile(now()), hours)
    return {
        "began_label": say(labels[waiting.anchor].label),
        "base_label": say(labels[waiting.base].label),
        "days": waiting.days(today),
        "overrun": waiting.overrun(today),
        "fever_at": waiting.fever_at,
        "full_at": waiting.afebrile_at.astimezone(zone) if waiting.afebrile_at else None,
        "passed": passed,
        "hours": hours,
        "full": passed >= hours,
        "longest": offset_text(terms.longest, say) if terms.longest else "",
        "terms": terms,
        "escalated": waiting.on_hold and today >= waiting.escalates_on,
    }
