"""The list of all visits to look at, the most pressing first: what the Today page shows the beginning of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from schedules.selectors.pages.forecast import HORIZONS
from schedules.selectors.store.calendars import SiteCalendars, site_calendars, site_days
from schedules.selectors.today.worklist import (
    PARTS,
    Part,
    Wanted,
    Worklist,
    WorkRow,
    open_histories,
    starts_said_no,
    worklist,
)
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.places import offered, site_asked, trial_asked
from schedules.web.shared.query_params import neighbours, number
from schedules.web.shared.wording import PART, place_words, say
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.web.shared.query_params import choice_in, query_params
from trials.zones import wrong_settings

BOOKED_SOON = timedelta(days=max(HORIZONS))
"""How far ahead a year without its official calendar is named: as far as the forecast looks at most."""


@dataclass(frozen=True, slots=True)
class Group:
    """The visits of one part, with the words that head them; `count` is that of all pages.

    `day` is that of their sites, where it is not the same at all sites of the list.
    """

    part: Part
    name: str
    meaning: str
    count: int
    rows: list[WorkRow]
    day: date | None = None


@login_required
@query_params("site", "trial", "part")
def worklist_page(request: HttpRequest) -> HttpResponse:
    """All visits to look at as a list with pages: of everything in sight, or of one site, trial or part."""
    user, instant = user_of(request), now()
    wanted = wanted_of(request)
    here = server_day(instant)
    places = site_calendars(sites_visible_to(user, here))
    found = worklist(user, instant, wanted, say, places)
    context = {
        "today": here,
        "days": site_days(places.only(wanted.site).sites, instant),
        "wrong_settings": list(wrong_settings(places.sites)),
        "worklist": found,
        "tiles": [_group(part, found, []) for part in PARTS],
        "groups": groups_of(found),
        "provisional": places_by_year(here, places.only(wanted.site)) if wanted.page == 1 else (),
        "starts": starts_said_no(user, instant, wanted, say) if wanted.page == 1 else (),
        "histories": open_histories(user, instant, wanted) if wanted.page == 1 else (),
        "wanted": wanted,
        "sites": offered(places.sites, wanted.site),
        "trials": offered(trials_visible_to(user, here), wanted.trial),
        **neighbours(request, found.page, found.pages),
        "filtered": bool(wanted.site or wanted.trial or wanted.part),
    }
    return render(request, "today/worklist.html", context)


def places_by_year(here: date, places: SiteCalendars) -> list[tuple[int, list[str]]]:
    """The years of the days that are booked soon whose official calendar is not out, each with the sites.

    No visit is looked at: of years further ahead, and of how many lie in them, the forecast tells.
    """
    found = {
        year: [
            place_words(site)
            for site in places.sites
            if (calendar := places.working_days.get(site.pk)) and calendar.is_provisional(year)
        ]
        for year in sorted({here.year, (here + BOOKED_SOON).year})
    }
    return [(year, sites) for year, sites in found.items() if sites]


def wanted_of(request: HttpRequest) -> Wanted:
    """Read the filters in an address."""
    part = choice_in(request, "part", PARTS)
    return Wanted(
        site=site_asked(request),
        trial=trial_asked(request),
        part=Part(part) if part else None,
        page=number(request, "page") or 1,
    )


def groups_of(found: Worklist) -> list[Group]:
    """The rows of a page under their parts."""
    if not found.several_days:
        by_part = groupby(found.rows, lambda row: row.part)
        return [_group(part, found, list(rows)) for part, rows in by_part]
    groups = []
    for (part, day), rows in groupby(found.rows, lambda row: (row.part, row.today)):
        group = _group(part, found, list(rows))
        groups.append(replace(group, day=day, count=found.by_day.get((part, day), 0)))
    return groups


def _group(part: Part, found: Worklist, rows: list[WorkRow]) -> Group:
    name, meaning = PART[part]
    return Group(part, str(name), str(meaning), found.counts.get(part, 0), rows)
