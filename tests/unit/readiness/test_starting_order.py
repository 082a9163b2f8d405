"""Who may stand in a start's way is found by halves: the same as asking everybody, in far fewer questions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from schedules.domain.readiness import gates
from schedules.domain.readiness.gates import (
    Cohorts,
    Course,
    GateVerdict,
    Review,
    gate_ahead,
    gate_status,
    waiting_of,
)
from schedules.domain.readiness.starting_order import Bars, Row
from trials.domain.protocols.offsets import Offset, Unit
from trials.domain.protocols.protocol import DoseLevel, Gate, GateBefore
from trials.formats.protocols import library

START = date(2026, 1, 1)
BASIS = library.load("CART-SLE").gates[0].basis


def some_cohorts(seed: int) -> Cohorts:
    """Gates, levels, courses and reviews of any kind."""
    chance = random.Random(seed)
    levels = tuple(
        DoseLevel(f"L{n}", f"L{n}", BASIS, planned=chance.choice([None, 1, 2]))
        for n in range(chance.randint(0, 3))
    )
    codes = [None, *(level.code for level in levels)]

    def interval() -> Offset | None:
        return chance.choice([None, Offset(chance.randint(1, 30), Unit.DAYS), Offset(36, Unit.HOURS)])

    def course(number: int) -> Course:
        begins = START + timedelta(days=chance.randint(0, 50))
        infusion = begins + timedelta(days=chance.randint(0, 6))
        observed = tuple(
            (code, infusion + timedelta(days=chance.randint(5, 40)))
            for code in "ab"
            if chance.random() < 0.85
        )
        return Course(
            f"S{number}",
            chance.choice(codes),
            begins,
            infusion,
            observed,
            ended_on=chance.choice([None, infusion]),
            replaced=chance.random() < 0.1,
            begun=chance.random() < 0.5,
        )

    return Cohorts(
        tuple(
            Gate(
                "gate",
                "gate",
                chance.choice(list(GateBefore)),
                BASIS,
                observation=chance.choice([None, "a", "b"]),
                interval=interval(),
                first_of_level_interval=interval(),
                review=chance.random() < 0.4,
            )
            for n in range(chance.randint(0, 3))
        ),
        levels,
        tuple(course(n) for n in range(chance.randint(0, 9))),
        tuple(
            Review(
                START + timedelta(days=chance.randint(0, 90)),
                chance.choice(codes),
                chance.choice([None, "S0", "S1"]),
                opens=chance.random() < 0.8,
            )
            for _ in range(chance.randint(0, 4))
        ),
    )


def asked_of_everybody(cohorts: Cohorts, planned: Course) -> GateVerdict:
    """The rule of `gate_ahead`, without those who are behind instead of leaving them out each time."""
    first = verdict = gate_status(cohorts, planned)
    reasons = first.reasons
    if not first.open and cohorts.holds(planned):
        waiting = waiting_of(cohorts)
        behind = {
            one.subject
            for one in cohorts.courses
            if not one.begun and one.subject != planned.subject and one.subject in waiting
            if (one.begins, one.infusion, one.subject) > (planned.begins, planned.infusion, planned.subject)
        }
        cohorts = cohorts.without(behind)
    while not verdict.open and verdict.opens_on is not None:
        reasons = tuple(dict.fromkeys((*first.reasons, *verdict.reasons)))
        later = verdict.opens_on - planned.begins
        planned = Course(planned.subject, planned.level, verdict.opens_on, planned.infusion + later)
        verdict = gate_status(cohorts, planned)
    if not verdict.open:
        reasons = tuple(dict.fromkeys((*first.reasons, *verdict.reasons)))
    return GateVerdict(first.open, verdict.opens_on if verdict.open else None, reasons)


def test_a_start_meets_the_same_gates_as_when_everybody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def everybody(row: Row, begins: date, infusion: date) -> Iterator[int]:
        return iter(range(len(row._begins)))

    for seed in range(150):
        cohorts = some_cohorts(seed)
        planned = [one for one in cohorts.courses if not one.begun]
        planned += [replace(one, begins=one.begins + timedelta(days=9)) for one in planned[:1]]
        planned += [Course("new", None, START + timedelta(days=20), START + timedelta(days=25))]
        found = [gate_ahead(cohorts, one) for one in planned]
        with monkeypatch.context() as patched:
            patched.setattr(Row, "barring", everybody)
            assert [asked_of_everybody(replace(cohorts), one) for one in planned] == found, seed


def test_few_are_asked_where_nearly_all_are_long_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the people, ten times the questions: counted, for a second is not the same everywhere."""
    gate = Gate("next", "next", GateBefore.PARTICIPANT, BASIS, observation="a", interval=Offset(7, Unit.DAYS))

    def asked(people: int) -> int:
        days = [START + timedelta(days=10 * n) for n in range(people)]
        courses = tuple(
            Course(
                f"S{n:04}",
                None,
                day,
                day + timedelta(days=5),
                (("a", day + timedelta(days=33)),),
                begun=False,
            )
            for n, day in enumerate(days)
        )
        cohorts, questions = Cohorts((gate,), (), courses), 0
        known = gates._goes_before

        def counted(course: Course, planned: Course, *, queued: bool) -> bool:
            nonlocal questions
            questions += 1
            return known(course, planned, queued=queued)

        with monkeypatch.context() as patched:
            patched.setattr(gates, "_goes_before", counted)
            waiting = waiting_of(cohorts)
            assert all(not gate_ahead(cohorts, course, waiting).open for course in courses[1:])
        return questions

    assert asked(300) < 11 * asked(30)


def test_what_bars_many_starts_is_put_into_words_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A board of 10,000 wrote two million reasons, to sum them into as many sentences as there are slots."""
    gate = Gate("next", "next", GateBefore.PARTICIPANT, BASIS, observation="a")
    courses = tuple(
        Course(f"S{n:02}", None, day, day, (("a", day + timedelta(days=33)),), begun=n < 20)
        for n, day in enumerate(START + timedelta(days=n) for n in range(40))
    )
    written: list[str] = []
    known = gates._reason

    def counted(gate: Gate | None, opens_on: date | None, template: str, values: Any) -> gates.GateReason:
        written.append(values["subject"])
        return known(gate, opens_on, template, values)

    monkeypatch.setattr(gates, "_reason", counted)
    cohorts = Cohorts((gate,), (), courses)
    verdicts = [gate_ahead(cohorts, course) for course in courses[20:]]
    assert sum(len(verdict.reasons) for verdict in verdicts) > 400
    assert sorted(written) == sorted(set(written))


def test_the_days_beyond_one_are_found_among_the_first() -> None:
    days = [5, 1, 9, 7, 3] * 9
    bars = Bars(days)
    for count in range(len(days) + 1):
        for day in range(11):
            assert list(bars.beyond(count, day)) == [n for n, one in enumerate(days[:count]) if one > day]
    assert list(Bars([]).beyond(3, 0)) == []
