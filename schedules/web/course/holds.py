"""The hold between chemotherapy and infusion: its clocks, and what may be done now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
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

from participants.models import Participant
from schedules.domain.plan.explanations import offset_text
from schedules.domain.replanning.hold_clock import Waiting
from schedules.selectors.readiness.holds import waiting_of_participant
from schedules.selectors.store.calendars import today_at
from schedules.services.course.holds import (
    Resumption,
    abandon_infusion,
    hold_infusion,
    record_fever,
    resume_infusion,
)
from schedules.services.course.rehearsals import Act as Service
from schedules.services.course.repetition import repeat_lymphodepletion
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.answers import (
    Showing,
    answer,
    answer_shown,
    may_record,
    person_of,
    require_record,
)
from schedules.web.shared.clock import now
from schedules.web.shared.forms import ShownForm, ShownReasonForm, SureField, UnlikelyDayForm
from schedules.web.shared.hours import HourField
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import name_fields, say, treatment_words
from trials.domain.errors import Refused
from trials.selectors.records import protocol_of
from trials.zones import zone_of


class DayForm(ShownReasonForm):
    """A day, and why."""

    on = forms.DateField(label=gettext_lazy("On"), widget=DayInput())
    field_order: Sequence[str] = ("on", "reason")


class FeverForm(UnlikelyDayForm):
    """When fever was last measured."""

    on = forms.DateField(label=gettext_lazy("Last fever on"), widget=DayInput())
    at = HourField("on", label=gettext_lazy("At"))
    field_order = ("on", "at", "reason", "sure")


class ResumeForm(DayForm):
    """The day on which a hold ends; the infusion stays on its planned day."""

    despite = forms.BooleanField(
        required=False,
        label=gettext_lazy("%(awaited_first)s is meant to come before the hours without fever are full"),
    )
    field_order = ("on", "despite", "reason")


class RepeatForm(ShownReasonForm):
    """The new planned day of the infusion."""

    day_zero = forms.DateField(label=gettext_lazy("New planned day of %(awaited)s"), widget=DayInput())
    sure = SureField()
    field_order = ("day_zero", "reason", "sure")


Asked = Callable[[Any, dict[str, Any]], Service]


def _hold(form: Any, shared: dict[str, Any]) -> Service:
    return partial(hold_infusion, on=form.cleaned_data["on"], **shared)


def _resume(form: Any, shared: dict[str, Any]) -> Service:
    resumption = Resumption(form.cleaned_data["on"], despite=form.cleaned_data["despite"])
    return partial(resume_infusion, resumption=resumption, **shared)


def _repeat(form: Any, shared: dict[str, Any]) -> Service:
    asked = {name: form.cleaned_data[name] for name in ("day_zero", "sure")}
    return partial(repeat_lymphodepletion, **asked, **shared)


def _abandon(form: Any, shared: dict[str, Any]) -> Service:
    return partial(abandon_infusion, on=form.cleaned_data["on"], **shared)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that may be done with a hold: its words, its form, and the service that is shown first."""

    link: Promise
    title: Promise
    button: Promise
    done: Promise
    form: type[ShownForm]
    asked: Asked


FEVER = "fever"
ACTS: Mapping[str, Act] = {
    "begin": Act(
        gettext_lazy("Put on hold"),
        gettext_lazy("Put %(awaited)s on hold"),
        gettext_lazy("Put on hold"),
        gettext_lazy("%(awaited_first)s is on hold."),
        DayForm,
        _hold,
    ),
    "resume": Act(
        gettext_lazy("Resume"),
        gettext_lazy("Resume after a hold"),
        gettext_lazy("Resume"),
        gettext_lazy("The hold has ended."),
        ResumeForm,
        _resume,
    ),
    "repeat": Act(
        gettext_lazy("Repeat %(given)s"),
        gettext_lazy("Plan %(given)s again, as a new block"),
        gettext_lazy("Plan it again"),
        gettext_lazy("%(given_first)s is planned again; what was given stays on record."),
        RepeatForm,
        _repeat,
    ),
    "abandon": Act(
        gettext_lazy("Abandon %(awaited)s"),
        gettext_lazy("Abandon %(awaited)s"),
        gettext_lazy("Abandon"),
        gettext_lazy("%(awaited_first)s is abandoned; what was to follow does not apply."),
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
        **treatment_words(protocol_of(participant.protocol_version)),
    }
    if waiting:
        context |= _clocks(participant, waiting, today)
        first = [FEVER, "resume"] if waiting.since else ["begin", FEVER]
        links = {FEVER: _("Record fever"), **{name: str(act.link) % context for name, act in ACTS.items()}}
        context["acts"] = [(name, links[name]) for name in (*first, "repeat", "abandon")]
        context["delay"] = reverse("replan", kwargs={"pk": pk, "what": "anchors"})
    return render(request, "replanning/hold.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def hold_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """The form of one thing that is done with a hold."""
    if act not in ACTS and act != FEVER:
        raise Http404
    participant = person_of(request, pk)
    require_record(request, participant)
    context: dict[str, Any] = {"participant": participant, "back": reverse("hold", kwargs={"pk": pk})}
    initial = {"version": participant.version, "on": today_at(participant.site, now())}
    if act == FEVER:
        return _fever(request, participant, context, initial)
    what, names = ACTS[act], treatment_words(protocol_of(participant.protocol_version))

    def asked(form: Any) -> Service:
        shared = {"participant": participant, "by": user_of(request), "now": now()}
        return what.asked(form, {"version": form.shown(), "reason": form.why(), **shared})

    def done(form: Any) -> HttpResponse:
        messages.success(request, str(what.done) % names)
        return redirect(context["back"])

    def make(data: Any) -> ShownForm:
        return name_fields(what.form(data, initial=initial), names)

    context |= {"title": str(what.title) % names, "button": what.button}
    return answer_shown(request, make, Showing(participant, asked, done), context)


def _fever(
    request: HttpRequest, participant: Participant, context: dict[str, Any], initial: dict[str, Any]
) -> HttpResponse:
    """The form of a fever: a fact, that moves no visit."""
    zone = zone_of(participant.site)

    def perform(form: Any) -> HttpResponse:
        instant_now = now()
        at = form.instant("at", zone)
        assert at is not None, "both fields are required"
        if at > instant_now:
            raise Refused({"on": [_("That is in the future: give when fever was last measured.")]})
        asked: dict[str, Any] = {"reason": form.why(), "sure": form.is_sure()}
        record_fever(participant=participant, at=at, by=user_of(request), now=instant_now, **asked)
        messages.success(request, _("The hours without fever are counted from there."))
        return redirect(context["back"])

    context |= {"title": _("When was fever last measured?"), "button": _("Record")}
    return answer(request, lambda data: FeverForm(data, initial=initial), perform, context, zone)


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
