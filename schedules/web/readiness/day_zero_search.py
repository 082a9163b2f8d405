"""Finding a day zero: for a participant, or for somebody who is not enrolled yet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_safe

from participants.models import Participant
from schedules.domain.plan.labels import in_language
from schedules.domain.readiness.day_zero_search import (
    AGAINST_LABELS,
    IMPOSSIBLE,
    CandidateDay,
    Objection,
    Ranking,
)
from schedules.domain.readiness.start_context import Start
from schedules.selectors.pages.enrolment import cohorts_of, versions_to_enrol_under
from schedules.selectors.readiness.day_zero_search import RangeRefused, ranked_days, weights_in_use
from schedules.selectors.readiness.start_context import Newcomer, start_of, start_of_newcomer
from schedules.selectors.store.calendars import today_at
from schedules.web.participants.enrolment_form import PLANNED, PlaceForm
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.answers import may_record, person_of
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say
from trials.domain.accounts.access import Right
from trials.keyset import row_id
from trials.models import Cohort, ProtocolVersion, User
from trials.selectors.records import may, protocol_of, roles_of
from trials.web.shared.query_params import is_set, query_params
from trials.web.shared.refusals import put_refusals

USUAL = timedelta(days=41)
"""How many days more than the first are searched where nobody says."""

AT_FIRST = 20
"""How many of the best days are shown before all are asked for."""


class RangeForm(forms.Form):
    """From which to which day."""

    first = forms.DateField(label=gettext_lazy("Day zero from"), widget=DayInput())
    last = forms.DateField(label=gettext_lazy("to"), widget=DayInput())

    def refuse(self, refused: RangeRefused) -> None:
        """Put what was refused next to the fields that it is about."""
        put_refusals(self, refused.fields)


class NewcomerForm(PlaceForm, RangeForm):
    """Where, under which version, with which traits, at which level, and from which to which day."""

    cohort: forms.ModelChoiceField[Cohort] = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label=gettext_lazy("Cohort"),
        empty_label=pgettext_lazy("cohort", "None"),
    )
    traits = forms.MultipleChoiceField(
        required=False, label=gettext_lazy("Traits"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, version: ProtocolVersion | None, user: User, today: date, data: Any = None) -> None:
        super().__init__(user, today, data, initial={"first": today, "last": today + USUAL})
        cohort, traits = self.fields["cohort"], self.fields["traits"]
        assert isinstance(cohort, forms.ModelChoiceField)
        assert isinstance(traits, forms.MultipleChoiceField)
        if version is None:
            del self.fields["cohort"]
            del self.fields["traits"]
            return
        cohort.queryset = cohorts_of(version.trial)
        protocol = in_language(protocol_of(version), say)
        traits.choices = [(trait.code, trait.label) for trait in protocol.traits if not trait.always]

    def newcomer(self) -> Newcomer:
        """Who is asked about."""
        data = self.cleaned_data
        traits = frozenset(data.get("traits", ()))
        return Newcomer(data["version"], data["site"], traits, data.get("cohort"))


@login_required
@require_safe
@query_params("first", "last", "all")
def day_zero(request: HttpRequest, pk: int) -> HttpResponse:
    """The days of a range as a participant's day zero, the best first."""
    participant, instant = person_of(request, pk), now()
    today = today_at(participant.site, instant)
    start = start_of(participant, instant, say)
    given = request.GET if "first" in request.GET else _likely(start, today)
    form = RangeForm(given)
    ranking = _ranked(form, start) if not start.infused and form.is_valid() else None
    context = {
        **_context(request, form, ranking, start),
        "participant": participant,
        "planned": start.anchors.get(start.protocol.day_zero),
        "may_move": may_record(request, participant),
    }
    for row in context["rows"]:
        row["address"] = _move_address(participant, start, row["day"])
    answered = ranking or start.infused
    return render(request, "day_zero/participant.html", context, status=200 if answered else 422)


@login_required
@require_safe
@query_params("version", "site", "cohort", "first", "last", "all", several=("traits",))
def day_zero_newcomer(request: HttpRequest) -> HttpResponse:
    """The days of a range as the day zero of somebody who is not enrolled yet, the best first."""
    user, here = user_of(request), server_day(now())
    if not roles_of(user, here).allows(Right.ENROL):
        raise PermissionDenied(_("Your roles do not allow enrolling."))
    version = _version(request)
    form = NewcomerForm(version, user, here, request.GET if version else None)
    if version is None:
        return render(request, "day_zero/newcomer.html", {"form": form})
    ranking, start = None, None
    if form.is_valid():
        newcomer = form.newcomer()
        if not may(user, Right.ENROL, newcomer.site, newcomer.version.trial, here):
            raise PermissionDenied(_("Your roles do not allow enrolling at this site in this trial."))
        start = start_of_newcomer(newcomer, now(), say)
        ranking = _ranked(form, start)
    context = {
        **_context(request, form, ranking, start),
        "whole": True,
        "asked": _asked(form, start),
        "field": planned_field(start.protocol.day_zero) if start else "",
    }
    return render(request, "day_zero/newcomer.html", context, status=200 if ranking else 422)


