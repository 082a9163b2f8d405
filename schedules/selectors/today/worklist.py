"""The visits that somebody has to look at today, the most pressing first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When, prefetch_related_objects

from participants.models import Participant
from participants.selectors.participants import of_few_or_visible_to, participants_visible_to
from schedules.domain.plan.labels import in_language
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.visits.status import Appointment, ClinicDays, WindowPosition
from schedules.models import LOST_BOOKING, Flag, Visit
from schedules.selectors.store.absences import away_days
from schedules.selectors.store.calendars import SiteCalendars, site_calendars
from schedules.selectors.store.plan_rows import Reading, VisitRow, stored_row
from schedules.selectors.store.stored_visits import day_zero_of, planned_visit
from schedules.selectors.visits.status_query import appointment_condition, at_each, by_today, window_condition
from trials.domain.stored_sentences import facts_text
from trials.domain.words import Say, plain
from trials.models import ProtocolVersion, User
from trials.selectors.records import protocol_of, sites_visible_to
from trials.zones import roles_day, zone_of

SOON_DAYS = 7
SOON = timedelta(days=SOON_DAYS)
PAGE = 100
STARTS = 50
HISTORIES = 50


class Part(StrEnum):
    """A part of the worklist, in the order in which it is read: what is done next comes first."""

    COMING = "coming-today"
    NO_CLINIC_DAY_LEFT = "no-clinic-day-left"
    LAST_DAYS = "last-days"
    OPEN = "open"
    UPCOMING = "upcoming"
    TO_RECORD = "to-record"
    BOOKED = "booked"


PARTS = tuple(Part)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the worklist is asked for: a site, a trial (by id), a part, a page from 1."""

    site: int | None = None
    trial: int | None = None
    part: Part | None = None
    page: int = 1


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One visit of the worklist: whose it is, and all that is read first."""

    participant: Participant
    line: VisitRow
    today: date
    part: Part
    visit: Visit
    reading: Reading


@dataclass(frozen=True, slots=True)
class StartRow:
    """A start to come against which lines of the list say no, in words."""

    flag: Flag
    participant: Participant
    why: str


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page of the worklist, and how many visits each part has in all, and on each day of sites."""

    counts: Mapping[Part, int]
    rows: Sequence[WorkRow] = field(default=())
    page: int = 1
    pages: int = 1
    by_day: Mapping[tuple[Part, date], int] = field(default_factory=dict)

    @property
    def several_days(self) -> bool:
        """Whether it is not the same day at all sites of the list."""
        return len({day for _part, day in self.by_day}) > 1

    @property
    def total(self) -> int:
        """How many visits there are in all groups."""
        return sum(self.counts.values())


