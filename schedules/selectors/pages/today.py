"""The visits that somebody has to look at today, the most pressing first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.deviations.stored_sentences import facts_text
from schedules.domain.plan.explanations import Say, plain
from schedules.domain.plan.labels import in_language
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.visits.status import CLOSING_DAYS, VisitStatus
from schedules.models import Flag, Visit
from schedules.selectors.store.absences import away_days
from schedules.selectors.store.calendars import sites_by_today, today_at, working_days_by_site
from schedules.selectors.store.plan_rows import Reading, VisitRow, stored_row
from schedules.selectors.store.stored_visits import FREE, LIVE, RANGES, day_zero_of, planned_visit
from trials.models import ProtocolVersion, Site, User
from trials.selectors.records import protocol_of, sites_visible_to
from trials.zones import roles_day, zone_of

SOON_DAYS = 7
PAGE = 100
STARTS = 50
TO_RECORD = 50
GROUPS = (
    VisitStatus.OVERDUE,
    VisitStatus.DUE,
    VisitStatus.CLOSING,
    VisitStatus.OPEN,
    VisitStatus.UPCOMING,
    VisitStatus.MISSED,
)
"""The order in which a worklist is read: what can still be saved before what cannot."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the worklist is asked for: a site, a trial (by id), a status, a page from 1."""

    site: int | None = None
    trial: int | None = None
    status: VisitStatus | None = None
    page: int = 1


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One visit of the worklist: whose it is, and all that is read first."""

    participant: Participant
    line: VisitRow
    today: date


@dataclass(frozen=True, slots=True)
class StartRow:
    """A start to come against which lines of the list say no, in words."""

    flag: Flag
    participant: Participant
    why: str


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page of the worklist, and how many visits each status has in all, and on each day of sites."""

    counts: Mapping[VisitStatus, int]
    rows: Sequence[WorkRow] = field(default=())
    page: int = 1
    pages: int = 1
    by_day: Mapping[tuple[VisitStatus, date], int] = field(default_factory=dict)

    @property
    def several_days(self) -> bool:
        """Whether it is not the same day at all sites of the list."""
        return len({day for _status, day in self.by_day}) > 1

    @property
    def total(self) -> int:
        """How many visits there are in all groups."""
        return sum(self.counts.values())


