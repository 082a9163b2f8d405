"""The days of a site's calendar, with their bookings by the hour, in a constant number of queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, Q, QuerySet, Subquery

from participants.models import Absence, Participant
from participants.selectors.participants import of_few_or_visible_to, participants_visible_to
from participants.selectors.periods import done_in_period, periods_visible_to
from schedules.domain.plan.labels import in_language, why_closed
from schedules.domain.visits.calendar_conflicts import clinic_days_left
from schedules.domain.visits.clashes import Clash
from schedules.domain.visits.short_names import visit_mark
from schedules.domain.visits.status import Appointment, ClinicDays, clinic_days
from schedules.models import RUNNING, Visit, VisitPlace
from schedules.selectors.store.absences import AwayDays, away_days
from schedules.selectors.store.calendars import today_at, working_days_by_site
from schedules.selectors.store.plan_rows import Reading
from schedules.selectors.store.stored_visits import day_zero_of, planned_visit, window_of
from schedules.selectors.visits.clashes import clashes_on_record
from schedules.selectors.visits.companions import Companion
from schedules.selectors.visits.load import slots_of_day
from schedules.selectors.visits.offers import folded, offers_of
from schedules.selectors.visits.status_query import appointment_condition
from trials.domain.protocols.protocol import Place, Protocol
from trials.domain.sites.resources import DEFAULT_MINUTES, ResourceTerms
from trials.domain.sites.wall_clock import later
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import WEEKDAYS, Say, plain
from trials.models import ProtocolVersion, Site, User
from trials.selectors.records import protocol_of, trials_visible_to
from trials.selectors.resources import terms_in_use
from trials.zones import roles_day, zone_of

MOST = 600
MOST_TO_BOOK = 40
SOONEST = 250
_SEVERAL = 2
LONGEST_WARD = timedelta(days=45)
"""How far a ward visit's days may lie from its target: by it the index of targets is read. In the shipped
protocols no ward visit takes over three days; a longer one than this would be missing from the calendar."""

AHEAD = timedelta(days=14)
FIRST_HOUR, LAST_HOUR = 8, 18
"""The hours that a week draws; planner.css and planner.js draw the same."""


@dataclass(frozen=True, slots=True)
class WantedDays:
    """What of a calendar is asked for: a site, from a day to a day, of one trial or one resource (ids)."""

    site: Site
    first: date
    last: date
    trial: int | None = None
    resource: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A visit on a day: hours by the clocks of the site; `clashes` are those that are more than hints."""

    visit: Visit
    mark: str
    start: datetime | None = None
    end: datetime | None = None
    clashes: tuple[Clash, ...] = ()
    lane: int = 0
    lanes: int = 1
    period: int | None = None
    """The period (id) at this site in which it was done, by somebody who has gone to another site since."""

    @property
    def person(self) -> Participant:
        """Whose visit it is."""
        return self.visit.participant

    @property
    def ward(self) -> bool:
        """Whether it takes place on the ward."""
        return self.visit.place == VisitPlace.WARD

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """When it begins and ends: an hour that comes twice is two by these."""
        assert self.start, "only entries with an hour stand side by side"
        assert self.end, "an entry with an hour has an end"
        return self.start.astimezone(UTC), self.end.astimezone(UTC)

    @property
    def length_assumed(self) -> bool:
        """Whether nobody said how long it lasts: it is drawn as long as is usual."""
        return self.start is not None and self.visit.booked_end is None

    @property
    def done(self) -> bool:
        """Whether it is on record as done."""
        return self.visit.performed_on is not None


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One day: why nobody can be seen, and all that is on it.

    `name` is that of its holiday, or why it is closed where its weekday alone does not say it.
    """

    day: date
    closed: str | None = None
    name: str = ""
    made_up: bool = False
    provisional: bool = False
    timed: tuple[Entry, ...] = ()
    untimed: tuple[Entry, ...] = ()
    ward: tuple[Entry, ...] = ()
    closing: tuple[Entry, ...] = ()
    away: tuple[Absence, ...] = ()
    slots: int = 0

    @property
    def taken(self) -> int:
        """How many are seen at the clinic."""
        return len(self.timed) + len(self.untimed)

    @property
    def has_something(self) -> bool:
        """Whether anything is to be said of it besides its date."""
        return bool(self.entries or self.closing or self.name or self.away)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All who come, the ward first, then by the hour."""
        return (*self.ward, *self.untimed, *self.timed)


