"""What a site reads of somebody who went to another site: its own period, and nothing is changed there."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from participants.domain.fact_rows import kind_of
from participants.selectors.periods import period_visible_to
from schedules.selectors.pages.site_period import period_page
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import number
from schedules.web.shared.wording import say
from schedules.web.windows.fact_wording import KINDS, code_words, fact_words, span_words
from trials.web.shared.query_params import query_params


@login_required
@require_safe
@query_params("period")
def participant_period(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of a participant up to the day on which they went to another site."""
    named = number(request, "period")
    period = period_visible_to(user_of(request), server_day(now()), pk, named)
    if period is None:
        raise Http404
    page = period_page(period, say)
    facts = [
        {
            "kind": KINDS[kind_of(fact)],
            "of": code_words(getattr(fact, "of", "") or ""),
            "words": fact_words(fact),
            "span": span_words(fact),
        }
        for fact in page.facts
    ]
    return render(request, "participants/period.html", {"page": page, "facts": facts})
