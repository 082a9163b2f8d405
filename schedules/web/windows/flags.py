"""The list of flags, and what people do with one: clear it with a reason, snooze it, give it an owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from participants.models import Participant
from schedules.models import Flag, Severity
from schedules.models.follow_up import MOST_SEVERE_FIRST
from schedules.selectors.reminders.bell import told_of_flag
from schedules.selectors.today.attention import missing_of
from schedules.selectors.windows.flags import (
    FlagRow,
    WantedFlags,
    flag_in_sight,
    flag_row,
    flags_listed,
    owners_possible,
)
from schedules.services.windows.flags import assign_flag, clear_flag, snooze_flag
from schedules.web.reminders.words import told_context
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.answers import answer, may_record, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import ReasonForm, VersionedForm
from schedules.web.shared.just_done import taken_from_session
from schedules.web.shared.people import user_of
from schedules.web.shared.places import offered, site_asked
from schedules.web.shared.query_params import neighbours, number
from schedules.web.shared.wording import say
from schedules.web.windows.fact_wording import SEVERITIES
from trials.domain.accounts.access import Right
from trials.models import User
from trials.selectors.records import roles_of, sites_visible_to
from trials.web.shared.query_params import choice_in, is_set, query_params
from trials.zones import zone_of

TOLD = 20
"""How many lines of what was said to whom a page shows at most."""


class ClearForm(ReasonForm):
    """Why a flag is cleared, of the evidence that it had when the form was shown."""

    evidence = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)
    seen_values = ("evidence",)


class SnoozeForm(VersionedForm):
    """Until when a flag sleeps."""

    until = forms.DateField(
        label=gettext_lazy("Until"),
        widget=DayInput(),
        help_text=gettext_lazy("It reappears on that day, or sooner if it becomes more severe."),
    )


class OwnerForm(VersionedForm):
    """Who looks after a flag."""

    owner: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Owner"),
        required=False,
        empty_label=gettext_lazy("Nobody"),
    )

    def __init__(self, participant: Participant, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)
        owner.queryset = owners_possible(participant, server_day(now()))


@login_required
@query_params("severity", "site", "mine", "asleep")
def flags(request: HttpRequest) -> HttpResponse:
    """Everything somebody must look at, the most severe first."""
    user, instant = user_of(request), now()
    here = server_day(instant)
    wanted = _wanted(request)
    found = flags_listed(user, here, instant, wanted, say)
    scope = roles_of(user, here)
    recording = {
        row.flag.pk
        for row in found.rows
        if scope.allows(Right.RECORD, row.flag.participant.site_id, row.flag.participant.trial_id)
    }
    context = {
        "found": found,
        "acts": {row.flag.pk: missing_of(row)[:1] for row in found.rows if row.flag.pk in recording},
        "just": taken_from_session(request),
        "back": request.get_full_path(),
        "wanted": wanted,
        "tiles": [
            (severity.value, SEVERITIES[severity], found.counts[severity.value])
            for severity in MOST_SEVERE_FIRST
        ],
        "sites": offered(sites_visible_to(user, here), wanted.site),
        "filtered": bool(wanted.severity or wanted.site or wanted.mine or wanted.asleep),
        **neighbours(request, found.page, found.pages),
    }
    return render(request, "flags/list.html", context)


@login_required
def flag(request: HttpRequest, pk: int) -> HttpResponse:
    """One flag: what it stands for, since when, whose it is."""
    row = _in_sight(request, pk)
    zone = zone_of(row.flag.participant.site)
    context = {
        "row": row,
        "participant": row.flag.participant,
        "zone": zone,
        "may_record": may_record(request, row.flag.participant),
        **told_context(told_of_flag(pk), now(), TOLD, zone),
    }
    return render(request, "flags/flag.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def flag_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """The form of one thing that is done with a flag."""
    row = _in_sight(request, pk)
    one, participant = row.flag, row.flag.participant
    require_record(request, participant)
    if act not in ACTS:
        raise Http404
    title, button, done = TITLES[act]

    def make(data: Any) -> VersionedForm:
        return FORMS[act](one, data)

    def perform(form: Any) -> HttpResponse:
        ACTS[act](one, form, user_of(request), now())
        messages.success(request, str(done))
        return redirect("flags")

    context = {
        "participant": participant,
        "title": title,
        "button": button,
        "back": reverse("flag", kwargs={"pk": pk}),
    }
    return answer(request, make, perform, context, zone_of(participant.site))


def _clear(flag: Flag, form: Any, by: User, instant: datetime) -> None:
    seen = form.cleaned_data["evidence"]
    clear_flag(flag=flag, by=by, reason=form.why(), now=instant, evidence=seen)


def _snooze(flag: Flag, form: Any, by: User, instant: datetime) -> None:
    snooze_flag(flag=flag, until=form.cleaned_data["until"], by=by, now=instant)


def _assign(flag: Flag, form: Any, by: User, instant: datetime) -> None:
    assign_flag(flag=flag, owner=form.cleaned_data["owner"], by=by, now=instant)


ACTS: Mapping[str, Callable[[Flag, Any, User, datetime], None]] = {
    "clear": _clear,
    "snooze": _snooze,
    "owner": _assign,
}
FORMS: Mapping[str, Callable[[Flag, Any], VersionedForm]] = {
    "clear": lambda flag, data: ClearForm(data, initial={"evidence": flag.evidence}),
    "snooze": lambda _flag, data: SnoozeForm(data),
    "owner": lambda flag, data: OwnerForm(flag.participant, data, initial={"owner": flag.owner_id}),
}
TITLES = {
    "clear": (
        gettext_lazy("Clear the flag"),
        gettext_lazy("Clear"),
        gettext_lazy("Cleared; it comes back only when the evidence changes."),
    ),
    "snooze": (gettext_lazy("Snooze the flag"), gettext_lazy("Snooze"), gettext_lazy("Snoozed.")),
    "owner": (gettext_lazy("Give the flag to somebody"), gettext_lazy("Save"), gettext_lazy("Saved.")),
}


def _in_sight(request: HttpRequest, pk: int) -> FlagRow:
    instant = now()
    found = flag_in_sight(user_of(request), server_day(instant), pk)
    if found is None:
        raise Http404
    return flag_row(found, instant, say)


def _wanted(request: HttpRequest) -> WantedFlags:
    severity = choice_in(request, "severity", Severity.values)
    return WantedFlags(
        severity=Severity(severity) if severity else None,
        site=site_asked(request),
        mine=is_set(request, "mine"),
        asleep=is_set(request, "asleep"),
        page=number(request, "page") or 1,
    )
