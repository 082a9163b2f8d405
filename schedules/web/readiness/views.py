"""The list before the point of no return, and the milestones of the product that it waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from participants.domain.product import (
    LABELS,
    WAY,
    Milestone,
    expected,
    next_milestones,
    ready_on,
    usual_days,
)
from participants.models import Participant
from participants.selectors.participants import anchor_days
from participants.selectors.products import product_of, step_in_sight, steps_on_record
from participants.services.product import MilestoneRecord, withdraw_milestone
from schedules.domain.readiness.checklist import Readiness, readiness_on
from schedules.domain.readiness.start_context import (
    ANSWER_LABELS,
    ITEM_LABELS,
    Answer,
    Item,
    Start,
    start_day,
)
from schedules.models import ReadinessCheck
from schedules.selectors.readiness.start_context import checks_of, start_of
from schedules.selectors.store.calendars import today_at
from schedules.services.readiness.product import put_milestone
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.answers import answer, may_record, person_of, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import NO_NAMES, ReasonForm, UnlikelyDayForm
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say
from trials.domain.protocols.protocol import Role
from trials.selectors.records import protocol_of
from trials.web.shared.query_params import query_params
from trials.zones import zone_of

FAR = timedelta(days=5 * 366)
"""No start is asked about further away than this."""


LOOK = {Answer.YES: "done", Answer.NO: "grave", Answer.NOT_KNOWN: "soon"}
"""In which status's colours an answer stands."""


