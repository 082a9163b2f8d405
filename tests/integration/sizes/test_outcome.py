"""The short form of the simulation: a coordinator who does what Today asks misses nothing that could be met.

`make simulate` lives a thousand participant-years (tests/simulation).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.deviations.drafts import DeviationKind
from schedules.domain.visits.values import Answer
from schedules.domain.visits.visit import VisitState
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import Deviation, ProtocolWindow
from schedules.selectors.today.attention import Attention
from schedules.selectors.today.board import Board, BoardRow
from schedules.selectors.today.parts import Section
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from tests.simulation import coordinator, world
from tests.simulation.coordinator import Coordinator
from tests.simulation.outcome import Outcome, _look_at, simulate
from tests.simulation.world import DAY, World

Fault = Callable[[pytest.MonkeyPatch], None]
START = date(2026, 3, 2)


def a_world(seed: int, lead: int) -> World:
    """Two participants of one trial, whose infusion is so many days ahead."""
    world = World(seed, START, 2, timedelta(days=lead), ("NCT07274059",))
    world.set_up()
    return world


@pytest.mark.long
@pytest.mark.django_db
def test_who_does_what_today_asks_misses_nothing_and_no_draft_is_false() -> None:
    found = simulate(a_world(7, 4), 22)
    assert found.visits > 3, str(found)
    assert (found.missed, found.unseen, found.false, found.again) == ([], [], [], []), found.refused


def nothing(*_args: object, **_kwargs: object) -> None:
    """Do nothing."""


def not_booked(patch: pytest.MonkeyPatch) -> None:
    """Nobody books: the windows close although clinic days were left."""
    patch.setattr(Coordinator, "_book", nothing)


def done_too_late(patch: pytest.MonkeyPatch) -> None:
    """Nobody books, and what closed is done a day or more later."""

    def late(self: Coordinator, row: BoardRow, day: date, now: datetime) -> None:
        if row.visit.closes < day:
            self._complete(row.visit, day, now)

    not_booked(patch)
    patch.setattr(Coordinator, "_record", late)


def shown_too_late(patch: pytest.MonkeyPatch) -> None:
    """Today shows nothing to book: what it asks for has closed."""
    real = coordinator.board

    def without(*args: Any, **kwargs: Any) -> Board:
        found = real(*args, **kwargs)
        return replace(found, rows={key: rows for key, rows in found.rows.items() if key is not Section.BOOK})

    patch.setattr(coordinator, "board", without)


def drafted_inside(patch: pytest.MonkeyPatch) -> None:
    """Every visit counts as done a day late, also one that was done inside its window."""
    patch.setattr(VisitState, "days_outside", 1)


def drafted_though_done(patch: pytest.MonkeyPatch) -> None:
    """What was done at a visit goes on record as left out."""
    patch.setattr(coordinator, "Answer", lambda _done: Answer(False, "nobody knows why"))


def not_kept(patch: pytest.MonkeyPatch) -> None:
    """What is recorded is lost, and Today asks for it again the day after."""
    patch.setattr(coordinator, "record_fact", nothing)


FAULTS: list[tuple[Fault, str]] = [
    (not_booked, "missed"),
    (done_too_late, "missed"),
    (shown_too_late, "unseen"),
    (drafted_inside, "false"),
    (drafted_though_done, "false"),
    (not_kept, "again"),
]
"""What is broken, and the measure that must notice it: one that cannot fail proves nothing."""


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(("fault", "measure"), FAULTS)
def test_each_measure_notices_a_planted_fault(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, measure: str
) -> None:
    fault(monkeypatch)
    found = simulate(a_world(7, 4), 22)
    assert getattr(found, measure), str(found)


class SlippedWorld(World):
    """A world in which day zero slips by more than a week, so that a test that was taken is too old."""

    def happen(self, day: date) -> None:
        """Nothing but the slip."""
        if day != self.start + 12 * DAY:
            return
        (person,) = Participant.objects.filter(site__in=self.sites)
        zero = RecordedAnchor("infusion", planned_on=self.start + 29 * DAY)
        said: dict[str, Any] = {"participant": person, "now": self.morning(day)}
        said["proposal"] = Proposal(anchors={"infusion": zero}, accept_unbookable=True)
        digest = preview_replanning(**said).digest
        commit_replanning(**said, digest=digest, by=self.coordinator, reason="the product is late")
        self.disturbances[person.pk] = [day]


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("hidden", [True, False])
def test_a_flag_that_is_shown_too_late_is_noticed(monkeypatch: pytest.MonkeyPatch, hidden: bool) -> None:
    """Today names what a slip breaks only once it is broken; where it names it at once, nothing is found."""
    real = coordinator.attention

    def late(*args: Any, **kwargs: Any) -> Attention:
        found = real(*args, **kwargs)
        judged = [(card, card.worst.verdict) for card in found.cards]
        broken = [card for card, row in judged if row and row.verdict.status is VerdictStatus.VIOLATED]
        return replace(found, cards=broken)

    monkeypatch.setattr(world, "TREATED", world.TREATED | {"childbearing_potential"})
    if hidden:
        monkeypatch.setattr(coordinator, "attention", late)
    slipped = SlippedWorld(7, START, 1, timedelta(days=20), ("NCT07193667",))
    slipped.set_up()
    found = simulate(slipped, 36)
    assert found.kinds["window"] == 1, "the test that is too old, whatever was shown"
    assert bool(found.unseen) is hidden, str(found)
    assert not found.false


@pytest.mark.django_db
def test_a_deviation_of_a_window_is_false_or_was_shown_in_time() -> None:
    """What each of the three depends on: whether days alone could break it, and when it was flagged."""
    world = a_world(7, 4)
    who = Participant.objects.filter(site__in=world.sites).select_related("trial", "site").first()
    assert who
    window, day = ProtocolWindow.objects.filter(participant=who)[0], START + 20 * DAY
    kind = DeviationKind.WINDOW
    drafted = Deviation(participant=who, window=window, kind=kind, occurred_on=day, facts="")

    def found(flagged: date | None) -> tuple[int, int]:
        works = Coordinator(world)
        works.flagged = {(who.pk, window.code): [flagged]} if flagged else {}
        outcome = Outcome()
        _look_at(world, works, drafted, outcome)
        return len(outcome.false), len(outcome.unseen)

    assert found(day - 10 * DAY) == (1, 0), "nothing had happened that could break it"
    world.disturbances[who.pk] = [day - 5 * DAY]
    assert found(day - 10 * DAY) == (0, 0)
    assert found(day - DAY) == (0, 1), "less than three clinic days before"
    assert found(None) == (0, 1)


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("fails", [True, False])
def test_who_is_screened_again_misses_nothing_either(fails: bool) -> None:
    """After a failure, and where screening has expired."""
    world = a_world(7, 30)
    first, second = world.start + 25 * DAY, world.start + 32 * DAY
    people = list(Participant.objects.filter(site__in=world.sites).order_by("pk"))
    world.screened_again_on = {people[0].pk: second if fails else first}
    if fails:
        world.failing_on = {people[0].pk: first}
    found = simulate(world, 60)
    assert world.screened_again == [people[0].pk]
    assert (found.missed, found.unseen, found.false, found.again) == ([], [], [], []), found.refused