def planned_field(anchor: str) -> str:
    """The field of the enrolment form for an anchor's planned day."""
    return f"anchor-{anchor}-{PLANNED}-on"


def _version(request: HttpRequest) -> ProtocolVersion | None:
    asked = row_id(request.GET.get("version", ""))
    versions = versions_to_enrol_under(user_of(request), server_day(now()))
    return versions.filter(pk=asked).first() if asked else None


def _ranked(form: RangeForm, start: Start) -> Ranking | None:
    try:
        return ranked_days(start, form.cleaned_data["first"], form.cleaned_data["last"])
    except RangeRefused as refused:
        form.refuse(refused)
        return None


def _likely(start: Start, today: date) -> dict[str, date]:
    """The range that is searched where nobody gave one: from the planned day zero, or today, on."""
    planned = start.anchors.get(start.protocol.day_zero)
    first = max(today, planned.day - USUAL / 3) if planned else today
    return {"first": first, "last": first + USUAL}


def _context(
    request: HttpRequest, form: RangeForm, ranking: Ranking | None, start: Start | None
) -> dict[str, Any]:
    everything = is_set(request, "all")
    days = ranking.days if ranking else ()
    shown = days if everything else days[:AT_FIRST]
    more = request.GET.copy()
    more["all"] = "1"
    return {
        "form": form,
        **(_said_of(start) if start else {}),
        "rows": [_row(day) for day in shown],
        "count": len(days),
        "rest": len(days) - len(shown),
        "more": f"?{more.urlencode()}",
        "searched": ranking is not None,
        "onwards": _onwards(request, form, ranking),
        "common": [reason.text(say) for reason in ranking.common] if ranking else (),
        "weights": _weights(),
        "never": [_(AGAINST_LABELS[kind]) for kind in AGAINST_LABELS if kind in IMPOSSIBLE],
    }


def _weights() -> list[tuple[str, int]]:
    """The points of this installation, for each thing and for a week of waiting."""
    weights = weights_in_use()
    named = [(_(AGAINST_LABELS[kind]), points) for kind, points in weights.of.items()]
    return [*named, (_("A full week after the first possible day"), weights.week)]


def _said_of(start: Start) -> dict[str, Any]:
    protocol = start.protocol
    return {
        "today": start.today,
        "zero": protocol.anchor_by_code[protocol.day_zero].label,
        "begins": protocol.anchor_by_code[start.anchor].label,
        "two": start.anchor != protocol.day_zero and not start.begun,
        "infused": start.infused,
    }


def _onwards(request: HttpRequest, form: RangeForm, ranking: Ranking | None) -> str:
    """The address of as many days after these, where none of these is possible; else empty."""
    if ranking is None or any(day.possible for day in ranking.days):
        return ""
    first, last = form.cleaned_data["first"], form.cleaned_data["last"]
    asked = request.GET.copy()
    asked["first"], asked["last"] = (
        str(last + timedelta(days=1)),
        str(last + timedelta(days=1) + (last - first)),
    )
    return f"?{asked.urlencode()}"


def _row(day: CandidateDay) -> dict[str, Any]:
    reasons = [
        {
            "of": reason.of if reason.against is Objection.TEST else "",
            "text": reason.text(say),
            "points": reason.points,
            "kind": reason.against.value,
        }
        for reason in day.reasons
    ]
    look = ("done" if not day.points else "soon") if day.possible else "grave"
    kinds = dict.fromkeys(
        reason.text(say) if reason.against is Objection.STAY_ON_HOLIDAY else _(AGAINST_LABELS[reason.against])
        for reason in day.reasons[1:]
    )
    more = len(reasons) - 1
    return {"day": day, "reasons": reasons, "look": look, "more": more, "kinds": _(" · ").join(kinds)}


def _asked(form: NewcomerForm, start: Start | None) -> list[tuple[str, str]]:
    """What the enrolment form is filled with; the day is each row's own."""
    if start is None:
        return []
    names = ("version", "site", "cohort")
    fields = [(name, form.data.get(name, "")) for name in names]
    return [*fields, *(("traits", code) for code in sorted(start.traits))]


def _move_address(participant: Participant, start: Start, day: CandidateDay) -> str:
    """The page that shows what would move with this day, before anything does."""
    asked = {start.protocol.day_zero: day.day.isoformat()}
    if start.anchor in start.anchors and not start.begun:
        asked[start.anchor] = day.start.isoformat()
    address = reverse("replan", kwargs={"pk": participant.pk, "what": "anchors"})
    return f"{address}?{urlencode(asked)}"
