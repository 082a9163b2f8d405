"""The week's list for the wall of a site, and the day's list for when the system is down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from schedules.domain.plan.labels import in_language
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.visit import UNSCHEDULED
from schedules.models import Visit
from schedules.selectors.calendar.days import CalendarDay, Entry, WantedDays, site_calendar
from schedules.selectors.store.calendars import site_calendars, today_at
from schedules.selectors.today.near_site import StayRow, stays
from schedules.selectors.today.worklist import Wanted
from trials.domain.words import Say, plain
from trials.models import ProtocolVersion, Site, User
from trials.selectors.records import protocol_of
from trials.zones import zone_of

DAY = timedelta(days=1)
DAYS_A_WEEK = 7
DAYS_AHEAD = 3
"""How many days the day's list has besides its own: enough for a long weekend without the system."""
CLOSING_AHEAD = 7
"""Windows that close within so many days of the list's day are on it, though the week may be over by then."""


class ListKind(StrEnum):
    """Which list is printed."""

    WEEK = "week"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class PaperList:
    """A list of a site as it was at `printed`: the days, what is done at each visit, what closes unbooked.

    `activities` are by visit (id). `left_out` is how much the list has no room for: it says so.
    """

    kind: ListKind
    site: Site
    printed: datetime
    today: date
    days: Sequence[CalendarDay]
    activities: Mapping[int, tuple[str, ...]]
    closing: Sequence[tuple[date, Entry]]
    stays: Sequence[StayRow]
    left_out: int

    @property
    def first(self) -> date:
        """Its first day."""
        return self.days[0].day

    @property
    def last(self) -> date:
        """Its last day."""
        return self.days[-1].day

    @property
    def week(self) -> int:
        """The number of its week (ISO 8601)."""
        return self.first.isocalendar().week


def paper_list(
    user: User, now: datetime, site: Site, kind: ListKind, day: date | None = None, say: Say = plain
) -> PaperList:
    """Read a list of a site in the language of `say`, of all whom the user may see; thirty queries at most.

    The week is that of `day` (today), from Monday; the day's list begins with `day`.
    """
    day = day or today_at(site, now)
    first = day - day.weekday() * DAY if kind is ListKind.WEEK else day
    last = first + (DAYS_A_WEEK - 1 if kind is ListKind.WEEK else DAYS_AHEAD) * DAY
    reach = max(last, day + CLOSING_AHEAD * DAY)
    found = site_calendar(user, now, WantedDays(site, first, reach), say)
    days = [one for one in found.days if one.day <= last]
    closing = [(one.day, entry) for one in found.days for entry in one.closing]
    here = stays(user, now, Wanted(site=site.pk), site_calendars([site]))
    visits = [entry.visit for one in days for entry in one.entries]
    return PaperList(
        kind,
        site,
        now.astimezone(zone_of(site)),
        found.today,
        days,
        _activities(visits, say),
        closing,
        here,
        found.left_out,
    )


def _activities(visits: Iterable[Visit], say: Say) -> dict[int, tuple[str, ...]]:
    """What is done at each of these visits, by its id; one query."""
    shown = list(visits)
    versions = ProtocolVersion.objects.in_bulk({one.participant.protocol_version_id for one in shown})
    protocols = {pk: in_language(protocol_of(one), say) for pk, one in versions.items()}
    found = {}
    for visit in shown:
        if visit.rule_code == UNSCHEDULED:
            continue
        protocol, traits = (
            protocols[visit.participant.protocol_version_id],
            frozenset(visit.participant.traits),
        )
        asked = activities_of(protocol, visit.rule_code, visit.occurrence, traits)
        found[visit.pk] = tuple(one.label for one in asked)
    return found
