"""Today: what there is to do, ordered by what is done next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import Error
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from schedules.domain.readiness.road import Stop, StopState
from schedules.selectors.store.calendars import site_calendars, site_days
from schedules.selectors.today.attention import attention
from schedules.selectors.today.board import Board, BoardRow, board, closing_of, counted
from schedules.selectors.today.changes import changed_since, views_of
from schedules.selectors.today.counted import MOST, WHOLE
from schedules.selectors.today.infusions import road_to_infusion
from schedules.selectors.today.near_site import stays
from schedules.selectors.today.parts import Closing, Section
from schedules.selectors.today.worklist import Wanted, open_histories
from schedules.services.today.personal import delete_view, mark_as_read, save_view
from schedules.web.shared.back import back_or
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.just_done import Typed, taken_from_session, typed_before
from schedules.web.shared.people import user_of
from schedules.web.shared.places import offered, site_asked, trial_asked
from schedules.web.shared.wording import say
from schedules.web.today.worklist import places_by_year
from trials.domain.accounts.access import Right
from trials.domain.errors import Refused
from trials.domain.words import run_on
from trials.keyset import row_id
from trials.models import Site
from trials.selectors.records import roles_of, sites_visible_to, trials_visible_to
from trials.web.shared.query_params import query_params
from trials.zones import wrong_settings, zone_of

FILTERS = ("site", "trial", "mine")
SHOWN = (*FILTERS, "all")
"""All that the address of the page says: its filters, and the part that is shown whole."""
LIST_FILTERS = ("site", "trial")
"""The filters that the list of visits to do knows as well."""
Found = TypeVar("Found")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BookGroup:
    """The visits to book whose windows close about the same time; `count` is that of all, shown or not."""

    closing: Closing
    count: int
    rows: list[BoardRow]
    said: str

    @property
    def hidden(self) -> int:
        """How many of them are not shown."""
        return self.count - len(self.rows)


ROAD_WORDS = {"stops": list(Stop), "key_states": list(StopState)}
"""The columns of the road to infusion and the states that its key explains."""


@login_required
@query_params(*SHOWN)
def today(request: HttpRequest) -> HttpResponse:
    """What there is to do today in sight, or at one site or in one trial."""
    user, instant = user_of(request), now()
    wanted = Wanted(site=site_asked(request), trial=trial_asked(request))
    mine, whole = bool(request.GET.get("mine")), request.GET.get("all", "")
    here, kept = server_day(instant), typed_before(request)
    seen = site_calendars(sites_visible_to(user, here))
    places = seen.only(wanted.site)
    context = {
        "today": here,
        "hour": _hour(places.sites, instant),
        "days": site_days(places.sites, instant),
        "wrong_settings": list(wrong_settings(seen.sites)),
        **_board_context(
            board(user, instant, wanted, places, say, [each for each in Section if each == whole]), kept
        ),
        "kept": kept,
        "attention": _part(
            lambda: attention(user, instant, wanted, say, whole=whole == "attention", mine=mine)
        ),
        "road": _part(lambda: road_to_infusion(user, instant, wanted, places, say)),
        **ROAD_WORDS,
        "stays": _part(lambda: stays(user, instant, wanted, places)),
        "changed": _part(lambda: changed_since(user, instant, wanted)),
        "provisional": places_by_year(here, places),
        "histories": open_histories(user, instant, wanted),
        "views": views_of(user),
        "wanted": wanted,
        "mine": mine,
        "whole": whole,
        "query": _kept(request.GET, FILTERS),
        "again": _kept(request.GET, SHOWN),
        "list_query": _kept(request.GET, LIST_FILTERS),
        "back": request.get_full_path(),
        "sites": offered(seen.sites, wanted.site),
        "only_site": places.sites[0] if len(places.sites) == 1 else None,
        "trials": offered(trials_visible_to(user, here), wanted.trial),
        "just": taken_from_session(request),
        "may_record": roles_of(user, here).allows(Right.RECORD),
    }
    return render(request, "today/today.html", context)


@login_required
@query_params(*SHOWN)
def recounted(request: HttpRequest) -> HttpResponse:
    """What an act may change elsewhere on the page: counters, flags, who stays near the site, the road.

    The page asks for it after each act that was done in place.
    """
    user, instant = user_of(request), now()
    wanted = Wanted(site=site_asked(request), trial=trial_asked(request))
    places = site_calendars(sites_visible_to(user, server_day(instant))).only(wanted.site)
    mine, whole = bool(request.GET.get("mine")), request.GET.get("all", "")
    found, shown = counted(user, instant, wanted, places), _kept(request.GET, SHOWN)
    context = {
        "board": found,
        **_tallies(found),
        "attention": _part(
            lambda: attention(user, instant, wanted, say, whole=whole == "attention", mine=mine)
        ),
        "road": _part(lambda: road_to_infusion(user, instant, wanted, places, say)),
        **ROAD_WORDS,
        "stays": _part(lambda: stays(user, instant, wanted, places)),
        "changed": _part(lambda: changed_since(user, instant, wanted)),
        "wanted": wanted,
        "whole": whole,
        "whole_rows": WHOLE,
        "query": _kept(request.GET, FILTERS),
        "again": shown,
        "back": f"{reverse('today')}?{shown}" if shown else reverse("today"),
        "may_record": roles_of(user, server_day(instant)).allows(Right.RECORD),
    }
    return render(request, "today/recounted.html", context)


@login_required
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    """Save the filters of the address as a view, and show it."""
    query = _kept(QueryDict(request.POST.get("query", "")), FILTERS)
    try:
        save_view(user=user_of(request), name=request.POST.get("name", ""), query=query)
    except Refused as refused:
        for words in refused.fields.values():
            messages.error(request, run_on(words, _))
    return redirect(f"{reverse('today')}?{query}" if query else reverse("today"))


@login_required
@require_POST
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one of one's own views."""
    delete_view(user=user_of(request), pk=pk)
    return redirect(back_or(request, reverse("today")))


