"""What becomes of a flag: raised by a verdict, cleared by facts or a person, snoozed to a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from participants.domain.fact_kinds import Lodging, NightAway
from participants.domain.facts import Facts
from schedules.domain.windows.flags import (
    FlagPolicy,
    FlagStanding,
    FlagState,
    decide_flag,
    next_flag_change_at,
    severity_of,
)
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from tests.unit.windows.judging import (
    SHANGHAI,
    at,
    d,
    planned,
    told,
    window,
)
from trials.domain.protocols.protocol import Freshness, Presence, Washout
from trials.domain.sites.working_days import WorkingDays

WINDOW = window(Presence(120), d(0), d(28))
NEAR = Lodging(d(-3), None, 45)
FAR_LATER = Facts(lodgings=(Lodging(d(0), d(9), 45), Lodging(d(10), None, 300)))
AWAY = Facts(lodgings=(NEAR,), nights_away=(NightAway(d(5)),))
AWAY_TWICE = Facts(lodgings=(NEAR,), nights_away=(NightAway(d(4)), NightAway(d(5))))


def decided(facts: Facts, now, previous: FlagState | None = None, policy: FlagPolicy | None = None):
    return decide_flag(told(WINDOW, facts, now), previous, now, SHANGHAI, policy or FlagPolicy())


def flag(facts: Facts, now) -> FlagState:
    """The flag raised for these facts."""
    state = decided(facts, now).state
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("facts", "day", "severity", "why"),
    [
        (Facts(), -4, None, "four days before the window there is still time"),
        (Facts(), -3, "low", "it opens in three days, and no lodging is on record"),
        (Facts(), 0, "medium", "it is open"),
        (Facts(lodgings=(NEAR,)), -1, None, "lodging is on record"),
        (Facts(lodgings=(Lodging(d(0), d(9), 45),)), 6, None, "the first unknown night is D10"),
        (Facts(lodgings=(Lodging(d(0), d(9), 45),)), 7, "low", "and that is three days ahead"),
        (FAR_LATER, 5, "medium", "a violation is days ahead"),
        (FAR_LATER, 9, "high", "two days ahead"),
        (FAR_LATER, 12, "high", "it came to it"),
        (Facts(lodgings=(Lodging(d(0), None, 300),)), -4, None, "far lodging, but not open for days"),
        (Facts(lodgings=(Lodging(d(0), None, 300),)), 0, "high", "far lodging tonight"),
        (AWAY, 29, "high", "violated"),
        (Facts(lodgings=(NEAR,)), 40, None, "kept"),
    ],
)
def test_severity(facts, day, severity, why):
    verdict = told(WINDOW, facts, at(day))
    assert severity_of(verdict, at(day), SHANGHAI) == severity, why


def test_the_lead_is_a_parameter():
    assert decided(Facts(), at(-7), policy=FlagPolicy(lead_days=7)).change == "raise"
    assert decided(Facts(), at(-8), policy=FlagPolicy(lead_days=7)).change == "nothing"


CLINIC = WorkingDays("Clinic", holidays={d(-4): "made up"})
BY_CLINIC_DAYS = FlagPolicy(lead_days=3, calendar=CLINIC)


@pytest.mark.parametrize(
    ("day", "severity", "why"),
    [
        (-6, None, "Tuesday: Wednesday, Thursday and Friday are left"),
        (-5, "low", "Wednesday: for Monday's infusion Friday is left, as Thursday is a holiday"),
        (-1, "low", "Sunday: asked for all the while"),
        (0, "medium", "it is open"),
    ],
)
def test_what_is_needed_on_monday_is_asked_for_in_clinic_days(day, severity, why):
    """Monday 2 March: the weekend is no lead, nor is the holiday on Thursday the 26th."""
    lead = FlagPolicy(lead_days=2, calendar=CLINIC)
    assert severity_of(told(WINDOW, Facts(), at(day)), at(day), SHANGHAI, lead) == severity, why


def test_the_sweep_looks_again_on_the_clinic_day_on_which_it_is_asked_for():
    verdict = told(WINDOW, Facts(), at(-9))
    assert next_flag_change_at(verdict, None, at(-9), SHANGHAI, BY_CLINIC_DAYS) == at(-6, "00:00")


def test_a_test_for_a_sunday_is_asked_for_on_wednesday():
    """Chemotherapy on Sunday 1 March; its test counts from Friday on, and the clinic is shut on Thursday."""
    hcg = window(Freshness("hcg", "negative"), d(-3), d(-1))
    asked = FlagPolicy(lead_days=3, calendar=CLINIC)
    severities = [severity_of(told(hcg, Facts(), at(day)), at(day), SHANGHAI, asked) for day in (-7, -6, -5)]
    assert severities == [None, "low", "low"]


def test_an_answer_that_would_not_hold_is_not_asked_for():
    """Silence on a washout is asked for on its last day: said sooner it does not reach the end."""
    washout = window(Washout(("steroid",)), d(-14), d(0), planned(d(0)))
    asked = [severity_of(told(washout, Facts(), at(day)), at(day), SHANGHAI) for day in (-3, -1, 0)]
    assert asked == [None, None, "medium"]
    assert next_flag_change_at(told(washout, Facts(), at(-1)), None, at(-1), SHANGHAI) == at(0, "00:00")


def standing(state: FlagState, standing_: FlagStanding) -> FlagState:
    return replace(state, standing=standing_)


OPEN = flag(AWAY, at(6))
DISMISSED = standing(OPEN, FlagStanding.DISMISSED)
ASLEEP = replace(flag(FAR_LATER, at(3)), snoozed_until=d(7))


@pytest.mark.parametrize(
    ("previous", "facts", "day", "change", "why"),
    [
        (None, AWAY, 6, "raise", "a night away"),
        (None, Facts(lodgings=(NEAR,)), 6, "nothing", "nothing to say"),
        (OPEN, AWAY, 7, "keep", "the same night away"),
        (OPEN, AWAY_TWICE, 7, "update", "another night came to light"),
        (OPEN, Facts(lodgings=(NEAR,)), 7, "clear", "the night was corrected"),
        (standing(OPEN, FlagStanding.CLEARED), AWAY, 7, "raise", "and corrected back"),
        (standing(OPEN, FlagStanding.CLEARED), Facts(lodgings=(NEAR,)), 7, "nothing", "stays cleared"),
        (DISMISSED, AWAY, 7, "nothing", "a person cleared this very evidence"),
        (DISMISSED, AWAY_TWICE, 7, "return", "the evidence changed"),
        (DISMISSED, Facts(lodgings=(NEAR,)), 7, "clear", "the facts have cleared it now"),
        (ASLEEP, FAR_LATER, 6, "sleep", "put off to D7"),
        (ASLEEP, FAR_LATER, 7, "wake", "D7 has come"),
        (replace(ASLEEP, snoozed_until=d(15)), FAR_LATER, 9, "wake", "it has grown graver"),
        (ASLEEP, Facts(lodgings=(NEAR,)), 6, "clear", "facts clear what sleeps"),
    ],
)
def test_what_becomes_of_a_flag(previous, facts, day, change, why):
    assert decided(facts, at(day), previous).change == change, why


def test_a_flag_keeps_since_when_it_stands_and_a_return_begins_anew():
    assert decided(AWAY_TWICE, at(9), OPEN).state.since == at(6)
    assert decided(AWAY_TWICE, at(9), DISMISSED).state.since == at(9)


@pytest.mark.parametrize(
    ("previous", "facts", "drafted", "why"),
    [
        (None, AWAY, True, "a violation drafts a deviation"),
        (OPEN, AWAY, False, "once"),
        (OPEN, AWAY_TWICE, True, "and again where the evidence changes"),
        (standing(OPEN, FlagStanding.CLEARED), AWAY, False, "not anew for what was drafted"),
        (None, Facts(), False, "what cannot be judged is no deviation"),
    ],
)
def test_a_violation_drafts_a_deviation_once(previous, facts, drafted, why):
    assert decided(facts, at(9), previous).draft_deviation is drafted, why


def test_the_sweep_is_told_when_to_look_again():
    verdict = told(WINDOW, Facts(), at(-9))
    assert next_flag_change_at(verdict, None, at(-9), SHANGHAI) == at(-3, "00:00")
    assert next_flag_change_at(Verdict(VerdictStatus.KEPT), None, at(0), SHANGHAI) is None
    asleep = replace(ASLEEP, snoozed_until=date(2026, 3, 5))
    assert next_flag_change_at(Verdict(VerdictStatus.KEPT), asleep, at(0), SHANGHAI) == at(3, "00:00")
