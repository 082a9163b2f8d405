"""What lies ahead: open windows with the clinic days that remain, and what passes the end of its trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.db.models.functions import ExtractYear, Greatest

from participants.models import Participant
from participants.selectors.participants import (
    few_in_sight,
    of_few_or_visible_to,
    of_participants_visible_to,
)
from schedules.domain.plan.labels import in_language
from schedules.domain.visits.outlook import Ahead, Outlook, days_past, outlook
from schedules.models import Visit
from schedules.selectors.store.absences import away_days
from schedules.selectors.store.calendars import (
    SiteCalendars,
    clinic_days_of,
    sites_by_today,
    today_at,
    working_days_by_site,
)
from schedules.selectors.store.plan_rows import Reading, VisitRow, stored_row
from schedules.selectors.store.stored_visits import day_zero_of, lost_booking, planned_visit, window_of
from schedules.selectors.visits.status_query import at_each
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Say, plain
from trials.keyset import Key, RowAfter
from trials.models import ProtocolVersion, Site, Trial, User
from trials.selectors.records import protocol_of, sites_visible_to
from trials.selectors.together import read_together
from trials.zones import roles_day, zone_of

PAGE = 100
LOOKED_AT = 2000
"""How many visits are looked at, at most, to fill a page with those that need help."""
SOON = 28
HORIZONS = (7, SOON, 90)
COUNTED = 5
"""At so many sites or fewer the visits of years without an official calendar are counted."""
YEARS_AHEAD = 20
"""How far ahead a year without its official calendar is looked for: longer than any follow-up."""


@dataclass(frozen=True, slots=True)
class WantedForecast:
    """Which part is asked for: windows open within so many days; `help_only` what asks for help."""

    site: int | None = None
    trial: int | None = None
    days: int = SOON
    help_only: bool = False
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """A visit still to come, and what lies ahead of it."""

    participant: Participant
    line: VisitRow
    outlook: Outlook
    booked_on: date | None
    past_end: int
    today: date


@dataclass(frozen=True, slots=True)
class ForecastPage:
    """A page of windows by the day on which they close, and the key that the next one starts after."""

    rows: Sequence[ForecastRow]
    after: Key | None


@dataclass(frozen=True, slots=True)
class PastEnd:
    """A trial whose follow-up would go on after its planned end: how many visits, of how many, until when."""

    trial: int
    code: str
    planned_end: date
    visits: int
    participants: int
    last: date

    @property
    def days(self) -> int:
        """Days by which the last of them passes the planned end."""
        return days_past(self.last, self.planned_end)


@dataclass(frozen=True, slots=True)
class PersonPastEnd:
    """A participant whose follow-up would go on after the trial's planned end."""

    participant: Participant
    visits: int
    last: date
    days: int


@dataclass(frozen=True, slots=True)
class Provisional:
    """A year whose official calendar is not out, with the visits whose windows close in it at a site.

    `visits` is None where so many sites are looked at that nothing is counted.
    """

    site: Site
    year: int
    visits: int | None = None


def forecast_page(user: User, now: datetime, wanted: WantedForecast, say: Say = plain) -> ForecastPage:
    """Windows that are open or open within the days asked for, those that close first before others.

    The number of queries does not depend on how many there are. Where only what asks for help is
    wanted, LOOKED_AT visits are looked at; the next page goes on from there.
    """
    visits = _windows(user, now, wanted)
    if wanted.after:
        visits = visits.filter(RowAfter({"closes": wanted.after[0], "id": wanted.after[1]}))
    size = LOOKED_AT if wanted.help_only else PAGE
    # the same day, in words that keep a database from walking along the days of everybody else
    few = few_in_sight(user, roles_day(now), wanted.site, wanted.trial) is not None
    ids = visits.order_by(Greatest("closes", "opens") if few else "closes", "id").values_list("pk", flat=True)
    # which they are, before anything is joined: many windows close on one day
    some = list(_related(Visit.objects.filter(pk__in=list(ids[: size + 1]))).order_by("closes", "id"))
    ahead = list(_outlooks(some[:size], now))
    chosen = [pair for pair in ahead if not wanted.help_only or pair[1].warnings][:PAGE]
    last = chosen[-1][0] if len(chosen) == PAGE else (ahead[-1][0] if ahead else None)
    after = (last.closes, last.pk) if last is not None and last is not some[-1] else None
    return ForecastPage(_rows(chosen, now, say), after)


def past_end(user: User, today: date, trial: int | None = None) -> list[PastEnd]:
    """The trials in sight with visits due after their planned end; two queries."""
    late = _late(user, today).filter(**({"participant__trial": trial} if trial else {})).order_by()
    grouped = late.values_list(
        "participant__trial", "participant__trial__code", "participant__trial__planned_end"
    )
    counted = grouped.annotate(Count("pk"), Count("participant", distinct=True), Max("target"))
    return [PastEnd(*row) for row in counted.order_by("participant__trial__code")]


def people_past_end(
    user: User, today: date, trial: int, after: int = 0
) -> tuple[list[PersonPastEnd], int | None]:
    """Those of a trial whose follow-up passes its planned end, and the id that the next page starts after."""
    late = _late(user, today).filter(participant__trial=trial, participant__gt=after).order_by()
    grouped = late.values("participant").annotate(visits=Count("pk"), last=Max("target"))
    found = list(grouped.order_by("participant")[: PAGE + 1])
    people = Participant.objects.select_related("trial", "site").in_bulk(
        [row["participant"] for row in found]
    )
    rows = [
        PersonPastEnd(one, row["visits"], row["last"], days_past(row["last"], one.trial.planned_end))
        for row in found[:PAGE]
        for one in (people[row["participant"]],)
    ]
    return rows, rows[-1].participant.pk if len(found) > PAGE else None


