"""Today: what has to be looked at, the most pressing first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from schedules.domain.visits.status import VisitStatus
from schedules.selectors.pages.forecast import WantedForecast, provisional_years
from schedules.selectors.pages.today import (
    GROUPS,
    Wanted,
    Worklist,
    WorkRow,
    starts_said_no,
    to_be_recorded,
    worklist,
)
from schedules.selectors.store.calendars import site_days
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.paging import neighbours
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import number
from schedules.web.shared.wording import GROUP, say
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.web.shared.query_params import choice_in, query_params
from trials.zones import roles_day, wrong_settings


@dataclass(frozen=True, slots=True)
class Group:
    """The visits of one status, with the words that head them; `count` is that of all pages.

    `day` is that of their sites, where it is not the same at all sites of the list.
    """

    status: VisitStatus
    name: str
    meaning: str
    count: int
    rows: list[WorkRow]
    day: date | None = None


@login_required
@query_params("site", "trial", "status")
def today(request: HttpRequest) -> HttpResponse:
    """The worklist of everything in sight, or of one site, trial or status."""
    user, instant = user_of(request), now()
    wanted = wanted_of(request)
    found = worklist(user, instant, wanted, say)
    here = server_day(instant)
    sites = list(sites_visible_to(user, here))
    place = WantedForecast(site=wanted.site, trial=wanted.trial)
    context = {
        "today": here,
        "days": site_days([one for one in sites if wanted.site in (None, one.pk)], instant),
        "wrong_settings": list(wrong_settings(sites)),
        "worklist": found,
        "tiles": [_group(status, found, []) for status in GROUPS],
        "groups": groups_of(found),
        "provisional": provisional_years(user, roles_day(instant), place) if wanted.page == 1 else (),
        "to_record": to_be_recorded(user, instant, wanted, say) if wanted.page == 1 else (),
        "starts": starts_said_no(user, instant, wanted, say) if wanted.page == 1 else (),
        "wanted": wanted,
        "sites": sites,
        "trials": trials_visible_to(user, here),
        **neighbours(request, found.page, found.pages),
        "filtered": bool(wanted.site or wanted.trial or wanted.status),
    }
    return render(request, "today.html", context)


def wanted_of(request: HttpRequest) -> Wanted:
    """Read the filters in an address."""
    status = choice_in(request, "status", GROUPS)
    return Wanted(
        site=number(request, "site"),
        trial=number(request, "trial"),
        status=VisitStatus(status) if status else None,
        page=number(request, "page") or 1,
    )


def groups_of(found: Worklist) -> list[Group]:
    """The rows of a page under their statuses."""
    if not found.several_days:
        by_status = groupby(found.rows, lambda row: row.line.status)
        return [_group(status, found, list(rows)) for status, rows in by_status]
    groups = []
    for (status, day), rows in groupby(found.rows, lambda row: (row.line.status, row.today)):
        group = _group(status, found, list(rows))
        groups.append(replace(group, day=day, count=found.by_day.get((status, day), 0)))
    return groups


def _group(status: VisitStatus, found: Worklist, rows: list[WorkRow]) -> Group:
    name, meaning = GROUP[status]
    return Group(status, str(name), str(meaning), found.counts.get(status, 0), rows)
