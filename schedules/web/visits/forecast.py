"""The forecast: what can still be helped, before it cannot."""

from __future__ import annotations

from datetime import date

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from schedules.domain.visits.outlook import Help
from schedules.selectors.pages.forecast import (
    HORIZONS,
    SOON,
    WantedForecast,
    forecast_page,
    past_end,
    people_past_end,
    provisional_years,
)
from schedules.selectors.store.calendars import SiteCalendars, site_calendars, site_days
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.places import places, site_asked, trial_asked
from schedules.web.shared.query_params import key_asked, next_page, number
from schedules.web.shared.wording import say
from trials.models import Site, User
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.web.shared.query_params import choice_in, is_set, query_params

HELP = {
    Help.ALL_AWAY: gettext_lazy("All clinic days that remain are days of absence"),
    Help.NO_CLINIC_DAY: gettext_lazy("No clinic day in the whole window"),
    Help.NO_CLINIC_DAY_LEFT: gettext_lazy("No clinic day left"),
    Help.BOOKED_CLOSED: gettext_lazy("Booked for a day on which nobody can come"),
    Help.BOOKED_OUTSIDE: gettext_lazy("Booked outside its window"),
    Help.LAST_CLINIC_DAY: gettext_lazy("Only one clinic day left"),
    Help.FEW_BESIDE_ABSENCES: gettext_lazy("Few clinic days left beside absences"),
    Help.HOLIDAY_ON_WARD: gettext_lazy("Ward day on a public holiday"),
}
"""What asks for help, in a few words."""


@login_required
@require_safe
@query_params("days", "site", "trial", "help")
def forecast(request: HttpRequest) -> HttpResponse:
    """Open windows with the days that remain, follow-up past its trial's end, provisional years."""
    user, instant, wanted = user_of(request), now(), _wanted(request)
    here = server_day(instant)
    found = forecast_page(user, instant, wanted, say)
    first = wanted.after is None
    context = {
        "today": here,
        "days": site_days(_sites(user, here, wanted), instant),
        "wanted": wanted,
        "horizons": HORIZONS,
        "rows": [(row, [HELP[each] for each in row.outlook.warnings]) for row in found.rows],
        "past_end": past_end(user, here, wanted.trial) if first else [],
        "provisional": provisional_years(user, here, wanted, _places(user, here)) if first else [],
        **places(request, wanted.site, wanted.trial),
        **next_page(request, found.after),
    }
    return render(request, "forecast/forecast.html", context)


@login_required
@require_safe
@query_params()
def forecast_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Those of a trial whose follow-up would go on after its planned end."""
    user, here = user_of(request), server_day(now())
    trial = get_object_or_404(trials_visible_to(user, here), pk=pk)
    rows, after = people_past_end(user, here, pk, number(request, "after") or 0)
    return render(request, "forecast/end.html", {"trial": trial, "rows": rows, **next_page(request, after)})


def _places(user: User, here: date) -> SiteCalendars:
    return site_calendars(sites_visible_to(user, here))


def _sites(user: User, here: date, wanted: WantedForecast) -> QuerySet[Site]:
    sites = sites_visible_to(user, here)
    return sites.filter(pk=wanted.site) if wanted.site else sites


def _wanted(request: HttpRequest) -> WantedForecast:
    days = choice_in(request, "days", [str(days) for days in HORIZONS])
    return WantedForecast(
        site=site_asked(request),
        trial=trial_asked(request),
        days=int(days) if days else SOON,
        help_only=is_set(request, "help"),
        after=key_asked(request),
    )
