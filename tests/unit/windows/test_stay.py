"""In hospital from D0 to D7, both inside; D0 is Monday 2 March 2026, D7 Monday 9 March."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from participants.domain.fact_kinds import Admission
from participants.domain.facts import Facts
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.windows.judges import judge, next_change_at
from tests.unit.windows.judging import SHANGHAI, at, d, told, window
from trials.domain.protocols.protocol import Stay


def admitted(*stays: tuple, planned: date | None = None) -> Facts:
    return Facts(admissions=tuple(Admission(into, out, planned) for into, out in stays))


WINDOW = window(Stay(leave_on_last_day=True), d(0), d(7))
INSIDE = admitted((at(-5, "09:00"), None))


@pytest.mark.parametrize(
    ("facts", "now", "status", "since", "why"),
    [
        (INSIDE, at(-1), "not-yet", None, "the eve"),
        (INSIDE, at(3), "open-and-kept", d(0), "admitted since chemotherapy"),
        (INSIDE, at(8, "00:00"), "kept", d(7), "never left"),
        (admitted((at(0, "23:00"), None)), at(3), "open-and-kept", d(0), "any hour of D0 is in time"),
        (admitted((at(-5), at(7, "00:01"))), at(9), "kept", at(7, "00:01"), "the first hour of D7 keeps it"),
        (admitted((at(-5), at(7, "23:59"))), at(9), "kept", at(7, "23:59"), "so does the last"),
        (admitted((at(-5), at(9))), at(9), "kept", at(9), "longer than asked"),
        (admitted((at(-5), at(6, "23:59"))), at(9), "violated", at(6, "23:59"), "D6 is too early"),
        (admitted((at(0), at(0, "20:00"))), at(3), "violated", at(0, "20:00"), "out on the day itself"),
        (
            admitted((at(-5), at(3, "10:00")), (at(3, "11:00"), None)),
            at(9),
            "violated",
            at(3, "10:00"),
            "an hour at home is an hour at home",
        ),
        (
            admitted((at(-5), at(3, "10:00")), (at(3, "10:00"), None)),
            at(8),
            "kept",
            d(7),
            "moved to another ward at the same minute",
        ),
        (
            admitted((at(-5), at(0, "08:00")), (at(0, "10:00"), None)),
            at(8),
            "kept",
            d(7),
            "admitted again on D0 itself, whose every hour is in time",
        ),
        (admitted((at(1, "08:00"), None)), at(2), "violated", d(0), "admitted only on D1"),
        (Facts(), at(-1), "not-yet", None, "an admission is not due yet"),
        (Facts(), at(0), "cannot-judge", d(0), "nothing on record says where they are"),
        (
            admitted((at(-28), at(-27))),
            at(3),
            "cannot-judge",
            d(0),
            "a stay at screening says nothing about D0",
        ),
        (
            admitted((at(-5), None), planned=d(5)),
            at(3),
            "at-risk",
            d(0),
            "the ward means to discharge on D5",
        ),
        (admitted((at(-5), None), planned=d(7)), at(3), "open-and-kept", d(0), "D7 is as asked"),
        (admitted((at(-5), None), planned=d(5)), at(6), "open-and-kept", d(0), "D5 passed, nobody left"),
        (admitted((at(-5), None), planned=d(5)), at(-1), "not-yet", None, "at risk only once it is open"),
    ],
)
def test_stay(facts, now, status, since, why):
    verdict = told(WINDOW, facts, now)
    assert (verdict.status, verdict.since) == (status, since), why


def test_a_planned_discharge_becomes_a_violation_with_its_day():
    assert told(WINDOW, admitted((at(-5), None), planned=d(5)), at(3)).becomes_violation_at == at(5, "00:00")


@pytest.mark.parametrize(
    ("out", "status", "why"),
    [
        (at(7, "18:00"), "violated", "D7 belongs to the stay to its last minute"),
        (at(8, "00:00"), "kept", "midnight is the morrow"),
    ],
)
def test_a_protocol_may_ask_for_the_whole_last_day(out, status, why):
    whole = window(Stay(leave_on_last_day=False), d(0), d(7))
    assert told(whole, admitted((at(-5), out)), at(9)).status == status, why


def test_death_in_hospital_ends_the_stay():
    died = Facts(admissions=(Admission(at(-5), at(3, "10:00")),), ended_at=d(3))
    assert told(WINDOW, died, at(9)).status == "kept"


def test_what_is_missing_is_needed_when_the_window_opens():
    verdict = told(WINDOW, Facts(), at(-1))
    assert verdict.missing_text() == ("an admission on or before Monday 2026-03-02",)
    assert verdict.needed_by == at(0, "00:00")


PLANNED, LATER = AnchorDay(d(0)), AnchorDay(d(2))
OUT = admitted((at(-5), at(2, "10:00")))


@pytest.mark.parametrize(
    ("facts", "anchor", "now", "status", "why"),
    [
        (OUT, PLANNED, at(3), "not-yet", "nothing was infused on the planned day, and leaving is allowed"),
        (Facts(), PLANNED, at(3), "not-yet", "nor need anybody be admitted"),
        (OUT, LATER, at(1), "not-yet", "the new day lies ahead"),
        (OUT, AnchorDay(d(0), AnchorKind.ACTUAL), at(3), "violated", "it took place: it is no planned day"),
    ],
)
def test_on_hold_no_stay_begins_by_a_planned_day(
    facts: Facts, anchor: AnchorDay, now: datetime, status: str, why: str
) -> None:
    stay = window(Stay(leave_on_last_day=True), anchor.day, anchor.day + timedelta(days=7), anchor)
    held = replace(facts, on_hold=True)
    assert judge(stay, held, now, SHANGHAI).status.value == status, why


def test_on_hold_time_alone_changes_nothing() -> None:
    stay = window(Stay(leave_on_last_day=True), d(0), d(7), PLANNED)
    assert next_change_at(stay, Facts(on_hold=True), at(3), SHANGHAI) is None


@pytest.mark.parametrize(
    ("out", "status"), [(at(2, "13:59"), "violated"), (at(2, "14:00"), "kept"), (at(2, "14:01"), "kept")]
)
def test_48_hours_are_over_at_their_last_instant(out: datetime, status: str) -> None:
    hours = window(Stay(leave_on_last_day=False), at(0, "14:00"), at(2, "14:00"))
    assert told(hours, admitted((at(-1), out)), at(5)).status == status
