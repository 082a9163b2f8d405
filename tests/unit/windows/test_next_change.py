"""Between two moments told by `next_change_at` no verdict ever turns, whatever is on record.

Facts are drawn from a seed. The suite takes one draw for each window; DAYZERO_LONG=1 a hundred.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from random import Random

import pytest

from participants.domain.fact_kinds import Admission, Confirmation, Dose, Event, Infection, Lodging, NightAway
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from participants.domain.performed import PerformedVisit
from schedules.domain.plan.values import PlannedWindow
from schedules.domain.windows.judges import judge, next_change_at
from tests.unit.windows.judging import SHANGHAI, d
from tests.unit.windows.test_every_window import TRIALS, windows

DRAWS = 100 if os.environ.get("DAYZERO_LONG") else 1
BEGIN = datetime(2026, 1, 1, tzinfo=SHANGHAI)


class Draw:
    """Facts that may be of use to a window, at random days round day zero."""

    def __init__(self, window: PlannedWindow, seed: int) -> None:
        self.random = Random(f"{window.rule.code} {seed}")
        self.window, self.terms = window, window.rule.terms
        of = getattr(self.terms, "of", "x")
        self.codes = of if isinstance(of, tuple) else (of,)

    def day(self) -> date:
        return d(self.random.randint(-60, 60))

    def hour(self) -> datetime:
        day = self.day()
        return datetime(day.year, day.month, day.day, self.random.randint(0, 23), tzinfo=SHANGHAI)

    def point(self) -> date:
        return self.random.choice((self.day, self.hour))()

    def some(self, make, most: int) -> tuple:
        return tuple(make() for _ in range(self.random.randint(0, most)))

    def facts(self) -> Facts:
        pick = self.random.choice
        return Facts(
            lodgings=self.some(self.lodging, 4),
            nights_away=self.some(lambda: NightAway(self.day()), 1),
            admissions=self.some(self.admission, 2),
            tests=self.some(self.test, 3),
            occurrences=self.some(self.occurrence, 2),
            confirmations=self.some(self.confirmation, 3),
            performed=self.some(
                lambda: PerformedVisit(pick(("screening", "d14", "d28", "d0")), self.hour()), 3
            ),
            expected=dict(self.some(lambda: ("m3", self.day()), 1)),
            ended_at=pick((None, None, self.point())),
        )

    def lodging(self) -> Lodging:
        first = self.day()
        last = first + timedelta(days=self.random.randint(0, 40))
        return Lodging(first, self.random.choice((None, last)), self.random.choice((30, 120, 300)))

    def admission(self) -> Admission:
        into = self.hour()
        out = into + timedelta(hours=self.random.randint(0, 300))
        return Admission(into, self.random.choice((None, out)), self.random.choice((None, self.day())))

    def test(self) -> Result:
        results = (None, "bad", getattr(self.terms, "result", None))
        return Result(getattr(self.terms, "test", "x"), self.point(), None, self.random.choice(results))

    def occurrence(self) -> Dose | Infection | Event:
        return self.random.choice((self.dose, self.infection, self.event))()

    def dose(self) -> Dose:
        half_life = self.random.choice((None, timedelta(days=3)))
        return Dose(self.random.choice(self.codes), self.point(), half_life, "label")

    def infection(self) -> Infection:
        return Infection(self.day(), None, self.random.choice(self.codes))

    def event(self) -> Event:
        return Event(getattr(self.terms, "event", "x"), self.point())

    def confirmation(self) -> Confirmation:
        pick = self.random.choice
        topic = pick((self.window.rule.code, *self.codes))
        visit, since = pick((None, "d14", "screening")), pick((None, self.day()))
        return Confirmation(topic, self.point(), visit, since, holds=self.random.random() < 0.8)


@pytest.mark.parametrize("trial", TRIALS)
def test_nothing_turns_between_the_moments_told(trial):
    for code, window in windows(trial).items():
        for seed in range(DRAWS):
            draw = Draw(window, seed)
            watch(window, draw.facts(), draw.random, (code, seed))


def watch(window: PlannedWindow, facts: Facts, random: Random, name: object) -> None:
    now = BEGIN
    for _step in range(40):
        verdict = judge(window, facts, now, SHANGHAI)
        change = next_change_at(window, facts, now, SHANGHAI)
        until = change or now + timedelta(days=900)
        for _look in range(3):
            between = now + (until - now) * random.random()
            assert judge(window, facts, between, SHANGHAI) == verdict, (name, now, between, facts)
        if change is None:
            return
        now = change
    raise AssertionError(name)
