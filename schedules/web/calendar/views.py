"""A site's week, month or agenda: who comes when, what closes, and what is to be booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from schedules.models import Visit
from schedules.selectors.calendar.days import (
    FIRST_HOUR,
    LAST_HOUR,
    CalendarDay,
    Entry,
    SiteCalendar,
    ToBook,
    WantedDays,
    busiest_site,
    site_calendar,
)
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.course import visit_in_sight
from schedules.web.shared.back import with_back
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.places import places, site_asked, trial_asked
from schedules.web.shared.query_params import day_asked, number
from schedules.web.shared.wording import month_words, say, short_day_words
from trials.domain.accounts.access import Right
from trials.models import Site
from trials.selectors.records import may, sites_visible_to
from trials.web.shared.query_params import choice_in, query_params

WEEK, MONTH, AGENDA = "week", "month", "agenda"
AGENDA_DAYS = 14
SHOWN_A_DAY, CLOSING_A_DAY = 3, 2
LAST_SITE = "calendar_site"
DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class CalendarQuery:
    """Which view of which days of a site the address asks for; trial, resource and visit are ids."""

    view: str
    day: date
    site: Site
    trial: int | None = None
    resource: int | None = None
    visit: int | None = None

    def address(self, **changes: Any) -> str:
        """The address of the same with some of it changed; None leaves a part out."""
        said: dict[str, Any] = {
            "view": self.view,
            "day": self.day.isoformat(),
            "site": self.site.pk,
            "trial": self.trial,
            "resource": self.resource,
            "visit": self.visit,
        }
        given = {name: value for name, value in {**said, **changes}.items() if value not in (None, "")}
        return f"{reverse('calendar')}?{urlencode(given)}"

    def span(self) -> tuple[date, date]:
        """The first and the last day shown."""
        monday = self.day - timedelta(days=self.day.weekday())
        if self.view == WEEK:
            return monday, monday + timedelta(days=6)
        if self.view == AGENDA:
            return self.day, self.day + timedelta(days=AGENDA_DAYS - 1)
        first = self.day.replace(day=1)
        last = _next_month(first) - timedelta(days=1)
        return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())

    def step(self, direction: int) -> str:
        """The address of what comes before or after."""
        if self.view == MONTH:
            first = self.day.replace(day=1)
            return self.address(
                day=_next_month(first) if direction > 0 else (first - timedelta(days=1)).replace(day=1)
            )
        days = AGENDA_DAYS if self.view == AGENDA else DAYS_A_WEEK
        return self.address(day=self.day + timedelta(days=days * direction))


@dataclass(frozen=True, slots=True)
class Picked:
    """A visit that is being placed: the days of its window, and where it is booked."""

    visit: Visit
    mark: str
    book: str

    def reaches(self, first: date, last: date, today: date) -> tuple[bool, bool]:
        """Whether days of its window lie before the first or after the last day that is shown."""
        return max(self.visit.opens, today) < first, self.visit.closes > last

    def holds(self, day: date, today: date) -> bool:
        """Whether a day to come is inside its window."""
        return max(self.visit.opens, today) <= day <= self.visit.closes


@dataclass(frozen=True, slots=True)
class Column:
    """A day as it is drawn: what is said of it, and where one may book the visit that is picked."""

    shown: CalendarDay
    today: bool
    past: bool
    inside: bool
    address: str
    hours: Sequence[tuple[str, str]] = ()

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries that a month has room for."""
        return self.shown.entries[:SHOWN_A_DAY]

    @property
    def closing(self) -> Sequence[Entry]:
        """The windows that close, as many as a month has room for."""
        return self.shown.closing[:CLOSING_A_DAY]

    @property
    def more(self) -> int:
        """How much of the day a month leaves out."""
        shown = len(self.entries) + len(self.closing)
        return len(self.shown.entries) + len(self.shown.closing) - shown