def provisional_years(
    user: User, today: date, wanted: WantedForecast, places: SiteCalendars
) -> list[Provisional]:
    """The years, by site, in which visits lie while the official calendar is not out; one query.

    Only visits that close in or after the first such year are counted: the years before hold most of them.
    At more than COUNTED sites nothing is counted, as nearly every visit of everybody would be: every site
    without the calendar is named, with the years between the first and the last of the visits in sight.
    """
    sites, calendars = {site.pk: site for site in places.sites}, places.working_days
    years = range(today.year - 1, today.year + YEARS_AHEAD)
    first = next(
        (year for year in years if any(one.is_provisional(year) for one in calendars.values())), None
    )
    if first is None:
        return []
    late = Visit.objects.live().filter(closes__gte=date(first, 1, 1))
    seen = late.filter(_place(wanted), of_participants_visible_to(user, today), applies=True)
    if len(sites) > COUNTED:
        return _not_counted(seen, places)
    found = seen.order_by().values(site=F("participant__site"), year=ExtractYear("closes"))
    counted = found.annotate(visits=Count("pk")).order_by("site", "year")
    return [
        Provisional(sites[row["site"]], row["year"], row["visits"])
        for row in counted
        if row["site"] in sites
        and row["site"] in calendars
        and calendars[row["site"]].is_provisional(row["year"])
    ]


def _not_counted(late: QuerySet[Visit], places: SiteCalendars) -> list[Provisional]:
    """Each site with its years without a calendar, from the first to the last in which these visits close."""
    ends = late.values_list("closes", flat=True)
    (first, last) = read_together(ends.order_by("closes", "pk")[:1], ends.order_by("-closes", "-pk")[:1])
    if not first:
        return []
    years = range(first[0].year, last[0].year + 1)
    return [
        Provisional(site, year)
        for site in places.sites
        for calendar in (places.working_days.get(site.pk),)
        for year in years
        if calendar and calendar.is_provisional(year)
    ]


def _place(wanted: WantedForecast) -> Q:
    here = {"participant__site": wanted.site} if wanted.site else {}
    return Q(**here, **({"participant__trial": wanted.trial} if wanted.trial else {}))


def _windows(user: User, now: datetime, wanted: WantedForecast) -> QuerySet[Visit]:
    """The live visits in sight whose window is open at their site, or opens within the days asked for."""
    here = roles_day(now)
    soon = timedelta(days=wanted.days)
    open_ = at_each(
        sites_by_today(sites_visible_to(user, here), now),
        lambda today: Q(closes__gte=today, opens__lte=today + soon),
    )
    theirs = of_few_or_visible_to(user, here, wanted.site, wanted.trial)
    return Visit.objects.running().filter(open_, theirs)


def _late(user: User, today: date) -> QuerySet[Visit]:
    """The visits in sight that are due after the planned end of their trial.

    None is due before the first of those ends, so that an index is walked from its end until that day. The
    day is read before: of one that is still to be found a planner takes a third of all visits to come after
    it, and looks for them among everybody's. Where no trial has an end, nothing is asked.
    """
    first = Trial.objects.aggregate(first=Min("planned_end"))["first"]
    if first is None:
        return Visit.objects.none()
    late = Visit.objects.live().filter(of_participants_visible_to(user, today), applies=True)
    return late.filter(target__gt=first).filter(target__gt=F("participant__trial__planned_end"))


def _related(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    return visits.select_related("participant__trial", "participant__site")


def _outlooks(visits: Sequence[Visit], now: datetime) -> Iterator[tuple[Visit, Outlook]]:
    """What lies ahead of each of these; two queries."""
    people = {visit.participant_id for visit in visits}
    sites = {visit.participant.site_id for visit in visits}
    calendars, away = working_days_by_site(sites), away_days(participants=people, sites=sites)
    for visit in visits:
        person = visit.participant
        ahead = Ahead(window_of(visit), Place(visit.place), visit.booked_on, lost_booking(visit))
        closed = away.closures(person.pk, person.site_id)
        yield visit, outlook(ahead, calendars.get(person.site_id), closed, today_at(person.site, now))


def _rows(chosen: Sequence[tuple[Visit, Outlook]], now: datetime, say: Say) -> list[ForecastRow]:
    visits = [visit for visit, _ahead in chosen]
    people = Participant.objects.filter(pk__in={visit.participant_id for visit in visits})
    known = people.select_related("trial", "site").prefetch_related("anchors").in_bulk()
    versions = ProtocolVersion.objects.in_bulk({one.protocol_version_id for one in known.values()})
    protocols = {pk: in_language(protocol_of(version), say) for pk, version in versions.items()}
    calendars: Mapping[int, WorkingDays] = working_days_by_site({one.site_id for one in known.values()})
    days = clinic_days_of({one.site for one in known.values()}, calendars, now)
    rows = []
    for visit, ahead in chosen:
        one = known[visit.participant_id]
        protocol, zone = protocols[one.protocol_version_id], zone_of(one.site)
        zero, here = day_zero_of(one, protocol, zone), days[one.site_id]
        reading = Reading(protocol, zone, zero, calendars.get(one.site_id), here, say)
        line = stored_row(visit, planned_visit(visit, protocol, zone), reading)
        past = days_past(visit.target, one.trial.planned_end)
        rows.append(ForecastRow(one, line, ahead, visit.booked_on, past, here.today))
    return rows