class DayForm(forms.Form):
    """For which day is asked."""

    day = forms.DateField(label=gettext_lazy("For which day"), widget=DayInput())

    def __init__(self, today: date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_day(self) -> date:
        """A day near enough to be meant."""
        day: date = self.cleaned_data["day"]
        if abs(day - self.today) > FAR:
            raise forms.ValidationError(_("Give a day within five years of today."))
        return day


class MilestoneForm(UnlikelyDayForm):
    """Which milestone, when, and a note."""

    milestone = forms.ChoiceField(label=gettext_lazy("Milestone"))
    on = forms.DateField(label=gettext_lazy("On"), widget=DayInput())
    note = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False, help_text=NO_NAMES)
    field_order = ("milestone", "on", "note", "reason", "sure")

    def __init__(self, milestones: Sequence[Milestone], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["milestone"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(one.value, _(LABELS[one])) for one in milestones]

    def record(self) -> MilestoneRecord:
        """What was said."""
        data = self.cleaned_data
        return MilestoneRecord(Milestone(data["milestone"]), data["on"], data["note"])


@login_required
@require_safe
@query_params("day")
def readiness(request: HttpRequest, pk: int) -> HttpResponse:
    """May chemotherapy start on this day? The list, for the planned day or another one.

    Once it has begun no other day is left to ask about.
    """
    participant, instant = person_of(request, pk), now()
    start = start_of(participant, instant, say)
    checks = checks_of(participant)
    asked = request.GET if "day" in request.GET and not start.begun else {"day": _planned(start)}
    form = DayForm(start.today, asked)
    found = _readiness(start, form.cleaned_data["day"]) if form.is_valid() else None
    context = {
        **(_shown(found, start) if found else {}),
        "participant": participant,
        "form": form,
        "today": start.today,
        "anchor": start.protocol.anchor_by_code[start.anchor].label,
        "planned": _planned(start),
        "begun": start.anchors.get(start.anchor) if start.begun else None,
        "checks": [_check(check, start) for check in checks],
        "may_record": may_record(request, participant),
    }
    return render(request, "readiness/list.html", context, status=200 if found else 422)


def _readiness(start: Start, day: date) -> Readiness:
    """The list of a day; that chemotherapy has begun is said above it, and is nothing that bars it."""
    found = readiness_on(start, day)
    if not start.begun:
        return found
    return replace(found, lines=tuple(one for one in found.lines if one.item is not Item.COURSE))


def _shown(found: Readiness, start: Start) -> dict[str, object]:
    """The list of a day as the page shows it."""
    return {
        "readiness": found,
        "zero": found.plan.day_zero,
        "lines": _lines(found.document(say)),
        "verdict": _answer(found.answer),
        "counts": _counts(found),
        "repeatable": found.screening_expired(start),
    }


@login_required
@require_safe
def product(request: HttpRequest, pk: int) -> HttpResponse:
    """The milestones of a participant's product: what came, and what is expected when."""
    participant = person_of(request, pk)
    today = today_at(participant.site, now())
    lot, steps = product_of(participant), steps_on_record(participant)
    collection = _collection(participant)
    own = {step.step: step for step in steps if step.attempt == lot.attempt}
    usual = usual_days(protocol_of(participant.protocol_version))
    planned = expected(lot, today, collection, usual)
    way = [(one, _(LABELS[one.milestone]), own.get(one.milestone)) for one in planned]
    context = {
        "participant": participant,
        "today": today,
        "attempt": lot.attempt,
        "way": way,
        "broken": [(step, _(LABELS[Milestone(step.step)])) for step in own.values() if step.step not in WAY],
        "earlier": [(s, _(LABELS[Milestone(s.step)])) for s in steps if s.attempt != lot.attempt],
        "ready": ready_on(lot, today, collection, usual),
        "may_record": may_record(request, participant),
    }
    return render(request, "readiness/product.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def milestone_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that a milestone came."""
    return _milestone(request, pk, expecting=False)


@login_required
@require_http_methods(["GET", "POST"])
def milestone_expected(request: HttpRequest, pk: int) -> HttpResponse:
    """Record the day on which a milestone is expected."""
    return _milestone(request, pk, expecting=True)


@login_required
@require_http_methods(["GET", "POST"])
def milestone_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a milestone back, with a reason."""
    step = step_in_sight(user_of(request), server_day(now()), pk)
    if step is None:
        raise Http404
    participant = step.participant
    require_record(request, participant)
    title = _("Withdraw: %(milestone)s") % {"milestone": _(LABELS[Milestone(step.step)])}

    def perform(form: ReasonForm) -> HttpResponse:
        withdraw_milestone(step=step, by=user_of(request), reason=form.why())
        messages.success(request, _("The milestone is withdrawn."))
        return redirect("product", pk=participant.pk)

    return answer(
        request, ReasonForm, perform, _context(participant, title, _("Withdraw")), zone_of(participant.site)
    )


def _milestone(request: HttpRequest, pk: int, *, expecting: bool) -> HttpResponse:
    participant = person_of(request, pk)
    require_record(request, participant)
    today, lot = today_at(participant.site, now()), product_of(participant)
    possible = [one for one in next_milestones(lot) if not expecting or one in WAY]
    initial = {"on": None if expecting else today, "milestone": request.GET.get("milestone", "")}
    title = _("Expect a milestone") if expecting else _("Record a milestone")

    def perform(form: MilestoneForm) -> HttpResponse:
        record = form.record()
        put_milestone(
            participant=participant,
            record=record,
            expecting=expecting,
            by=user_of(request),
            now=now(),
            reason=form.why(),
            sure=form.is_sure(),
        )
        words = {"milestone": _(LABELS[record.milestone])}
        messages.success(request, _("%(milestone)s is recorded.") % words)
        return redirect("product", pk=pk)

    return answer(
        request,
        lambda data: MilestoneForm(possible, data, initial=initial),
        perform,
        _context(participant, title, _("Record")),
        zone_of(participant.site),
    )


def _context(participant: Participant, title: str, button: str) -> dict[str, Any]:
    back = reverse("product", kwargs={"pk": participant.pk})
    return {"participant": participant, "title": title, "button": button, "back": back}


def _planned(start: Start) -> date:
    """The day of the start, or for which it is planned; today where none is."""
    if start.begun:
        return start.anchors[start.anchor].day
    anchor = start.anchors.get(start.protocol.day_zero)
    return start_day(start.plan_with(anchor.day), anchor.day) if anchor else start.today


def _collection(participant: Participant) -> date | None:
    found = anchor_days(participant).get(protocol_of(participant.protocol_version).code_of(Role.COLLECTION))
    return (found.actual_on or found.planned_on) if found else None


def _lines(lines: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {
            "item": _(ITEM_LABELS[Item(line["item"])]),
            "of": line["of"],
            "why": line["why"],
            **_answer(Answer(line["answer"])),
        }
        for line in lines
    ]


def _answer(found: Answer) -> dict[str, str]:
    return {"answer": found.value, "word": _(ANSWER_LABELS[found]), "look": LOOK[found]}


def _counts(found: Readiness) -> list[tuple[dict[str, str], int]]:
    return [(_answer(one), len(found.answering(one))) for one in Answer]


def _check(check: ReadinessCheck, start: Start) -> dict[str, Any]:
    """A list on record, with the hour at the site."""
    verdicts = check.verdicts
    at: datetime = check.checked_at.astimezone(start.zone)
    return {
        "check": check,
        "at": at,
        "reason": verdicts.get("reason", ""),
        "verdict": _answer(Answer(verdicts["answer"])),
        "lines": _lines(verdicts["lines"]),
    }
