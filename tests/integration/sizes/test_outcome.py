"""The short form of the simulation: a coordinator who does what Today asks misses nothing that could be met.

`make simulate` lives a thousand participant-years (tests/simulation).
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schedules.selectors.today.board import BoardRow
from tests.simulation import coordinator
from tests.simulation.outcome import simulate
from tests.simulation.world import World

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


@pytest.mark.long
@pytest.mark.django_db
def test_the_measure_finds_what_a_coordinator_leaves_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody books: the windows close although clinic days were left, and the measure says so."""

    def idle(self: object, row: BoardRow, day: date, now: object) -> None:
        """Book nothing."""

    monkeypatch.setattr(coordinator.Coordinator, "_book", idle)
    found = simulate(a_world(7, 24), 60)
    assert found.missed, str(found)
