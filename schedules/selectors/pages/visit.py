"""All that the page of one visit shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from schedules.domain.plan.labels import in_language
from schedules.domain.visits.allowed_actions import actions_of, activities_of
from schedules.domain.visits.status import WindowPosition, clinic_days
from schedules.domain.visits.values import VisitAction
from schedules.domain.windows.asked_at_visit import Asked, asked_at
from schedules.models import Visit, VisitActivity
from schedules.selectors.store.absences import away_days
from schedules.selectors.store.calendars import today_at, working_days_by_site
from schedules.selectors.store.changes import why_created
from schedules.selectors.store.course import visit_under
from schedules.selectors.store.plan_rows import Reading, VisitRow, reading_of, stored_row
from schedules.selectors.store.stored_visits import day_zero_of, planned_visit
from schedules.selectors.windows.evaluation import windows_of_participants
from trials.domain.protocols.protocol import Activity
from trials.domain.words import Say, plain
from trials.selectors.records import protocol_of
from trials.zones import zone_named, zone_of


@dataclass(frozen=True, slots=True)
class VisitPage:
    """A visit on a day: its row, what may be done with it, what is asked at it and what was done.

    `added` is why somebody added it; empty for the protocol's own.
    """

    visit: Visit
    reading: Reading
    row: VisitRow
    deeds: tuple[VisitAction, ...]
    asked: Sequence[Activity]
    done: Sequence[VisitActivity]
    added: str = ""

    @property
    def awaits_base(self) -> bool:
        """Whether its window is reached and waits for the planned day it counts from, not for a hold."""
        waiting = self.row.standing.live and self.row.standing.window is WindowPosition.WAITING
        return waiting and self.visit.held_on is None

    @property
    def zone_of_record(self) -> ZoneInfo:
        """The zone by whose clocks its hour was recorded; the participant may have gone to another since."""
        return self._zone(self.visit.performed_zone)

    @property
    def zone_of_arrival(self) -> ZoneInfo:
        """The zone by whose clocks the participant came."""
        return self._zone(self.visit.arrived_zone)

    @property
    def zone_of_booking(self) -> ZoneInfo:
        """The zone by whose clocks it was booked."""
        return self._zone(self.visit.booked_zone)

    def _zone(self, named: str) -> ZoneInfo:
        return zone_named(named) if named else self.reading.zone

    @property
    def base(self) -> str:
        """The anchor that it counts from, as the reader calls it."""
        rule = self.reading.protocol.anchor_by_code.get(self.visit.anchor_code)
        return rule.label if rule else self.visit.anchor_code

    def questions(self) -> Asked:
        """What the windows need to hear at this visit, in the reader's language; asked of its form alone."""
        (participant_windows,) = windows_of_participants([self.visit.participant_id], self.reading.say)
        day = self.visit.booked_on or self.reading.today
        today = min(day, self.reading.today)
        windows = [planned for _stored, planned in participant_windows.placed()]
        protocol, facts = participant_windows.protocol, participant_windows.facts
        state = visit_under(self.visit, protocol)
        return asked_at(state, protocol, windows, facts, (today, self.reading.zone))


def visit_page(visit: Visit, now: datetime, say: Say = plain) -> VisitPage:
    """The page of a visit that `visit_in_sight` gave; four queries more, one for a visit that was added."""
    person = visit.participant
    site, zone = person.site, zone_of(person.site)
    protocol = in_language(protocol_of(person.protocol_version), say)
    calendar = working_days_by_site([site.pk]).get(site.pk)
    working = away_days(participants=[person.pk], sites=[site.pk]).applied(calendar, person.pk, site.pk)
    zero = day_zero_of(person, protocol, zone)
    reading = Reading(protocol, zone, zero, working, clinic_days(today_at(site, now), calendar), say)
    under = reading_of(visit, reading)
    return VisitPage(
        visit=visit,
        reading=reading,
        row=stored_row(visit, planned_visit(visit, under.protocol, zone), under),
        deeds=actions_of(visit_under(visit, protocol)),
        asked=activities_of(protocol, visit.rule_code, visit.occurrence, frozenset(person.traits)),
        done=list(visit.activities.order_by("pk")),
        added=why_created("schedules.visit", visit.pk) if visit.unscheduled else "",
    )