@login_required
@require_POST
def changes_read(request: HttpRequest) -> HttpResponse:
    """Remember that what was changed has been read."""
    mark_as_read(user=user_of(request), entry=row_id(request.POST.get("entry", "")), now=now())
    return redirect(f"{back_or(request, reverse('today'))}#changed")


def _hour(sites: Sequence[Site], instant: datetime) -> datetime | None:
    """The hour at these sites; None where it is not the same at all of them."""
    zones = {zone.key: zone for zone in map(zone_of, sites)}
    return instant.astimezone(*zones.values()) if len(zones) == 1 else None


def _board_context(found: Board, kept: Typed) -> dict[str, Any]:
    """The rows of visits under the names that the template reads; one keeps the day that was chosen in it."""
    rows = found.rows.get(Section.BOOK, ())
    chosen = [row.offering(kept.on) if row.visit.pk == kept.visit else row for row in rows]
    found = replace(found, rows={**found.rows, Section.BOOK: chosen})
    return {
        "board": found,
        **{f"{section.value}_rows": found.rows.get(section, []) for section in Section},
        **_tallies(found),
        "book_groups": book_groups(found),
        "scale": _scale(found),
        "recordable": sum(row.recordable_on is not None for row in found.rows.get(Section.RECORD, ())),
        "whole_rows": WHOLE,
        "counted_to": MOST if found.more else 0,
        "book_shown": found.shown(Section.BOOK),
        "book_notes": any(day.note for row in found.rows.get(Section.BOOK, ()) for day in row.strip),
    }


def _tallies(found: Board) -> dict[str, Any]:
    """How many visits each part has, and how soon windows close, under the names that the template reads."""
    return {
        "counts": {section.value: found.counts.get(section, 0) for section in Section},
        "closing": {key.value.replace("-", "_"): count for key, count in found.closing.items()},
    }


def book_groups(found: Board) -> list[BookGroup]:
    """The visits to book by how soon their windows close; one group of all where there are few."""
    rows = list(found.rows.get(Section.BOOK, ()))
    if found.counts.get(Section.BOOK, 0) <= WHOLE:
        return [BookGroup(Closing.TOMORROW, len(rows), rows, str(len(rows)))] if rows else []
    by_closing = {closing: list(group) for closing, group in groupby(rows, closing_of)}
    return [
        BookGroup(closing, count, by_closing.get(closing, []), found.closing_said[closing])
        for closing, count in found.closing.items()
        if count
    ]


def _scale(found: Board) -> list[Any]:
    """The days above the strips; empty where the rows do not begin on one day."""
    rows = found.rows.get(Section.BOOK, ())
    days = {row.work.today for row in rows}
    return [one.day for one in rows[0].strip] if len(days) == 1 else []


def _part(read: Callable[[], Found]) -> Found | None:
    """A part of the page, or None where it cannot be read: it does not take the page with it."""
    try:
        return read()
    except Error:
        raise
    except Exception:
        log.exception("a part of the Today page could not be read")
        return None


def _kept(given: QueryDict, names: Sequence[str]) -> str:
    """The filters of these names as they stand in an address."""
    kept = QueryDict(mutable=True)
    for name in names:
        if value := given.get(name):
            kept[name] = str(value)
    return kept.urlencode()