@dataclass(frozen=True, slots=True)
class ToBook:
    """A visit that waits to be booked: the clinic days left, and the other visit of the same journey.

    `both` waits as well and is booked by the same act, `beside` is booked already.
    """

    visit: Visit
    mark: str
    left: int | None
    companion_to_book: Companion | None = None
    companion_booked: Companion | None = None


@dataclass(frozen=True, slots=True)
class SiteCalendar:
    """The days asked for, what is to be booked, and how much was left out because it is too much."""

    today: date
    now: datetime
    days: tuple[CalendarDay, ...]
    to_book: tuple[ToBook, ...] = ()
    waiting: int = 0
    left_out: int = 0
    resources: Mapping[int, ResourceTerms] = field(default_factory=dict)

    @property
    def clashing(self) -> list[tuple[date, Entry]]:
        """The bookings that clash, by day."""
        return [(day.day, entry) for day in self.days for entry in day.entries if entry.clashes]

    @property
    def empty(self) -> bool:
        """Whether nobody comes on any of these days."""
        return not any(day.entries for day in self.days)


def site_calendar(user: User, now: datetime, wanted: WantedDays, say: Say = plain) -> SiteCalendar:
    """Return the calendar of a site in the language of `say`; about twenty queries, whatever it holds."""
    site, zone = wanted.site, zone_of(wanted.site)
    seen = participants_visible_to(user, roles_day(now)).filter(site=site)
    seen = seen.filter(trial=wanted.trial) if wanted.trial else seen
    mine = of_few_or_visible_to(user, roles_day(now), site.pk, wanted.trial)
    calendar = working_days_by_site([site.pk]).get(site.pk)
    terms = terms_in_use([site.pk]).get(site.pk, {})
    found = list(_here(_shown(wanted) & mine, site)[: MOST + 1])
    left = _of_those_who_left(_shown(wanted), user, now, seen, wanted)
    today = today_at(site, now)
    waiting = _waiting(mine, wanted, today, calendar)
    to_book = list(waiting[:MOST_TO_BOOK])
    shown = [*found, *left, *to_book]
    readings = _readings(shown, clinic_days(today, calendar), calendar, say)
    marks = {visit.pk: _mark(visit, readings[visit.pk]) for visit in shown}
    trials = frozenset(trials_visible_to(user, roles_day(now)).values_list("pk", flat=True))
    clashes = clashes_on_record(found[:MOST], say, seen_trials=trials)
    people = {one.participant_id for one in to_book}
    gone = away_days(participants=people, sites=[site.pk])
    absences = Absence.objects.filter(site=site, ended=False, first__lte=wanted.last)
    away = list(absences.filter(last__gte=wanted.first).select_related("user"))
    placed = _placed([*found[:MOST], *left], wanted, marks, clashes, (zone, today))
    days = []
    for offset in range((wanted.last - wanted.first).days + 1):
        day = wanted.first + timedelta(days=offset)
        here = replace(_bare(day, calendar, say), slots=slots_of_day(day, calendar, terms))
        on_day: dict[str, Any] = {part: tuple(some) for part, some in placed.get(day, {}).items()}
        absent = tuple(one for one in away if one.first <= day <= one.last)
        days.append(replace(here, **on_day, away=absent))
    return SiteCalendar(
        *(today, now.astimezone(zone), tuple(days)),
        tuple(_cards(to_book, readings, marks, gone)),
        waiting.count() if len(to_book) == MOST_TO_BOOK else len(to_book),
        max(0, len(found) - MOST),
        terms,
    )


def busiest_site(sites: QuerySet[Site], today: date) -> int | None:
    """The one of several sites (id) with most of the next bookings in the week from today on, or None.

    SOONEST bookings are looked at: which site is shown first is not worth counting everybody's.
    """
    if len(sites.order_by().values_list("pk")[:2]) < _SEVERAL:
        return None
    week = (today, today + timedelta(days=6))
    booked = Visit.objects.filter(participant__site__in=sites, booked_on__range=week, **RUNNING)
    soonest = booked.order_by("booked_on").values_list("participant__site", flat=True)[:SOONEST]
    counted = Counter(soonest)
    return min(counted, key=lambda site: (-counted[site], site), default=None)


