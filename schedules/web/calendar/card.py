"""A participant's visit card, to be printed: study code only, no diagnosis, in English or Chinese."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from schedules.selectors.calendar.cards import visit_card
from schedules.web.shared.answers import person_of
from schedules.web.shared.clock import now
from schedules.web.shared.wording import say
from trials.models.access import LANGUAGES
from trials.web.shared.query_params import choice_in, query_params


@login_required
@query_params("language")
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of a participant, in the language that is asked for, else the reader's."""
    participant = person_of(request, pk)
    language = (
        choice_in(request, "language", [code for code, _name in LANGUAGES])
        or translation.get_language()
        or "en"
    )
    with translation.override(language):
        found = visit_card(participant, now(), say)
        return render(
            request, "calendar/card.html", {"card": found, "languages": dict(LANGUAGES), "chosen": language}
        )
