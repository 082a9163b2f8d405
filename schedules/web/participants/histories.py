"""A history that is entered: begun and completed, so that nothing is judged before all of it is there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from schedules.services.course.takeover import close_history, open_history
from schedules.web.shared.answers import answer, person_of, require_record
from schedules.web.shared.clock import now
from schedules.web.shared.forms import ReasonForm
from schedules.web.shared.people import user_of
from trials.zones import zone_of


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
