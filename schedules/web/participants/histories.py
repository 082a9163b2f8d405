"""A history that is entered: as a whole in one act, or begun and completed around what is typed by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from participants.models import Participant
from schedules.models import Visit
from schedules.selectors.pages.histories import visits_of_history
from schedules.selectors.store.calendars import today_at
from schedules.services.course.takeover import HistoryRefused, close_history, open_history, record_history
from schedules.web.participants.history_form import SHEET, HistoryForm, typed_from_sheet
from schedules.web.shared.answers import answer, person_of, require_record
from schedules.web.shared.clock import now
from schedules.web.shared.exports import Table, exported
from schedules.web.shared.forms import ReasonForm
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say
from trials.domain.errors import Refused
from trials.formats.imports.sheets import SheetUnreadable, read_sheet
from trials.zones import zone_of

HEADS = ("visit", "label", "opens", "closes", "day", "hour", "missed", "reason")


@login_required
@require_http_methods(["GET", "POST"])
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin to enter a participant's history; once it is being entered, say that it is complete."""
    participant = person_of(request, pk)
    require_record(request, participant)
    home = reverse("participant", kwargs={"pk": pk})
    entering = participant.history_since is not None
    context = {
        "participant": participant,
        "title": _("The history is complete") if entering else _("Enter a history"),
        "button": _("Judge it now") if entering else _("Begin"),
        "back": home,
    }

    def perform(form: Any) -> HttpResponse:
        act = close_history if entering else open_history
        act(participant=participant, by=user_of(request), reason=form.why(), now=now())
        done = (
            _("The history is judged.") if entering else _("Nothing is judged until the history is complete.")
        )
        messages.success(request, done)
        return redirect(home)

    return answer(request, ReasonForm, perform, context, zone_of(participant.site))


@login_required
@require_http_methods(["GET", "POST"])
def history_whole(request: HttpRequest, pk: int) -> HttpResponse:
    """A whole history in one form, which a sheet can fill in: recorded in one act, judged once."""
    participant = person_of(request, pk)
    require_record(request, participant)
    visits = visits_of_history(participant, today_at(participant.site, now()))
    zone = zone_of(participant.site)
    if request.method != "POST":
        return _shown(request, participant, HistoryForm(visits, zone))
    if request.POST.get("action") == "read":
        return _read(request, participant, visits)
    form = HistoryForm(visits, zone, request.POST)
    if not form.is_valid():
        return _shown(request, participant, form, status=422)
    said = {"by": user_of(request), "reason": form.cleaned_data["reason"], "now": now()}
    try:
        count = record_history(
            participant=participant, visits=form.past(), sure=form.cleaned_data["sure"], **said
        )
    except HistoryRefused as refused:
        form.refuse_rows(refused.rows)
    except Refused as refused:
        form.refuse(refused.fields)
    else:
        message = ngettext(
            "%(count)d visit is recorded, and the history is judged.",
            "%(count)d visits are recorded, and the history is judged.",
            count,
        )
        messages.success(request, message % {"count": count})
        return redirect("participant", pk=pk)
    return _shown(request, participant, form, status=422)


@login_required
@require_safe
def history_sheet(request: HttpRequest, pk: int, form: str) -> HttpResponseBase:
    """A sheet of the visits that could have taken place, to be filled in and read by `history_whole`."""
    participant = person_of(request, pk)
    require_record(request, participant)
    visits = visits_of_history(participant, today_at(participant.site, now()))
    rows = [(one.code, say(one.label), one.opens, one.closes, "", "", "", "") for one in visits]
    name = f"history-{participant.subject_code.lower()}"
    return exported(request, Table(name, _("History to be filled in"), HEADS, rows), form)


def _read(request: HttpRequest, participant: Participant, visits: list[Visit]) -> HttpResponse:
    """The form as a sheet fills it in; nothing is saved yet, and all that is wrong stands in its row."""
    zone, file = zone_of(participant.site), request.FILES.get("sheet")
    if file is None:
        words = _("Choose a file: CSV or XLSX.")
        return _shown(request, participant, HistoryForm(visits, zone), status=422, unread=[words])
    try:
        rows = read_sheet(file.read(), SHEET)
    except SheetUnreadable as error:
        words = say(error.template) % error.values
        return _shown(request, participant, HistoryForm(visits, zone), status=422, unread=[words])
    data, unread = typed_from_sheet(rows, visits)
    form = HistoryForm(visits, zone, data)
    form.is_valid()
    form.errors.pop("reason", None)  # asked for below, and not in the sheet
    return _shown(request, participant, form, unread=unread, read=len(rows))


def _shown(
    request: HttpRequest, participant: Participant, form: HistoryForm, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "participant": participant,
        "form": form,
        "heads": ", ".join(HEADS),
        "back": reverse("participant", kwargs={"pk": participant.pk}),
        **more,
    }
    return render(request, "participants/history.html", context, status=status)
