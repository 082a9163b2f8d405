"""Attention: no window closes unsaid, one message a person and day, nothing twice of one thing on one day."""

from __future__ import annotations

import os
from datetime import date
from statistics import median
from typing import Any

import pytest

from tests.simulation.attention import AttentionYear
from tests.simulation.site_year import TRIALS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning() -> Any:
    """The year has a clock of its own."""
    return


def some_weeks(days: int = 13) -> AttentionYear:
    year = AttentionYear(
        seed=7,
        people=1,
        trials=("NCT07193667",),
        days=days,
        start=date(2026, 10, 19),
        lead=8,
        check_every=400,
    )
    year.run()
    return year


def held(year: AttentionYear) -> None:
    assert year.messages, "somebody was told something"
    assert not year.twice()
    assert not year.closed_unsaid()
    assert median(year.each_day()) <= 1
    assert not year.complaints, year.report()


@pytest.mark.long
def test_some_weeks_ask_for_little_attention_and_miss_nothing() -> None:
    held(some_weeks())


@pytest.mark.by_command
def test_a_year_asks_for_little_attention_and_misses_nothing() -> None:
    """SIMULATED_PEOPLE and SIMULATED_DAYS ask for more of it, or less."""
    people, days = (
        int(os.environ.get(f"SIMULATED_{name}", usual)) for name, usual in (("PEOPLE", "15"), ("DAYS", "365"))
    )
    year = AttentionYear(seed=3, people=people, trials=TRIALS, days=days, check_every=1000)
    year.run()
    print(year.figures())
    held(year)


def test_the_measure_sees_a_sweep_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.attention.sweep_reminders", lambda **_: 0)
    monkeypatch.setattr("schedules.tasks.sweeping.sweep_reminders", lambda **_: 0)
    monkeypatch.setattr(AttentionYear, "_work", lambda _year: None)
    assert some_weeks().closed_unsaid()


def test_the_measure_sees_what_is_said_twice() -> None:
    year = some_weeks()
    year.messages.append(next(one for one in year.messages if one[1].notices))
    assert year.twice()