def _shown(wanted: WantedDays) -> Q:
    """The condition on visits that have anything to show on the days asked for."""
    first, last = wanted.first, wanted.last
    booked = Q(booked_on__range=(first, last), missed_on=None, cancelled_on=None)
    if wanted.resource:
        booked &= Q(booked_resource=wanted.resource) | Q(booked_staff=wanted.resource)
        return booked
    # bounded by the target, which has an index; no stay is longer
    ward = Q(place=VisitPlace.WARD, target__range=(first - LONGEST_WARD, last + LONGEST_WARD))
    ward &= Q(opens__lte=last, closes__gte=first, missed_on=None, cancelled_on=None, applies=True)
    closing = Q(closes__range=(first, last), booked_on=None, unscheduled=False, **RUNNING)
    return booked | ward | closing


def _here(shown: Q, site: Site) -> QuerySet[Visit]:
    """The visits of those who are at the site, but for what was done at the site that they came from."""
    before = done_in_period("performed_on").exclude(site=site)
    visits = Visit.objects.filter(shown, ~Exists(before))
    return _related(visits).order_by("booked_on", "booked_start", "target", "pk")


def _of_those_who_left(
    shown: Q, user: User, now: datetime, seen: QuerySet[Participant], wanted: WantedDays
) -> list[Visit]:
    """What was done at the site by those who have gone to another since; each visit knows its period."""
    periods = periods_visible_to(user, roles_day(now)).filter(site=wanted.site, ended_on__gte=wanted.first)
    periods = periods.filter(participant__trial=wanted.trial) if wanted.trial else periods
    left = Visit.objects.filter(shown, participant__in=periods.order_by().values("participant"))
    here = done_in_period("performed_on").filter(pk__in=periods.order_by().values("pk"))
    done = left.filter(performed_on__isnull=False).exclude(participant__in=seen)
    visits = _related(done.annotate(period=Subquery(here.values("pk")[:1])).filter(period__isnull=False))
    found = list(visits.order_by("booked_on", "booked_start", "target", "pk")[:MOST])
    for visit in found:
        visit.participant.site = wanted.site
    return found


def _waiting(mine: Q, wanted: WantedDays, today: date, calendar: WorkingDays | None) -> QuerySet[Visit]:
    days = {clinic_days(today, calendar): [wanted.site.pk]}
    soon = Q(opens__lte=max(wanted.last, today) + AHEAD)
    to_book = appointment_condition(Appointment.TO_BOOK, days) & soon & Q(place=VisitPlace.CLINIC)
    visits = Visit.objects.filter(to_book, mine, **RUNNING)
    return _related(visits).order_by("closes", "opens", "pk")


