"""Files of visits for anyone who has no subscription: one visit, or a week of a site."""

from __future__ import annotations

from datetime import date, timedelta

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from schedules.selectors.feeds.content import visit_of_file, week_of_file
from schedules.services.feeds.files import file_of
from schedules.web.feeds.views import participant_links
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.hours import HoursMixin
from schedules.web.shared.people import user_of
from trials.domain.accounts.access import Right
from trials.selectors.records import roles_of, sites_visible_to
from trials.web.shared.query_params import query_params

_WEEK = timedelta(days=6)


class WeekForm(HoursMixin, forms.Form):
    """Which site, and a day of the week that is wanted."""

    site = forms.ChoiceField(label=gettext_lazy("Site"))
    day = forms.DateField(
        label=gettext_lazy("A day of the week"),
        widget=DayInput(),
        help_text=gettext_lazy("Monday to Sunday."),
    )
    booked = forms.BooleanField(required=False, label=gettext_lazy("Booked visits only"))


@login_required
@never_cache
@require_safe
def visit_file(request: HttpRequest, pk: int) -> HttpResponse:
    """One visit as a file for a calendar."""
    visit = visit_of_file(user_of(request), pk, server_day(now()))
    if visit is None:
        raise Http404
    return _file(request, [visit.pk], f"visit-{visit.pk}.ics")


@login_required
@never_cache
@require_safe
@query_params("site", "day", "booked")
def week_file(request: HttpRequest) -> HttpResponse:
    """The visits of a site in one week as a file; first the form that asks which."""
    user, today = user_of(request), server_day(now())
    scope = roles_of(user, today)
    sites = {str(one.pk): one for one in sites_visible_to(user, today) if scope.allows(Right.VIEW, one.pk)}
    form = WeekForm(request.GET if "day" in request.GET else None, initial={"day": today, "booked": True})
    field = form.fields["site"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(pk, f"{site.code} {site}") for pk, site in sites.items()]
    if not form.is_bound:
        return render(request, "feeds/week.html", {"form": form})
    if not form.is_valid():
        return render(request, "feeds/week.html", {"form": form}, status=422)
    day: date = form.cleaned_data["day"]
    first = day - timedelta(days=day.weekday())
    site = sites[form.cleaned_data["site"]]
    visits = week_of_file(user, site, (first, first + _WEEK), today, booked=form.cleaned_data["booked"])
    return _file(request, visits, f"{site.code}-{first.isoformat()}.ics")


def _file(request: HttpRequest, visits: list[int], name: str) -> HttpResponse:
    body = file_of(
        visits=visits, links=participant_links(request), language=get_language() or "en", now=now()
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)
