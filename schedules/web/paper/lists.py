"""The lists of a site on paper: its week for the wall, its day for when the system is down."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from schedules.selectors.paper.lists import ListKind, paper_list
from schedules.services.paper.rendering import PdfUnavailable, paper_page, paper_pdf
from schedules.web.paper.card import CODES, pdf_response
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import day_asked
from schedules.web.shared.wording import say
from trials.models import Site
from trials.selectors.records import sites_visible_to
from trials.web.shared.query_params import choice_in, query_params

SPAN = timedelta(days=366 * 20)


@never_cache
@login_required
@require_safe
@query_params("day", "language", "pdf")
def paper(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """The week's or the day's list of a site, as a page that prints, or as a PDF."""
    if what not in set(ListKind):
        raise Http404
    user, here = user_of(request), server_day(now())
    site = get_object_or_404(sites_visible_to(user, here), pk=pk)
    day = day_asked(request, "day")
    if day is not None and not here - SPAN <= day <= here + SPAN:
        raise Http404
    language = choice_in(request, "language", CODES) or translation.get_language() or "en"
    with translation.override(language):
        found = paper_list(user, now(), site, ListKind(what), day, say)
    unavailable = ""
    if request.GET.get("pdf"):
        try:
            name = f"{site.code}-{what}-{found.first.isoformat()}"
            return pdf_response(paper_pdf("list.html", {"list": found}, language), name)
        except PdfUnavailable as error:
            unavailable = str(error)
    context = {"list": found, **_links(site, ListKind(what), found.first, language)}
    return HttpResponse(paper_page("list.html", context | {"unavailable": unavailable}, language))


def _links(site: Site, kind: ListKind, first: date, language: str) -> dict[str, Any]:
    """The addresses beside the list: back to the calendar, before and after, the other list, the PDF."""

    def address(what: ListKind, day: date, **more: str) -> str:
        asked: dict[str, str] = {"day": day.isoformat(), "language": str(language), **more}
        return f"{reverse('paper', args=[site.pk, what.value])}?{urlencode(asked)}"

    step = timedelta(days=7 if kind is ListKind.WEEK else 1)
    other = ListKind.DAY if kind is ListKind.WEEK else ListKind.WEEK
    words = _("The day's list") if other is ListKind.DAY else _("The week's list")
    return {
        "back": f"{reverse('calendar')}?site={site.pk}&day={first.isoformat()}",
        "as_pdf": address(kind, first, pdf="1"),
        "others": [
            (_("Earlier"), address(kind, first - step)),
            (_("Later"), address(kind, first + step)),
            (words, address(other, first)),
        ],
    }