def _related(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    related = visits.select_related(
        "participant__trial", "participant__site", "booked_resource", "booked_staff"
    )
    return related.prefetch_related("participant__anchors")


def _readings(
    visits: Sequence[Visit], days: ClinicDays, calendar: WorkingDays | None, say: Say
) -> dict[int, Reading]:
    """By what each of these visits (id) is read; one query."""
    versions = ProtocolVersion.objects.in_bulk({one.participant.protocol_version_id for one in visits})
    protocols: dict[int, Protocol] = {pk: in_language(protocol_of(one), say) for pk, one in versions.items()}
    found = {}
    for visit in visits:
        protocol, zone = protocols[visit.participant.protocol_version_id], zone_of(visit.participant.site)
        zero = day_zero_of(visit.participant, protocol, zone)
        found[visit.pk] = Reading(protocol, zone, zero, calendar, days, say)
    return found


def _mark(visit: Visit, reading: Reading) -> str:
    planned = planned_visit(visit, reading.protocol, reading.zone)
    return reading.say(visit_mark(reading.protocol, planned, reading.zero))


def _cards(
    to_book: Sequence[Visit],
    readings: Mapping[int, Reading],
    marks: Mapping[int, str],
    away: AwayDays,
) -> Iterator[ToBook]:
    """The visits to book, as Today shows them: two that are booked on one day in one act are one card."""
    here = {
        one.pk: replace(
            readings[one.pk],
            calendar=away.applied(readings[one.pk].calendar, one.participant_id, one.participant.site_id),
        )
        for one in to_book
    }
    offers = offers_of([(one, here[one.pk]) for one in to_book])
    by_pk = {one.pk: one for one in to_book}
    for pk, offer in folded(to_book, offers.of).items():
        left = _left(by_pk[pk], here[pk].calendar, here[pk].today)
        yield ToBook(by_pk[pk], marks[pk], left, offer.companion_to_book, offer.companion_booked)


def _placed(
    visits: Iterable[Visit],
    wanted: WantedDays,
    marks: Mapping[int, str],
    clashes: Mapping[int, tuple[Clash, ...]],
    here: tuple[ZoneInfo, date],
) -> dict[date, dict[str, list[Entry]]]:
    """The entries of each day, by the field of CalendarDay that holds them."""
    zone, today = here
    placed: dict[date, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for visit in visits:
        entry = _entry(visit, marks[visit.pk], clashes.get(visit.pk, ()))
        if visit.booked_on and wanted.first <= visit.booked_on <= wanted.last:
            part, entry = _booked(entry, zone)
            placed[visit.booked_on][part].append(entry)
        elif entry.ward and visit.booked_on is None:
            for day in _ward_days(visit, wanted):
                placed[day]["ward"].append(entry)
        elif visit.booked_on is None and visit.closes >= today and not entry.done:
            placed[visit.closes]["closing"].append(entry)
    for parts in placed.values():
        parts["timed"] = _in_lanes(parts["timed"])
    return placed


def _entry(visit: Visit, mark: str, clashes: Iterable[Clash]) -> Entry:
    """A visit as a day shows it, with what it clashes with; hints are for the form of a booking."""
    grave = tuple(clash for clash in clashes if not clash.hint)
    return Entry(visit, mark, clashes=grave, period=getattr(visit, "period", None))


def _booked(entry: Entry, zone: ZoneInfo) -> tuple[str, Entry]:
    """The part of its day in which a booking stands, and the entry with its hours where it has any."""
    visit = entry.visit
    if entry.ward or not visit.booked_start:
        return "ward" if entry.ward else "untimed", entry
    start = visit.booked_start.astimezone(zone)
    end = visit.booked_end.astimezone(zone) if visit.booked_end else later(start, _usual(visit))
    return "timed", replace(entry, start=start, end=end)


def _usual(visit: Visit) -> timedelta:
    return timedelta(minutes=visit.booked_resource.minutes if visit.booked_resource else DEFAULT_MINUTES)


def _ward_days(visit: Visit, wanted: WantedDays) -> list[date]:
    """The days of a ward visit: of its range, the day on which it was done, or its target."""
    if visit.performed_on:
        days = [visit.performed_on]
    elif visit.timing == "over":
        days = [visit.opens + timedelta(days=n) for n in range((visit.closes - visit.opens).days + 1)]
    else:
        days = [visit.target]
    return [day for day in days if wanted.first <= day <= wanted.last]


def _in_lanes(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of a day side by side where they overlap: each with its lane and how many there are."""
    found: list[Entry] = []
    group: list[Entry] = []
    until: datetime | None = None
    for entry in sorted(entries, key=lambda one: (one.instants, one.visit.pk)):
        start, end = entry.instants
        if until is not None and start >= until:
            found += _spread(group)
            group, until = [], None
        group.append(entry)
        until = max(until, end) if until else end
    return found + _spread(group)


def _spread(group: Sequence[Entry]) -> list[Entry]:
    ends: list[datetime] = []
    lanes = []
    for entry in group:
        start, end = entry.instants
        free = next((lane for lane, until in enumerate(ends) if until <= start), len(ends))
        ends[free : free + 1] = [end]
        lanes.append(free)
    return [replace(one, lane=lane, lanes=len(ends)) for one, lane in zip(group, lanes, strict=True)]


def _bare(day: date, calendar: WorkingDays | None, say: Say) -> CalendarDay:
    if calendar is None:
        return CalendarDay(day)
    holiday, why = calendar.holiday_name(day), why_closed(calendar, day, say)
    unnamed = why is None or why == say(WEEKDAYS[day.weekday()])
    return CalendarDay(
        *(day, why, say(holiday) if holiday else "" if unnamed else why or ""),
        day in calendar.make_up_days,
        bool(holiday or day in calendar.make_up_days) and calendar.is_provisional(day),
    )


def _left(visit: Visit, calendar: WorkingDays | None, today: date) -> int | None:
    return clinic_days_left(window_of(visit), Place(visit.place), calendar, today)
