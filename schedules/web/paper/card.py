"""A participant's visit card, to be printed: subject code only, no diagnosis, in English or Chinese."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_http_methods

from participants.models import Participant
from schedules.selectors.paper.cards import VisitCard, visit_card
from schedules.services.paper.cards import record_card_given
from schedules.services.paper.rendering import PdfUnavailable, paper_page, paper_pdf
from schedules.web.shared.answers import may_record, person_of, require_record
from schedules.web.shared.clock import now
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say
from trials.models.access import LANGUAGES
from trials.web.shared.query_params import choice_in, query_params

CODES = [code for code, _name in LANGUAGES]


@login_required
@query_params("language", "pdf")
@require_http_methods(["GET", "POST"])
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of a participant, in the language that is asked for, else the reader's.

    Posted, it is put on record as handed out, and comes as a PDF, or as a page where none can be made.
    """
    participant = person_of(request, pk)
    if request.method == "POST":
        return _handed_out(request, participant)
    language = choice_in(request, "language", CODES) or translation.get_language() or "en"
    shown = _card(participant, language)
    unavailable = ""
    if request.GET.get("pdf"):
        try:
            return pdf_response(paper_pdf("card.html", _context(shown, language), language), _name(shown))
        except PdfUnavailable as error:
            unavailable = str(error)
    context = _context(shown, language) | {
        "languages": dict(LANGUAGES),
        "may_record": may_record(request, participant),
        "unavailable": unavailable,
    }
    with translation.override(language):
        return render(request, "paper/card_page.html", context)


def _handed_out(request: HttpRequest, participant: Participant) -> HttpResponse:
    require_record(request, participant)
    given = request.POST.get("language", "")
    language = given if given in CODES else translation.get_language() or "en"
    shown = _card(participant, language)
    try:
        made = pdf_response(paper_pdf("card.html", _context(shown, language), language), _name(shown))
    except PdfUnavailable:
        made = HttpResponse(paper_page("card.html", {**_context(shown, language), "alone": True}, language))
    record_card_given(participant=participant, card=shown, language=language, by=user_of(request), now=now())
    return made


def pdf_response(pdf: bytes, name: str) -> HttpResponse:
    """A PDF that the browser shows, under a name without a word about the disease."""
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


def _card(participant: Participant, language: str) -> VisitCard:
    with translation.override(language):
        return visit_card(participant, now(), say)


def _context(shown: VisitCard, language: str) -> dict[str, Any]:
    return {"card": shown, "chosen": language}


def _name(shown: VisitCard) -> str:
    return f"{shown.participant.subject_code}-{shown.printed.isoformat()}"
