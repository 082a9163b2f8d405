"""All that is on record of participants and that a plan is made of, read for any number at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Fact, Participant
from participants.selectors import recorded
from schedules.domain.plan import AnchorDay, AnchorKind, Known
from schedules.domain.recorded_anchors import anchor_days
from schedules.domain.replanning import StandingVisit, WindowSpan, span_of
from schedules.models import ProtocolWindow, Visit, VisitActivity
from schedules.selectors.absences import away_days
from schedules.selectors.calendars import working_days_by_site
from schedules.selectors.stored_visits import facts_of
from trials.domain.working_days import WorkingDays

DOSE = "dose"


@dataclass(slots=True)
class Record:
    """One participant's record: anchors, visits, protocol windows, activities and half-lives."""

    participant: Participant
    calendar: WorkingDays | None
    anchors: dict[str, RecordedAnchor] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    windows: list[ProtocolWindow] = field(default_factory=list)
    activities: dict[str, AnchorDay] = field(default_factory=dict)
    half_lives: dict[str, timedelta] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the participant's site."""
        return ZoneInfo(self.participant.site.zone)

    @property
    def attempt(self) -> int:
        """Which attempt at screening this is."""
        return max((visit.attempt for visit in self.visits), default=1)

    @property
    def known(self) -> Known:
        """What the plan knows besides the anchors."""
        return Known(self._performed(), self.activities, self.half_lives, self.participant.comes_of_age_on)

    def anchor_days(self, changed: Mapping[str, RecordedAnchor]) -> dict[str, AnchorDay]:
        """The anchors that the plan counts from, with some of them changed."""
        return anchor_days({**self.anchors, **changed}, self.zone)

    def standing(self) -> list[StandingVisit]:
        """The visits as they stand."""
        return [
            StandingVisit(visit.code, visit.label, facts_of(visit), visit.booked_on, visit.unscheduled)
            for visit in self.visits
        ]

    def spans(self) -> dict[str, WindowSpan]:
        """The protocol windows as they stand."""
        return {window.code: _span(window) for window in self.windows if window.cancelled_on is None}

    def _performed(self) -> dict[str, AnchorDay]:
        return {
            visit.code: AnchorDay(
                visit.performed_on,
                AnchorKind.ACTUAL,
                visit.performed_at.astimezone(self.zone) if visit.performed_at else None,
            )
            for visit in self.visits
            if visit.performed_on
        }


def _span(window: ProtocolWindow) -> WindowSpan:
    starts, ends = window.starts_at or window.starts_on, window.ends_at or window.ends_on
    return span_of(window.code, window.label, starts, ends)


def records_of(ids: Sequence[int], *, lock: bool = False) -> list[Record]:
    """The records of these participants, by their ids; the number of queries does not depend on how many.

    With `lock` the participants' rows are locked until the transaction ends, in the order of their
    ids, so that two re-plannings wait for each other and never for ever.
    """
    people = Participant.objects.filter(pk__in=ids).order_by("pk")
    if lock:
        people = people.select_for_update(of=("self",))
    people = people.select_related("site", "trial", "protocol_version")
    found = list(people)
    calendars = working_days_by_site({person.site_id for person in found})
    away = away_days(participants=[person.pk for person in found], sites={p.site_id for p in found})
    records = {
        person.pk: Record(person, away.applied(calendars.get(person.site_id), person.pk, person.site_id))
        for person in found
    }
    _add_anchors(records)
    _add_visits(records)
    _add_facts(records)
    return list(records.values())


def _add_anchors(records: Mapping[int, Record]) -> None:
    for anchor in Anchor.objects.filter(participant__in=records):
        records[anchor.participant_id].anchors[anchor.code] = recorded(anchor)


def _add_visits(records: Mapping[int, Record]) -> None:
    for visit in Visit.objects.filter(participant__in=records).order_by("pk"):
        records[visit.participant_id].visits.append(visit)
    for record in records.values():  # what was tried before a rescreening is over
        latest = record.attempt
        record.visits = [visit for visit in record.visits if visit.attempt == latest]
    for window in ProtocolWindow.objects.filter(participant__in=records).order_by("pk"):
        records[window.participant_id].windows.append(window)


def _add_facts(records: Mapping[int, Record]) -> None:
    """When activities were done, the latest of each; and the half-lives entered for drugs."""
    done: Iterable[VisitActivity] = VisitActivity.objects.filter(
        participant__in=records, done=True, done_at__isnull=False
    ).order_by("done_at")
    for activity in done:
        record = records[activity.participant_id]
        assert activity.done_at is not None
        record.activities[activity.code] = AnchorDay.at_instant(
            activity.done_at.astimezone(record.zone), AnchorKind.ACTUAL
        )
    doses = Fact.objects.filter(participant__in=records, kind=DOSE, withdrawn_at=None).order_by("pk")
    hours: dict[int, dict[str, float]] = defaultdict(dict)
    for fact in doses:
        if value := fact.detail.get("half_life_hours"):
            hours[fact.participant_id][fact.of] = float(value)
    for pk, by_drug in hours.items():
        records[pk].half_lives.update({drug: timedelta(hours=value) for drug, value in by_drug.items()})
