"""What came of a round: windows missed although a day was left, deviations not shown, false drafts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import F, Q

from participants.models import Participant
from schedules.domain.deviations.drafts import DeviationKind
from schedules.models import Deviation, Visit
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
    screened_again: int = 0
    deviations: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        by_kind = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))
        return (
            f"{self.years:.1f} participant-years, {self.visits} visits done, {self.no_shows} no-shows, "
            f"{self.screened_again} screened again, "
            f"{self.deviations} deviations ({by_kind}): missed although a clinic day was left "
            f"{len(self.missed)}, foreseeable and not shown {len(self.unseen)}, "
            f"false drafts {len(self.false)}, refused acts {len(self.refused)}, "
            f"facts asked for again the day after {len(self.again)}"
        )


def simulate(
    world: World, days: int, tell: Callable[[Outcome], None] | None = None, every: int = 30
) -> Outcome:
    """Live so many days from the start of a world that is set up, and judge what came of it.

    `tell` hears what came of it so far, each time that so many days are over.
    """
    coordinator = Coordinator(world)
    for number in range(days):
        day = world.start + number * DAY
        now = world.morning(day)
        world.happen(day)
        sweep_windows(now=now)
        sweep_unrecorded(now=now)
        sweep_holds(now=now)
        sweep_starts(now=now)
        world.look(day)
        coordinator.work(day)
        if tell and (number + 1) % every == 0 and number + 1 < days:
            tell(_outcome(world, coordinator, number + 1))
    return _outcome(world, coordinator, days)


def _outcome(world: World, coordinator: Coordinator, days: int) -> Outcome:
    outcome = Outcome()
    _judge(world, coordinator, world.start + days * DAY, outcome)
    people = Participant.objects.filter(site__in=world.sites).count()
    outcome.years = people * days / 365
    outcome.refused, outcome.again = list(coordinator.refused), list(coordinator.again)
    outcome.screened_again = len(world.screened_again)
    outcome.no_shows = sum(map(len, world.no_shows.values()))
    return outcome


def _judge(world: World, coordinator: Coordinator, end: date, outcome: Outcome) -> None:
    mine = Visit.objects.filter(participant__site__in=world.sites).select_related("participant__trial")
    done = mine.filter(performed_on__isnull=False)
    outcome.visits = done.count()
    undone = mine.filter(closes__lt=end, performed_on=None, cancelled_on=None, held_on=None)
    outside = done.filter(Q(performed_on__lt=F("opens")) | Q(performed_on__gt=F("closes")))
    known = (
        visit for visit in outside if visit.performed_on and world.window_since(visit) <= visit.performed_on
    )
    for visit in (*undone, *known):
        days = _days_left(world, visit)
        if days:
            when = f"done {visit.performed_on}" if visit.performed_on else f"closed {visit.closes}"
            outcome.missed.append(f"{_name(visit)}, {when}: {', '.join(map(str, days[:3]))}")
    drafted = Deviation.objects.filter(participant__site__in=world.sites, lapsed_on=None, withdrawn_on=None)
    for deviation in drafted.select_related("visit", "window", "participant__trial"):
        outcome.deviations += 1
        _look_at(world, coordinator, deviation, outcome)


def _days_left(world: World, visit: Visit) -> list[date]:
    """The days of a window on which the visit could have been seen, since the window is as it is.

    After a no-show from the next day on; nothing else that happened to the person excuses a day.
    """
    after = [day + DAY for day in world.no_shows.get(visit.pk, ())]
    first = max([visit.opens, world.window_since(visit), *after])
    span = (first + number * DAY for number in range((visit.closes - first).days + 1))
    return [day for day in span if world.bookable(visit, day)]


_OF_VISITS = frozenset({DeviationKind.UNRECORDED, DeviationKind.MISSED, DeviationKind.OUTSIDE})
_BY_DESIGN = frozenset({DeviationKind.HOLD})
"""What the world does on purpose: an infusion that is put off after chemotherapy is a hold."""


def _look_at(world: World, coordinator: Coordinator, deviation: Deviation, outcome: Outcome) -> None:
    """Judge one draft: false, or not shown in time though it could be foreseen.

    Participants of this world keep what is asked of them, and all activities are done: a draft about an
    activity is false, and one about a window is true only where days alone can break it, which is after a
    slip, a no-show or an absence. Whatever is true must have stood on Today three clinic days before.
    """
    kind, visit = DeviationKind(deviation.kind), deviation.visit
    outcome.kinds[kind.value] += 1
    person, window = deviation.participant, deviation.window
    who = f"{person.trial.code} {person.subject_code}"
    if kind in _BY_DESIGN:
        return
    if visit is not None and kind in _OF_VISITS:
        if visit.performed_on is not None and visit.opens <= visit.performed_on <= visit.closes:
            outcome.false.append(f"{kind}: {_name(visit)} was done on {visit.performed_on}")
        elif not _in_time(world, visit, coordinator.shown.get(visit.pk, [])):
            first = coordinator.shown.get(visit.pk, [])[:1]
            outcome.unseen.append(f"{kind}: {_name(visit)} {visit.opens}..{visit.closes}, shown {first}")
        return
    code = window.code if window else ""
    what = f"{kind}: {who} {code} on {deviation.occurred_on}: {deviation.facts[:160]}"
    if kind is DeviationKind.ACTIVITY or not world.disturbed(person.pk, deviation.occurred_on):
        outcome.false.append(what)
        return
    key = (person.pk, code)
    flagged = coordinator.flagged.get(key, []) if window else coordinator.flagged_people.get(person.pk, [])
    known = world.protocol_window_since(key)
    if not _before(world, person.site_id, deviation.occurred_on, known, flagged):
        outcome.unseen.append(f"{what}, flagged {flagged[:1]}, known since {known}")


def _in_time(world: World, visit: Visit, shown: list[date]) -> bool:
    """Whether a visit stood on Today three clinic days before its window closed.

    One whose window was moved later than that, by the world or by what was recorded, could not.
    """
    return _before(world, visit.participant.site_id, visit.closes, world.window_since(visit), shown)


def _before(world: World, site: int, last: date, known: date, shown: Iterable[date]) -> bool:
    """Whether something was shown BEFORE clinic days before its last day, or as soon as it was known."""
    calendar = world.calendars[site]
    left = (last - number * DAY for number in range(60))
    clinic = [day for day in left if calendar is None or calendar.is_working_day(day)][: BEFORE + 1]
    return any(day <= max(clinic[-1], known) for day in shown)


def _name(visit: Visit) -> str:
    person = visit.participant
    return f"{person.trial.code} {person.subject_code} {visit.code}"
