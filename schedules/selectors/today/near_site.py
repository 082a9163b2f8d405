"""Who is in hospital, and who stays near the site, and until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from participants.domain.fact_kinds import FactKind
from participants.models import Fact, Participant
from participants.selectors.participants import few_in_sight
from schedules.models import ProtocolWindow
from schedules.selectors.store.calendars import SiteCalendars, sites_by_today
from schedules.selectors.today.worklist import Wanted, of_wanted
from schedules.selectors.visits.status_query import at_each
from trials.domain.protocols.protocol import Presence
from trials.domain.protocols.terms import WindowKind
from trials.models import ProtocolVersion, User
from trials.selectors.records import protocol_of
from trials.zones import roles_day

STAYS = 40
KINDS = (WindowKind.PRESENCE, WindowKind.STAY)


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay: until when, how far the lodging is, and how far it may be.

    `minutes` is None where no lodging is on record for tonight; `limit` is None in hospital.
    """

    participant: Participant
    window: ProtocolWindow
    today: date
    in_hospital: bool
    minutes: int | None = None
    limit: int | None = None

    @property
    def days_left(self) -> int:
        """Days until it ends, today not counted."""
        return (self.window.ends_on - self.today).days if self.window.ends_on else 0

    @property
    def days_over(self) -> int:
        """Days since it began."""
        return (self.today - self.window.starts_on).days if self.window.starts_on else 0

    @property
    def days(self) -> int:
        """How many days it lasts in all, at least one."""
        return max(1, self.days_over + self.days_left)

    @property
    def too_far(self) -> bool:
        """Whether the lodging is farther away than the protocol allows."""
        return self.minutes is not None and self.limit is not None and self.minutes > self.limit

    @property
    def not_entered(self) -> bool:
        """Whether nobody has said where the participant stays."""
        return not self.in_hospital and self.minutes is None

    @property
    def wrong(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.too_far or self.not_entered


def stays(user: User, now: datetime, wanted: Wanted, places: SiteCalendars) -> Sequence[StayRow]:
    """The stays at `places` that go on today: lodging not entered or too far first, then what ends soonest.

    STAYS at most; three queries, or four. Of somebody whose hospital stay goes on, that alone is shown: they
    are near.
    """
    days = sites_by_today(places.sites, now)
    if not days:
        return ()
    there = at_each(days, lambda day: Q(starts_on__lte=day, ends_on__gte=day))
    running = ProtocolWindow.objects.filter(
        there,
        of_wanted(user, now, wanted),
        cancelled_on=None,
        participant__history_since=None,
        participant__trial__frozen_on=None,
    )
    found = _first(running.select_related("participant__trial"), user, now, wanted)
    places.put_to(one.participant for one in found)
    today_of = {site: day for day, sites in days.items() for site in sites}
    rows = list(_rows(found, today_of))
    rows.sort(key=lambda row: (not row.wrong, row.window.ends_on))
    return rows[:STAYS]


def _rows(found: Sequence[ProtocolWindow], today_of: Mapping[int, date]) -> Iterator[StayRow]:
    """Each of these windows with where its participant stays, on the day of each site; two queries."""
    people = {one.participant_id: one.participant for one in found}
    admitted = {one.participant_id for one in found if one.kind == WindowKind.STAY}
    lodgings = _lodgings(people, {pk: today_of[one.site_id] for pk, one in people.items()})
    limits = _limits(people)
    for one in found:
        person = one.participant
        if one.kind == WindowKind.STAY:
            yield StayRow(person, one, today_of[person.site_id], True, None, None)
        elif person.pk not in admitted:
            lodging, limit = lodgings.get(person.pk), limits.get((person.protocol_version_id, one.code))
            yield StayRow(person, one, today_of[person.site_id], False, lodging, limit)


def _first(
    running: QuerySet[ProtocolWindow], user: User, now: datetime, wanted: Wanted
) -> list[ProtocolWindow]:
    """Those of the running windows that end first, 3 * STAYS at most; one query, of many people two.

    Each kind is then walked along its part of the index, in which windows stand by their end: both at once
    would be read whole and sorted.
    """
    few = few_in_sight(user, roles_day(now), wanted.site, wanted.trial)
    kinds = [KINDS] if few is not None else [(kind,) for kind in KINDS]
    ordered = running.order_by("ends_on", "pk")
    found = [one for some in kinds for one in ordered.filter(kind__in=some)[: 3 * STAYS]]
    return sorted(found, key=lambda one: (one.ends_on, one.pk))[: 3 * STAYS]


def _lodgings(people: dict[int, Participant], today: dict[int, date]) -> dict[int, int]:
    """The minutes to the site from where each of these people stays tonight; one query."""
    found: dict[int, int] = {}
    facts = Fact.objects.filter(participant__in=people, kind=FactKind.LODGING, withdrawn_at=None)
    for fact in facts.order_by("starts_on", "pk"):
        day = today[fact.participant_id]
        if fact.starts_on and fact.starts_on <= day and (fact.ends_on is None or fact.ends_on >= day):
            found[fact.participant_id] = int(fact.detail.get("minutes", 0))
    return found


def _limits(people: dict[int, Participant]) -> dict[tuple[int, str], int]:
    """How many minutes away each presence window allows, by version and code; one query."""
    versions = ProtocolVersion.objects.in_bulk({one.protocol_version_id for one in people.values()})
    return {
        (pk, rule.code): rule.terms.within_minutes
        for pk, version in versions.items()
        for rule in protocol_of(version).windows
        if isinstance(rule.terms, Presence)
    }