def worklist(user: User, now: datetime, wanted: Wanted, say: Say = plain) -> Worklist:
    """The live visits in sight that are open, closed without a record, or opening within SOON_DAYS.

    In the language of `say`. The number of queries does not depend on that of visits,
    participants or sites.
    """
    days = sites_by_today(_sites(user, now, wanted), now)
    if not days:
        return Worklist({})
    live = _live(user, now, wanted).annotate(group=_group(days), day=_day(days))
    visits = live.filter(group__isnull=False)
    found = list(visits.order_by("group", "day").values_list("group", "day").annotate(Count("pk")))
    dates = sorted(days)
    by_day = {(GROUPS[group], dates[day]): count for group, day, count in found}
    counts: dict[VisitStatus, int] = {}
    for (status, _day_there), count in by_day.items():
        counts[status] = counts.get(status, 0) + count
    if wanted.status:
        visits = visits.filter(group=GROUPS.index(wanted.status))
    shown = counts.get(wanted.status, 0) if wanted.status else sum(counts.values())
    pages = max(1, -(-shown // PAGE))
    page = min(max(1, wanted.page), pages)
    ordered = visits.order_by("group", "day", "closes", "participant__subject_code", "pk")
    chosen = list(_with_relations(ordered)[(page - 1) * PAGE : page * PAGE])
    return Worklist(counts, _rows(chosen, now, say), page, pages, by_day)


def to_be_recorded(user: User, now: datetime, wanted: Wanted, say: Say = plain) -> list[WorkRow]:
    """The visits in sight whose booked day is over and of which nothing is recorded, TO_RECORD at most.

    Whatever their windows say: somebody came, or nobody did. A constant number of queries.
    """
    days = sites_by_today(_sites(user, now, wanted), now)
    over = Q(pk__in=[])
    for today, sites in days.items():
        over |= Q(participant__site__in=sites, booked_on__lt=today)
    visits = _live(user, now, wanted).filter(over)
    found = _with_relations(visits.order_by("booked_on", "participant__subject_code", "pk"))[:TO_RECORD]
    return _rows(list(found), now, say)


def starts_said_no(user: User, now: datetime, wanted: Wanted, say: Say = plain) -> list[StartRow]:
    """The starts in sight, STARTS at most, of which the list says no and nobody has put off; one query."""
    today = roles_day(now)
    flags = Flag.objects.filter(participant__in=_seen(user, now, wanted), kind=START_FLAG, cleared_at=None)
    if wanted.site:
        flags = flags.filter(participant__site=wanted.site)
    awake = flags.exclude(snoozed_until__gt=today).select_related("participant__trial", "participant__site")
    found = awake.order_by("raised_at", "pk")[:STARTS]
    return [StartRow(flag, flag.participant, facts_text(flag.message, say)) for flag in found]


def _sites(user: User, now: datetime, wanted: Wanted) -> QuerySet[Site]:
    sites = sites_visible_to(user, roles_day(now))
    return sites.filter(pk=wanted.site) if wanted.site else sites


def _seen(user: User, now: datetime, wanted: Wanted) -> QuerySet[Participant]:
    seen = participants_visible_to(user, roles_day(now))
    return seen.filter(trial=wanted.trial) if wanted.trial else seen


def _live(user: User, now: datetime, wanted: Wanted) -> QuerySet[Visit]:
    return Visit.objects.filter(participant__in=_seen(user, now, wanted), **LIVE)


def _group(days: Mapping[date, Sequence[int]]) -> Case:
    """The place of each visit's status among GROUPS; null where nobody has to look yet.

    Says the same as `visit_status`, in the database's words.
    """
    return Case(
        *(
            When(Q(participant__site__in=sites) & condition, then=Value(GROUPS.index(status)))
            for today, sites in days.items()
            for status, condition in _conditions(today)
        ),
        output_field=IntegerField(),
    )


def _day(days: Mapping[date, Sequence[int]]) -> Case:
    """The place of the day that it is at each visit's site, the earliest first."""
    return Case(
        *(When(participant__site__in=days[day], then=Value(place)) for place, day in enumerate(sorted(days))),
        output_field=IntegerField(),
    )


def _conditions(today: date) -> Iterable[tuple[VisitStatus, Q]]:
    """The statuses with their conditions; the first that holds is the visit's."""
    return (
        (VisitStatus.MISSED, Q(closes__lt=today) & ~FREE),
        (VisitStatus.UPCOMING, Q(opens__gt=today, opens__lte=today + timedelta(days=SOON_DAYS))),
        (VisitStatus.DUE, ~Q(timing__in=RANGES) & Q(opens__lte=today, target=today)),
        (VisitStatus.OVERDUE, ~Q(timing__in=RANGES) & Q(opens__lte=today, target__lt=today)),
        (VisitStatus.CLOSING, Q(opens__lte=today, closes__lte=today + timedelta(days=CLOSING_DAYS))),
        (VisitStatus.OPEN, Q(opens__lte=today)),
    )


def _with_relations(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    return visits.select_related("participant__trial", "participant__site").prefetch_related(
        "participant__anchors"
    )


def _rows(visits: Sequence[Visit], now: datetime, say: Say) -> list[WorkRow]:
    people = [visit.participant for visit in visits]
    versions = ProtocolVersion.objects.in_bulk({one.protocol_version_id for one in people})
    protocols = {pk: in_language(protocol_of(version), say) for pk, version in versions.items()}
    sites = {one.site_id for one in people}
    calendars = working_days_by_site(sites)
    away = away_days(participants={one.pk for one in people}, sites=sites)
    rows = []
    for visit, one in zip(visits, people, strict=True):
        protocol, zone = protocols[one.protocol_version_id], zone_of(one.site)
        zero, today = day_zero_of(one, protocol, zone), today_at(one.site, now)
        working = away.applied(calendars.get(one.site_id), one.pk, one.site_id)
        reading = Reading(protocol, zone, zero, working, today, say)
        line = stored_row(visit, planned_visit(visit, protocol, zone), reading)
        rows.append(WorkRow(one, line, today))
    return rows
