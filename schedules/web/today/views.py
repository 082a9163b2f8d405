"""Today: what there is to do, ordered by what is done next."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import Error
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from schedules.domain.readiness.road import Stop, StopState
from schedules.selectors.store.calendars import site_days
from schedules.selectors.today.attention import attention
from schedules.selectors.today.board import Board, BoardRow, Closing, Section, board, closing_of
from schedules.selectors.today.changes import changed_since, views_of
from schedules.selectors.today.infusions import road_to_infusion
from schedules.selectors.today.near_site import stays
from schedules.selectors.today.worklist import Wanted, open_histories
from schedules.services.today.personal import delete_view, mark_as_read, save_view
from schedules.web.shared.back import back_or
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.just_done import taken_from_session
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import number
from schedules.web.shared.wording import say
from schedules.web.today.worklist import places_by_year
from trials.domain.accounts.access import Right
from trials.domain.errors import Refused
from trials.selectors.records import roles_of, sites_visible_to, trials_visible_to
from trials.web.shared.query_params import query_params
from trials.zones import wrong_settings, zone_of

MANY = 60
FILTERS = ("site", "trial", "mine")
Found = TypeVar("Found")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BookGroup:
    """The visits to book whose windows close about the same time; `count` is that of all, shown or not."""

    closing: Closing
    count: int
    rows: list[BoardRow]

    @property
    def hidden(self) -> int:
        """How many of them are not shown."""
        return self.count - len(self.rows)


@login_required
@query_params("site", "trial", "mine", "all")
def today(request: HttpRequest) -> HttpResponse:
    """What there is to do today in sight, or at one site or in one trial."""
    user, instant = user_of(request), now()
    wanted = Wanted(site=number(request, "site"), trial=number(request, "trial"))
    mine, whole = bool(request.GET.get("mine")), request.GET.get("all", "")
    here = server_day(instant)
    sites = list(sites_visible_to(user, here))
    shown_sites = [one for one in sites if wanted.site in (None, one.pk)]
    sections = [Section(whole)] if whole in set(Section) else []
    found = board(user, instant, wanted, say, sections)
    zones = {zone_of(one).key for one in shown_sites}
    context: dict[str, Any] = {
        "today": here,
        "hour": instant.astimezone(zone_of(shown_sites[0])) if len(zones) == 1 else None,
        "days": site_days(shown_sites, instant),
        "wrong_settings": list(wrong_settings(sites)),
        "board": found,
        **{f"{section.value}_rows": found.rows.get(section, []) for section in Section},
        "counts": {section.value: found.counts.get(section, 0) for section in Section},
        "book_groups": book_groups(found),
        "closing": {key.value.replace("-", "_"): count for key, count in found.closing.items()},
        "scale": _scale(found),
        "recordable": sum(row.recordable_on is not None for row in found.rows.get(Section.RECORD, ())),
        "attention": _part(
            lambda: attention(user, instant, wanted, say, whole=whole == "attention", mine=mine)
        ),
        "road": _part(lambda: road_to_infusion(user, instant, wanted, say)),
        "stops": list(Stop),
        "key_states": list(StopState),
        "stays": _part(lambda: stays(user, instant, wanted)),
        "changed": _part(lambda: changed_since(user, instant, wanted)),
        "provisional": places_by_year(user, instant, wanted),
        "histories": open_histories(user, instant, wanted),
        "views": views_of(user),
        "wanted": wanted,
        "mine": mine,
        "whole": whole,
        "query": _query(request),
        "back": request.get_full_path(),
        "sites": sites,
        "trials": trials_visible_to(user, here),
        "just": taken_from_session(request),
        "may_record": roles_of(user, here).allows(Right.RECORD),
        "filtered": bool(wanted.site or wanted.trial or mine),
    }
    return render(request, "today/today.html", context)


@login_required
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    """Save the filters of the address as a view, and show it."""
    asked = QueryDict(request.POST.get("query", ""))
    kept = QueryDict(mutable=True)
    for name in FILTERS:
        if asked.get(name):
            kept[name] = asked[name]
    try:
        save_view(user=user_of(request), name=request.POST.get("name", ""), query=kept.urlencode())
    except Refused as refused:
        for words in refused.fields.values():
            messages.error(request, " ".join(words))
    query = kept.urlencode()
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
    entry = request.POST.get("entry", "")
    mark_as_read(user=user_of(request), entry=int(entry) if entry.isdigit() else 0, now=now())
    return redirect(f"{back_or(request, reverse('today'))}#changed")


def book_groups(found: Board) -> list[BookGroup]:
    """The visits to book by how soon their windows close; one group of all where there are few."""
    rows = list(found.rows.get(Section.BOOK, ()))
    if found.counts.get(Section.BOOK, 0) <= MANY:
        return [BookGroup(Closing.TOMORROW, len(rows), rows)] if rows else []
    by_closing = {closing: list(group) for closing, group in groupby(rows, closing_of)}
    return [
        BookGroup(closing, count, by_closing.get(closing, []))
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


def _query(request: HttpRequest) -> str:
    kept = QueryDict(mutable=True)
    for name in FILTERS:
        if request.GET.get(name):
            kept[name] = request.GET[name]
    return kept.urlencode()