@login_required
@query_params("view", "day", "site", "trial", "resource", "visit")
def calendar(request: HttpRequest) -> HttpResponse:
    """The calendar of one site."""
    user, instant = user_of(request), now()
    sites = sites_visible_to(user, server_day(instant))
    if not sites.exists():
        return render(request, "calendar/calendar.html", {"sites": []})
    asked = _asked(request, sites, instant)
    first, last = asked.span()
    found = site_calendar(
        user, instant, WantedDays(asked.site, first, last, asked.trial, asked.resource), say
    )
    records = may(user, Right.RECORD, asked.site, None, server_day(instant))
    picked = _picked(request, asked, found) if records else None
    context = {
        "asked": asked,
        **places(request, asked.site.pk, asked.trial),
        "resources": sorted(found.resources.values(), key=lambda one: (one.kind.value, one.name)),
        "resource": found.resources.get(asked.resource or 0),
        "found": found,
        "columns": [_column(day, asked, found, picked) for day in found.days],
        "picked": picked,
        "records": records,
        "heading": _heading(asked, first, last),
        "hours": [f"{hour:02}:00" for hour in range(FIRST_HOUR, LAST_HOUR)],
        "views": [(view, words, asked.address(view=view)) for view, words in _views()],
        "previous": asked.step(-1),
        "following": asked.step(1),
        "to_today": asked.address(day=found.today),
        "here": asked.address(visit=None),
        "cards": [_card(one, asked, (first, last), found.today) for one in found.to_book],
        "reaches": picked.reaches(first, last, found.today) if picked else (False, False),
    }
    return render(request, "calendar/calendar.html", context)


def _views() -> list[tuple[str, str]]:
    return [
        (WEEK, pgettext("calendar view", "Week")),
        (MONTH, pgettext("calendar view", "Month")),
        (AGENDA, pgettext("calendar view", "Agenda")),
    ]


def _asked(request: HttpRequest, sites: QuerySet[Site], instant: datetime) -> CalendarQuery:
    site = _site(request, sites, instant)
    view = choice_in(request, "view", (WEEK, MONTH, AGENDA)) or WEEK
    day = day_asked(request, "day") or today_at(site, instant)
    return CalendarQuery(
        *(view, day, site, trial_asked(request), number(request, "resource"), number(request, "visit"))
    )


def _site(request: HttpRequest, sites: QuerySet[Site], instant: datetime) -> Site:
    """The site that is asked for, else the one looked at last, else the one with most bookings just now."""
    wanted = site_asked(request)
    if wanted and (site := sites.filter(pk=wanted).first()):
        if request.session.get(LAST_SITE) != wanted:
            request.session[LAST_SITE] = wanted
        return site
    last = request.session.get(LAST_SITE) or busiest_site(sites, server_day(instant))
    return (sites.filter(pk=last).first() if last else None) or sites[:1].get()


def _card(one: ToBook, asked: CalendarQuery, span: tuple[date, date], today: date) -> tuple[ToBook, str, str]:
    """A card with the address that picks it up, on days of its window, and that of its form."""
    first, last = span
    begins = max(one.visit.opens, today)
    day = asked.day if begins <= last and one.visit.closes >= first else begins
    return one, asked.address(visit=one.visit.pk, day=day), _book(one.visit, asked)


def _picked(request: HttpRequest, asked: CalendarQuery, found: SiteCalendar) -> Picked | None:
    if asked.visit is None:
        return None
    visit = visit_in_sight(user_of(request), server_day(now()), asked.visit)
    if visit is None or visit.participant.site_id != asked.site.pk:
        return None
    marks = {one.visit.pk: one.mark for one in found.to_book}
    return Picked(visit, marks.get(visit.pk) or say(visit.label), _book(visit, asked))


def _book(visit: Visit, asked: CalendarQuery) -> str:
    """The address of the form that books a visit and comes back here."""
    form = reverse("visit-deed", kwargs={"pk": visit.pk, "deed": "book"})
    return with_back(form, asked.address(visit=None))


def _column(day: CalendarDay, asked: CalendarQuery, found: SiteCalendar, picked: Picked | None) -> Column:
    inside = bool(picked and picked.holds(day.day, found.today))
    hours: list[tuple[str, str]] = []
    if picked and inside and not day.closed:
        where = f"{picked.book}&on={day.day.isoformat()}"
        hours = [(f"{hour:02}:00", f"{where}&at={hour:02}:00") for hour in range(FIRST_HOUR, LAST_HOUR)]
    return Column(
        day,
        day.day == found.today,
        day.day < found.today,
        inside,
        asked.address(view=AGENDA, day=day.day),
        hours,
    )


def _heading(asked: CalendarQuery, first: date, last: date) -> str:
    if asked.view == MONTH:
        return month_words(asked.day)
    words = {"first": short_day_words(first), "last": short_day_words(last), "week": first.isocalendar().week}
    if asked.view == WEEK:
        return _("%(first)s – %(last)s, week %(week)d") % words
    return _("%(first)s – %(last)s") % words


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
