"""The forms by which a deviation is entered that no record shows: of a participant, or from the log."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from participants.models import Participant
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.course import people_by_code, visits_of
from schedules.services.deviations.by_hand import enter_deviation
from schedules.web.deviations.forms import EnteringForm
from schedules.web.shared.answers import answer, may_record, person_of, require_record
from schedules.web.shared.clock import now, server_day, server_zone
from schedules.web.shared.people import user_of
from trials.domain.errors import Refused
from trials.zones import zone_of


@login_required
@require_http_methods(["GET", "POST"])
def deviation_new(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a deviation of one participant."""
    participant = person_of(request, pk)
    require_record(request, participant)
    initial = {"token": uuid4(), "occurred_on": today_at(participant.site, now())}
    back = reverse("participant", kwargs={"pk": pk})
    context = {**_words(), "participant": participant, "back": back}

    def make(data: Any) -> EnteringForm:
        return EnteringForm(visits_of(participant), data, initial=initial)

    def perform(form: EnteringForm) -> HttpResponse:
        return _entered(request, participant, form)

    return answer(request, make, perform, context, zone_of(participant.site))


@login_required
@require_http_methods(["GET", "POST"])
def deviation_new_of(request: HttpRequest) -> HttpResponse:
    """The same from the log, of somebody by their subject code."""
    context = {**_words(), "participant": None, "back": reverse("deviations")}
    initial = {"token": uuid4()}  # no day: whose site it is, and so which day it is there, is not said yet

    def make(data: Any) -> EnteringForm:
        return EnteringForm(None, data, initial=initial)

    def perform(form: EnteringForm) -> HttpResponse:
        return _entered(request, _named(request, form.cleaned_data["subject"]), form)

    return answer(request, make, perform, context, server_zone())


def _words() -> dict[str, Any]:
    return {"title": _("Enter a deviation"), "button": _("Enter")}


def _entered(request: HttpRequest, participant: Participant, form: EnteringForm) -> HttpResponse:
    one = enter_deviation(participant=participant, entered=form.entered(), by=user_of(request), now=now())
    messages.success(request, _("The deviation is entered: describe and classify it."))
    return redirect("deviation", pk=one.pk)


def _named(request: HttpRequest, code: str) -> Participant:
    """Whom a subject code names, of those whom the person may record; Refused for none and for several."""
    found = [
        one for one in people_by_code(user_of(request), server_day(now()), code) if may_record(request, one)
    ]
    if not found:
        message = _("No participant with the code %(code)s of whom you may record: look at the list.")
        raise Refused({"subject": [message % {"code": code}]})
    if len(found) > 1:
        message = _("Several trials have the code %(code)s: enter it on the participant's own page.")
        raise Refused({"subject": [message % {"code": code}]})
    return found[0]
