"""Consents: of one participant, and of all who must consent again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from participants.models import Participant
from participants.selectors.consents import (
    asked_again,
    consent_standing,
    consents_of,
    forms_of,
    without_consent,
)
from schedules.selectors.pages.consents import corrected_in_words
from schedules.selectors.store.course import clock_at
from schedules.services.trust.consents import correct_consent, record_consent, record_withdrawal
from schedules.web.shared.answers import answer, may_record, person_of, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import neighbours
from schedules.web.trust.forms import ConsentCorrectionForm, ConsentGivenForm, WithdrawalForm
from trials.web.shared.query_params import choice_in, query_params
from trials.zones import zone_of

PER_PAGE = 50


@login_required
@require_safe
@query_params("show")
def consents(request: HttpRequest) -> HttpResponse:
    """Who must consent again, and of whom no consent is on record."""
    user, today = user_of(request), server_day(now())
    missing = choice_in(request, "show", ("missing",)) == "missing"
    found = without_consent(user, today) if missing else asked_again(user, today)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "missing": missing, "today": today}
    return render(
        request,
        "trust/consents.html",
        context | neighbours(request, page.number, page.paginator.num_pages),
    )


@login_required
@require_safe
def consent(request: HttpRequest, pk: int) -> HttpResponse:
    """One participant's consents."""
    participant = person_of(request, pk)
    today = clock_at(participant.site, now()).today
    context = {
        "participant": participant,
        "standing": consent_standing(participant, today),
        "consents": corrected_in_words(consents_of(participant)),
        "forms": forms_of(participant).count(),
        "may_record": may_record(request, participant),
    }
    return render(request, "trust/consent.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def consent_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that a participant consented to an edition of the form."""
    participant = person_of(request, pk)
    require_record(request, participant)

    def perform(form: ConsentGivenForm) -> HttpResponse:
        given = form.cleaned_data
        record_consent(
            participant=participant,
            form=given["form"],
            signed_on=given["signed_on"],
            now=now(),
            by=user_of(request),
            reason=given["reason"],
            sure=given["sure"],
        )
        messages.success(request, _("The consent is recorded."))
        return redirect("consent", pk=pk)

    def make(data: Any) -> ConsentGivenForm:
        today = clock_at(participant.site, now()).today
        initial = {"signed_on": today, "form": request.GET.get("form", "")}
        return ConsentGivenForm(participant, data, initial=initial)

    context = _context(participant, _("Record a consent"), _("Record"))
    return answer(request, make, perform, context, zone_of(participant.site))


@login_required
@require_http_methods(["GET", "POST"])
def consent_correct(request: HttpRequest, pk: int, consent: int) -> HttpResponse:
    """Correct a consent that was recorded wrongly; what stood there stays in the trail."""
    participant = person_of(request, pk)
    require_record(request, participant)
    wrong = get_object_or_404(consents_of(participant), pk=consent)

    def perform(form: ConsentCorrectionForm) -> HttpResponse:
        correct_consent(
            consent=wrong,
            correction=form.correction(),
            now=now(),
            by=user_of(request),
            reason=form.why(),
            sure=form.is_sure(),
        )
        messages.success(request, _("The consent is corrected, and the calendar follows it."))
        return redirect("consent", pk=pk)

    def make(data: Any) -> ConsentCorrectionForm:
        return ConsentCorrectionForm(wrong, data)

    context = _context(participant, _("Correct a consent"), _("Correct"))
    return answer(request, make, perform, context, zone_of(participant.site))


@login_required
@require_http_methods(["GET", "POST"])
def consent_withdrawal(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that a participant took consent back."""
    participant = person_of(request, pk)
    require_record(request, participant)

    def perform(form: WithdrawalForm) -> HttpResponse:
        record_withdrawal(
            participant=participant,
            withdrawn_on=form.cleaned_data["withdrawn_on"],
            now=now(),
            by=user_of(request),
            reason=form.why(),
            sure=form.is_sure(),
        )
        messages.success(
            request, _("The withdrawal is recorded. What follows for the course is a step of it.")
        )
        return redirect("consent", pk=pk)

    context = _context(participant, _("Consent withdrawn"), _("Record"))
    return answer(request, WithdrawalForm, perform, context, zone_of(participant.site))


def _context(participant: Participant, title: str, button: str) -> dict[str, Any]:
    back = reverse("consent", args=[participant.pk])
    return {"participant": participant, "title": title, "button": button, "back": back}
