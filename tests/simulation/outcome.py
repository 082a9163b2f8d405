"""What came of a round: windows missed although a day was left, deviations not shown, false drafts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from participants.models import Participant
from schedules.domain.deviations.drafts import DeviationKind
from schedules.models import Deviation, Visit, VisitPlace
from schedules.services.course.holds import sweep_holds
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.readiness.start_flags import sweep_starts
from schedules.services.windows.evaluation import sweep_windows
from tests.simulation.coordinator import Coordinator
from tests.simulation.world import DAY, World

BEFORE = 3
"""So many clinic days before its day a deviation that could be foreseen must have been shown."""


@dataclass
class Outcome:
    """The tally of a round, each finding in words."""

    years: float = 0.0
    visits: int = 0
    no_shows: int = 0
    deviations: int = 0
    missed: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.years:.1f} participant-years, {self.visits} visits done, {self.no_shows} no-shows, "
            f"{self.deviations} deviations: missed although a clinic day was left {len(self.missed)}, "
            f"foreseeable and not shown {len(self.unseen)}, false drafts {len(self.false)}, "
            f"refused acts {len(self.refused)}"
        )


def simulate(world: World, days: int) -> Outcome:
    """Live so many days from the start of a world that is set up, and judge what came of it."""
    coordinator, outcome = Coordinator(world), Outcome()
    for number in range(days):
        day = world.start + number * DAY
        now = world.morning(day)
        world.happen(day)
        sweep_windows(now=now)
        sweep_unrecorded(now=now)
        sweep_holds(now=now)
        sweep_starts(now=now)
        coordinator.work(day)
    _judge(world, coordinator, world.start + days * DAY, outcome)
    people = Participant.objects.filter(site__in=world.sites).count()
    outcome.years = people * days / 365
    outcome.refused = coordinator.refused
    outcome.no_shows = sum(map(len, world.no_shows.values()))
    return outcome


def _judge(world: World, coordinator: Coordinator, end: date, outcome: Outcome) -> None:
    mine = Visit.objects.filter(participant__site__in=world.sites).select_related("participant__trial")
    outcome.visits = mine.filter(performed_on__isnull=False).count()
    for visit in mine.filter(closes__lt=end, performed_on=None, cancelled_on=None, held_on=None):
        days = _days_left(world, visit)
        if days:
            outcome.missed.append(f"{_name(visit)}, closed {visit.closes}: {', '.join(map(str, days[:3]))}")
    drafted = Deviation.objects.filter(participant__site__in=world.sites, lapsed_on=None, withdrawn_on=None)
    for deviation in drafted.select_related("visit", "window", "participant__trial"):
        outcome.deviations += 1
        _look_at(world, coordinator, deviation, outcome)


def _days_left(world: World, visit: Visit) -> list[date]:
    """The days of a window on which the visit could have been seen, after its last change or no-show."""
    after = [*world.no_shows.get(visit.pk, ()), world.moved.get(visit.participant_id, date.min)]
    first = max(visit.opens, max(after) + DAY)
    span = (first + number * DAY for number in range((visit.closes - first).days + 1))
    return [day for day in span if world.bookable(visit, day)]


def _look_at(world: World, coordinator: Coordinator, deviation: Deviation, outcome: Outcome) -> None:
    kind, visit = DeviationKind(deviation.kind), deviation.visit
    who = f"{deviation.participant.trial.code} {deviation.participant.subject_code}"
    if visit is not None and kind in (DeviationKind.UNRECORDED, DeviationKind.MISSED, DeviationKind.OUTSIDE):
        inside = visit.performed_on is not None and visit.opens <= visit.performed_on <= visit.closes
        if inside:
            outcome.false.append(f"{kind}: {_name(visit)} was done on {visit.performed_on}")
            return
        shown = coordinator.shown.get(visit.pk, [])
        if not _in_time(world, visit, shown):
            outcome.unseen.append(f"{kind}: {_name(visit)} {visit.opens}..{visit.closes}, shown {shown[:1]}")
    elif kind is DeviationKind.ACTIVITY:
        outcome.false.append(f"{kind}: {who}")
    elif kind is DeviationKind.WINDOW and deviation.window is not None:
        flagged = coordinator.flagged.get((deviation.participant_id, deviation.window.code), [])
        if not flagged:
            outcome.unseen.append(f"{kind}: {who} {deviation.window.code} on {deviation.occurred_on}")


def _in_time(world: World, visit: Visit, shown: list[date]) -> bool:
    """Whether a visit stood on Today three clinic days before its window closed.

    One that was moved later than that, or stands on the ward by its block, could not.
    """
    if (
        visit.place == VisitPlace.WARD
        or world.moved.get(visit.participant_id, date.min) >= visit.opens - 7 * DAY
    ):
        return True
    calendar = world.calendars[visit.participant.site_id]
    left = (visit.closes - number * DAY for number in range(60))
    clinic = [day for day in left if calendar is None or calendar.is_working_day(day)][: BEFORE + 1]
    return any(day <= clinic[-1] for day in shown)


def _name(visit: Visit) -> str:
    person = visit.participant
    return f"{person.trial.code} {person.subject_code} {visit.code}"
