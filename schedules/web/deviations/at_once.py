"""Several drafted deviations described and classified at once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from schedules.selectors.deviations.log import DeviationRow, drafts_chosen
from schedules.services.deviations.classification import assess_several
from schedules.web.deviations.forms import AssessmentForm
from schedules.web.shared.answers import require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from trials.domain.errors import Refused, Stale
from trials.keyset import row_id
from trials.web.shared.query_params import query_params


@login_required
@require_http_methods(["GET", "POST"])
@query_params(several=("one",))
def deviations_classify(request: HttpRequest) -> HttpResponse:
    """One form for the drafts that were ticked in the log: the same is said of each, or of none."""
    rows = _chosen(request)
    if not rows:
        messages.info(request, _("Tick at least one draft in the log."))
        return redirect("deviations")
    for row in rows:
        require_record(request, row.deviation.participant)
    if request.method != "POST":
        return _page(request, rows, AssessmentForm(rows[0].deviation))
    form = AssessmentForm(rows[0].deviation, request.POST)
    if not form.is_valid():
        return _page(request, rows, form, status=422)
    shown = {row.deviation.pk: _version(request, row) for row in rows}
    try:
        count = assess_several(deviations=shown, said=form.assessment(), by=user_of(request), now=now())
    except Refused as refused:
        form.refuse(refused.fields)
        return _page(request, rows, form, status=422)
    except Stale:
        form.add_error(None, _("Somebody else has changed one of these since: look at them, and save again."))
        return _page(request, rows, form, status=409)
    said = ngettext("%(count)d deviation is saved.", "%(count)d deviations are saved.", count)
    messages.success(request, said % {"count": count})
    return redirect("deviations")


def _chosen(request: HttpRequest) -> list[DeviationRow]:
    given = (request.POST if request.method == "POST" else request.GET).getlist("one")
    return drafts_chosen(user_of(request), server_day(now()), [row_id(text) for text in given[:AT_ONCE]])


AT_ONCE = 100
"""How many drafts one form takes: two pages of the log."""


def _version(request: HttpRequest, row: DeviationRow) -> int:
    """The version that was shown of a deviation; 0, which is none, where the form names none."""
    return row_id(request.POST.get(f"version-{row.deviation.pk}", ""))


def _page(request: HttpRequest, rows: list[DeviationRow], form: Any, status: int = 200) -> HttpResponse:
    context = {"rows": rows, "form": form, "title": _("Describe and classify several")}
    return render(request, "deviations/classify.html", context, status=status)
