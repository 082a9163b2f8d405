"""The log of deviations, the page of one, and what a person says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from schedules.domain.deviations.drafts import KIND_LABELS, STATE_LABELS, DeviationKind, DeviationState
from schedules.models import Deviation, DeviationClass
from schedules.selectors.deviations.log import (
    DeviationRow,
    WantedDeviations,
    deviation_in_log,
    deviation_page,
    deviation_rows,
    deviation_totals,
)
from schedules.services.deviations.classification import (
    assess_deviation,
    reinstate_deviation,
    uphold_deviation,
    withdraw_deviation,
)
from schedules.web.deviations.forms import AssessmentForm
from schedules.web.deviations.table import HEADS, cells
from schedules.web.shared.answers import answer, may_record, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.exports import Table, exported
from schedules.web.shared.forms import ReasonForm, VersionedForm
from schedules.web.shared.people import user_of
from schedules.web.shared.places import places, site_asked, trial_asked
from schedules.web.shared.query_params import (
    day_asked,
    key_asked,
    next_page,
    search_asked,
)
from schedules.web.shared.wording import say
from trials.domain.accounts.access import Right, Scope
from trials.models import User
from trials.selectors.records import roles_of
from trials.web.shared.query_params import choice_in, query_params
from trials.zones import zone_of


class Act(NamedTuple):
    """What is done with a deviation: the words of its page and button, and those once it is done."""

    title: Promise
    button: Promise
    done: Promise


ACTS: Mapping[str, Act] = {
    "assess": Act(
        gettext_lazy("Describe and classify"),
        gettext_lazy("Save"),
        gettext_lazy("Saved."),
    ),
    "withdraw": Act(
        gettext_lazy("Withdraw the deviation"),
        pgettext_lazy("deviation", "Withdraw"),
        gettext_lazy("Withdrawn; it stays in the log with your reason."),
    ),
    "reinstate": Act(
        gettext_lazy("Bring the deviation back"),
        gettext_lazy("Bring back"),
        gettext_lazy("The deviation is open again."),
    ),
    "uphold": Act(
        gettext_lazy("Say that it still holds"),
        gettext_lazy("It still holds"),
        gettext_lazy("You confirmed the deviation."),
    ),
}
EVERY_STATE = "all"
FILTERS = ("trial", "site", "q", "kind", "state", "class", "from", "to")
REASONED: Mapping[str, Callable[..., Deviation]] = {
    "withdraw": withdraw_deviation,
    "reinstate": reinstate_deviation,
    "uphold": uphold_deviation,
}


@login_required
@require_safe
@query_params(*FILTERS)
def deviations(request: HttpRequest) -> HttpResponse:
    """The log, the newest first."""
    wanted = wanted_of(request)
    day, user = server_day(now()), user_of(request)
    wanted = replace(wanted, standing=request.GET.get("state") != EVERY_STATE)
    found = deviation_page(user, day, wanted)
    totals = deviation_totals(user, day, wanted)
    context = {
        "rows": found.rows,
        "tiles": [(state.value, say(label), totals.states[state]) for state, label in STATE_LABELS.items()],
        "by_class": [(name, label, totals.classes[name]) for name, label in DeviationClass.choices],
        "may_classify": _classifiable(found.rows, roles_of(user, day)),
        "every_state": EVERY_STATE,
        "everything": not wanted.standing,
        "wanted": wanted,
        "kinds": [(kind.value, say(label)) for kind, label in KIND_LABELS.items()],
        "states": [(state.value, say(label)) for state, label in STATE_LABELS.items()],
        "classes": DeviationClass.choices,
        **places(request, wanted.site, wanted.trial),
        **next_page(request, found.after),
    }
    return render(request, "deviations/log.html", context)


@login_required
@require_safe
@query_params(*FILTERS)
def deviations_export(request: HttpRequest, form: str) -> HttpResponseBase:
    """All of the log that is asked for, as a table to be kept."""
    wanted = replace(wanted_of(request), after=None)
    rows = deviation_rows(user_of(request), server_day(now()), wanted)
    return exported(request, Table("deviations", "log of deviations", HEADS, map(cells, rows)), form)


@login_required
@require_safe
def deviation(request: HttpRequest, pk: int) -> HttpResponse:
    """One deviation: what the record says, what a person says, who signed it."""
    row = _in_sight(request, pk)
    possible = _possible(row) if may_record(request, row.deviation.participant) else ()
    context = {"row": row, "one": row.deviation, "acts": [(act, ACTS[act].title) for act in possible]}
    return render(request, "deviations/deviation.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def deviation_act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """The form of one thing that is done with a deviation."""
    row = _in_sight(request, pk)
    one = row.deviation
    require_record(request, one.participant)
    if act not in ACTS:
        raise Http404
    home = reverse("deviation", kwargs={"pk": pk})
    context = {
        "row": row,
        "one": one,
        "participant": one.participant,
        "title": ACTS[act].title,
        "button": ACTS[act].button,
        "back": home,
        "template": "deviations/form.html",
    }

    def make(data: Any) -> VersionedForm:
        if act == "assess":
            return AssessmentForm(one, data)
        return ReasonForm(data, initial={"version": one.version})

    def perform(form: Any) -> HttpResponse:
        _perform(one, act, form, user_of(request))
        messages.success(request, str(ACTS[act].done))
        return redirect(home)

    return answer(request, make, perform, context, zone_of(one.participant.site))


def wanted_of(request: HttpRequest) -> WantedDeviations:
    """What an address asks of the log."""
    kind = choice_in(request, "kind", [kind.value for kind in DeviationKind])
    state = choice_in(request, "state", [*(state.value for state in DeviationState), EVERY_STATE])
    return WantedDeviations(
        trial=trial_asked(request),
        site=site_asked(request),
        search=search_asked(request),
        kind=DeviationKind(kind) if kind else None,
        state=DeviationState(state) if state and state != EVERY_STATE else None,
        classification=choice_in(request, "class", DeviationClass.values),
        first=day_asked(request, "from"),
        last=day_asked(request, "to"),
        after=key_asked(request),
    )


def _classifiable(rows: Sequence[DeviationRow], scope: Scope) -> list[int]:
    """The drafts of a page, by id, that this reader may classify."""
    drafts = [row.deviation for row in rows if row.state is DeviationState.DRAFT]
    return [
        one.pk
        for one in drafts
        if scope.allows(Right.RECORD, one.participant.site_id, one.participant.trial_id)
    ]


def _in_sight(request: HttpRequest, pk: int) -> DeviationRow:
    row = deviation_in_log(user_of(request), server_day(now()), pk)
    if row is None:
        raise Http404
    return row


def _possible(row: DeviationRow) -> tuple[str, ...]:
    """What may be done with a deviation as it stands, the likeliest first."""
    return {
        DeviationState.WITHDRAWN: ("reinstate",),
        DeviationState.LAPSED: ("withdraw", "uphold", "assess"),
        DeviationState.CLASSIFIED: ("assess", "withdraw"),
        DeviationState.DRAFT: ("assess", "withdraw"),
    }[row.state]


def _perform(one: Deviation, act: str, form: Any, by: User) -> None:
    shared = {"deviation": one, "version": form.shown(), "by": by, "now": now()}
    if act == "assess":
        reason = str(form.cleaned_data.get("reason") or "")
        assess_deviation(**shared, said=form.assessment(), reason=reason)
    else:
        REASONED[act](**shared, reason=form.why())