def worklist(
    user: User, now: datetime, wanted: Wanted, say: Say = plain, places: SiteCalendars | None = None
) -> Worklist:
    """The visits in sight that are booked, to be booked or to be recorded, a week ahead at most.

    In the language of `say`. `places` are the sites in sight, where the caller has read them already.
    The number of queries does not depend on that of visits, participants or sites.
    """
    seen = places or site_calendars(sites_visible_to(user, roles_day(now)))
    places = seen.only(wanted.site)
    if not places.sites:
        return Worklist({})
    days = places.by_day(now)
    here = by_today(days)
    live = live_visits(user, now, wanted).filter(near(days))
    live = live.annotate(group=part_of_visit(days), day=_day(here))
    visits = live.filter(group__isnull=False)
    found = list(visits.order_by("group", "day").values_list("group", "day").annotate(Count("pk")))
    dates = sorted(here)
    by_day = {(PARTS[group], dates[day]): count for group, day, count in found}
    counts: dict[Part, int] = {}
    for (part, _day_there), count in by_day.items():
        counts[part] = counts.get(part, 0) + count
    if wanted.part:
        visits = visits.filter(group=PARTS.index(wanted.part))
    shown = counts.get(wanted.part, 0) if wanted.part else sum(counts.values())
    pages = max(1, -(-shown // PAGE))
    page = min(max(1, wanted.page), pages)
    ordered = visits.order_by("group", "day", "closes", "participant__subject_code", "pk")
    chosen = list(with_relations(ordered)[(page - 1) * PAGE : page * PAGE])
    return Worklist(counts, work_rows(chosen, now, say, places), page, pages, by_day)


def starts_said_no(user: User, now: datetime, wanted: Wanted, say: Say = plain) -> list[StartRow]:
    """The starts in sight, STARTS at most, of which the list says no and nobody has snoozed; one query."""
    today = roles_day(now)
    flags = Flag.objects.filter(of_wanted(user, now, wanted), kind=START_FLAG, cleared_at=None)
    awake = flags.exclude(snoozed_until__gt=today).select_related("participant__trial", "participant__site")
    found = awake.order_by("raised_at", "pk")[:STARTS]
    return [StartRow(flag, flag.participant, facts_text(flag.message, say)) for flag in found]


def open_histories(user: User, now: datetime, wanted: Wanted) -> list[Participant]:
    """The participants in sight whose history is being entered, HISTORIES at most, the longest first.

    Nothing of theirs is judged until it is complete, so nothing else says that it was forgotten. One query.
    """
    people = people_wanted(user, now, wanted).filter(history_since__isnull=False, trial__frozen_on=None)
    return list(people.select_related("trial", "site").order_by("history_since", "pk")[:HISTORIES])


def people_wanted(user: User, now: datetime, wanted: Wanted) -> QuerySet[Participant]:
    """The participants in sight who are asked for."""
    seen = participants_visible_to(user, roles_day(now))
    seen = seen.filter(site=wanted.site) if wanted.site else seen
    return seen.filter(trial=wanted.trial) if wanted.trial else seen


def of_wanted(user: User, now: datetime, wanted: Wanted) -> Q:
    """The condition on rows of the participants in sight who are asked for."""
    return of_few_or_visible_to(user, roles_day(now), wanted.site, wanted.trial)


def live_visits(user: User, now: datetime, wanted: Wanted) -> QuerySet[Visit]:
    """The visits of these participants of which nothing is recorded yet."""
    return Visit.objects.running().filter(of_wanted(user, now, wanted))


def near(days: Mapping[ClinicDays, Sequence[int]]) -> Q:
    """The condition that each visit of a part fulfils, by what stands in indexes of live visits.

    It leaves out what lies ahead, which is nearly everything: without it a page reads every visit of every
    participant to count the few that are due. The day is the latest at any site; the parts ask more closely.
    """
    last = max(by_today(days))
    soon = Q(opens__lte=last + SOON)
    booked = Q(booked_on__isnull=False, booked_on__lte=last + SOON)
    return soon | booked | Q(arrived_on__isnull=False) | LOST_BOOKING


def part_of_visit(days: Mapping[ClinicDays, Sequence[int]]) -> Case:
    """The place of each visit's part among PARTS; null where nobody has to look yet."""
    return Case(
        *(When(in_part(part, days), then=Value(place)) for place, part in enumerate(PARTS)),
        output_field=IntegerField(),
    )


def _day(days: Mapping[date, Sequence[int]]) -> Case | Value:
    """The place of the day that it is at each visit's site, the earliest first."""
    if len(days) == 1:
        return Value(0, output_field=IntegerField())
    return Case(
        *(When(participant__site__in=days[day], then=Value(place)) for place, day in enumerate(sorted(days))),
        output_field=IntegerField(),
    )


def in_part(part: Part, days: Mapping[ClinicDays, Sequence[int]]) -> Q:
    """The condition on the visits of a part, by both axes; of all parts at most one holds."""
    soon = at_each(by_today(days), lambda today: Q(opens__lte=today + SOON))
    due_today = at_each(by_today(days), lambda today: Q(booked_on=today))
    booked = appointment_condition(Appointment.BOOKED, days)
    if part is Part.COMING:
        return appointment_condition(Appointment.ARRIVED, days) | (booked & due_today)
    if part is Part.BOOKED:
        ahead = at_each(
            by_today(days),
            lambda today: (
                Q(booked_on__gt=today) & (Q(opens__lte=today + SOON) | Q(booked_on__lte=today + SOON))
            ),
        )
        return booked & ahead
    if part is Part.TO_RECORD:
        return appointment_condition(Appointment.TO_RECORD, days)
    to_book = appointment_condition(Appointment.TO_BOOK, days)
    return to_book & window_condition(WindowPosition(part.value), days) & soon


def with_relations(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    """Visits, each with its participant, trial and site, and with what its booking takes."""
    return visits.select_related("participant__trial", "participant__site", "booked_resource", "booked_staff")


def work_rows(visits: Sequence[Visit], now: datetime, say: Say, places: SiteCalendars) -> list[WorkRow]:
    """The lines of visits that carry their part as `group`, all at `places`; three queries."""
    prefetch_related_objects(visits, "participant__anchors")
    people = [visit.participant for visit in visits]
    versions = ProtocolVersion.objects.in_bulk({one.protocol_version_id for one in people})
    protocols = {pk: in_language(protocol_of(version), say) for pk, version in versions.items()}
    days = places.clinic_days(now)
    away = away_days(participants={one.pk for one in people}, sites={one.site_id for one in people})
    rows = []
    for visit, one in zip(visits, people, strict=True):
        protocol, zone = protocols[one.protocol_version_id], zone_of(one.site)
        zero, here = day_zero_of(one, protocol, zone), days[one.site_id]
        working = away.applied(places.working_days.get(one.site_id), one.pk, one.site_id)
        reading = Reading(protocol, zone, zero, working, here, say)
        line = stored_row(visit, planned_visit(visit, protocol, zone), reading)
        group = getattr(visit, "group")  # noqa: B009 - annotated
        part = Part.UPCOMING if group is None else PARTS[group]  # none: a lost booking of a window far ahead
        rows.append(WorkRow(one, line, here.today, part, visit, reading))
    return rows
