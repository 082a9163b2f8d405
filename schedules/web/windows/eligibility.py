"""The eligibility clock: the earliest days and what sets them, and the last day for each drug."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from schedules.selectors.windows.eligibility import eligibility_of
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.answers import may_record, person_of
from schedules.web.shared.clock import now
from schedules.web.shared.wording import name_fields, say, treatment_words
from trials.selectors.records import protocol_of
from trials.web.shared.query_params import query_params


class WishForm(forms.Form):
    """The day zero that is wished for."""

    wish = forms.DateField(label=gettext_lazy("Wished day of %(zero)s"), widget=DayInput(), required=False)


@login_required
@query_params("wish")
def eligibility(request: HttpRequest, pk: int) -> HttpResponse:
    """One participant's clock, forwards and backwards."""
    participant = person_of(request, pk)
    form = WishForm(request.GET if "wish" in request.GET else None)
    wish: date | None = form.cleaned_data["wish"] if form.is_valid() else None
    found = eligibility_of(participant, now(), wish, say)
    if not form.is_bound:
        form = WishForm(initial={"wish": found.wished})
    names = treatment_words(protocol_of(participant.protocol_version))
    context = {
        **names,
        "participant": participant,
        "found": found,
        "form": name_fields(form, names),
        "may_record": may_record(request, participant),
    }
    return render(request, "windows/eligibility.html", context)
