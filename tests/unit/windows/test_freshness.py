"""A negative hCG within 7 days before D0 (by days), and within 48 hours (by instants)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from tests.unit.windows.judging import at, d, told, window
from trials.domain.protocols.protocol import Freshness

DAYS = window(Freshness("hcg", "negative"), d(-7), d(0))
HOURS = window(Freshness("hcg", "negative"), at(-2, "09:00"), at(0, "09:00"))


def hcg(*samples: tuple) -> Facts:
    return Facts(tests=tuple(Result("hcg", taken, None, result) for taken, result in samples))


@pytest.mark.parametrize(
    ("facts", "now", "status", "why"),
    [
        (Facts(), at(-8), "not-yet", "too early to be of use"),
        (Facts(), at(-3), "cannot-judge", "no result on record"),
        (Facts(), at(1), "cannot-judge", "no result was ever recorded"),
        (hcg((d(-7), "negative")), at(-3), "open-and-kept", "the first day is inside"),
        (hcg((d(0), "negative")), at(0), "open-and-kept", "so is the last"),
        (hcg((d(-7), "negative")), at(1), "kept", "kept once the day is over"),
        (hcg((d(-7), " Negative ")), at(1), "kept", "spelling is no finding"),
        (hcg((d(-8), "negative")), at(-3), "at-risk", "a day too old; it can be repeated until D0 is over"),
        (hcg((d(-8), "negative")), at(-8), "not-yet", "the window is not open yet"),
        (hcg((d(-8), "negative")), at(1), "violated", "it was not repeated"),
        (hcg((d(1), "negative")), at(2), "cannot-judge", "a later sample says nothing of the window"),
        (hcg((d(-8), "negative"), (d(1), "negative")), at(2), "violated", "nor of one that was too old"),
        (hcg((d(-3), "positive")), at(-1), "at-risk", "positive: to be repeated"),
        (hcg((d(-3), "positive")), at(1), "violated", "positive to the end"),
        (hcg((d(-3), "positive"), (d(-1), "negative")), at(1), "kept", "the latest sample decides"),
        (hcg((d(-1), "positive"), (d(-3), "negative")), at(1), "violated", "whichever way it turned"),
        (
            hcg((d(-1), "negative"), (at(-1), "positive")),
            at(1),
            "cannot-judge",
            "which came last is not known",
        ),
        (hcg((d(-1), "negative"), (d(-1), "positive")), at(1), "cannot-judge", "nor of two without an hour"),
        (hcg((d(-1), "negative"), (at(-1), "positive")), at(-1, "18:00"), "at-risk", "it can be repeated"),
        (hcg((d(-2), "negative"), (at(-1), "positive")), at(1), "violated", "a day before is before"),
        (hcg((d(-1), None), (d(-3), "negative")), at(1), "kept", "a sample without a result says nothing"),
        (hcg((d(-3), None)), at(-1), "cannot-judge", "the result is still to come"),
        (Facts(tests=(Result("lvef", d(-3), None, "60%"),)), at(-1), "cannot-judge", "another test"),
    ],
)
def test_by_days(facts, now, status, why):
    assert told(DAYS, facts, now).status == status, why


@pytest.mark.parametrize(
    ("taken", "status", "why"),
    [
        (at(-2, "09:00"), "kept", "48 hours to the minute"),
        (at(-2, "08:59"), "violated", "48 hours and a minute"),
        (at(0, "09:00"), "kept", "at the very hour"),
        (d(-1), "kept", "every hour of D-1 is inside"),
        (d(-2), "cannot-judge", "the hour decides, and is not on record"),
        (d(-3), "violated", "no hour of D-3 is inside"),
    ],
)
def test_by_hours(taken, status, why):
    assert told(HOURS, hcg((taken, "negative")), at(0, "10:00")).status == status, why


@pytest.mark.parametrize(
    ("samples", "status", "why"),
    [
        (((at(-1, "03:00"), "negative"), (d(0), "positive")), "cannot-judge", "it may have been before nine"),
        (((at(-1, "03:00"), "negative"), (d(-1), "positive")), "cannot-judge", "it may have been later"),
        (((d(-1), "negative"), (d(-1), "positive")), "at-risk", "of one day, the one recorded last"),
        (
            ((at(-1, "03:00"), "negative"), (d(-2), "positive")),
            "open-and-kept",
            "the negative one came later",
        ),
        (((at(-1, "03:00"), "negative"), (d(0), "negative")), "open-and-kept", "both are as asked"),
        (((at(-1, "03:00"), "negative"), (d(0), None)), "open-and-kept", "no result yet says nothing"),
        (((at(0, "08:00"), "positive"), (d(0), "negative")), "at-risk", "which a repetition mends"),
    ],
)
def test_a_result_other_than_asked_whose_hour_is_not_known_is_not_passed_over(samples, status, why):
    assert told(HOURS, hcg(*samples), at(0, "08:30")).status == status, why


def test_an_hour_that_is_missing_is_named():
    verdict = told(HOURS, hcg((d(-2), "negative")), at(-1))
    assert verdict.missing_text() == ("the hour at which hcg was taken on Saturday 2026-02-28",)
    assert verdict.needed_by == at(0, "09:00")


def test_a_test_that_is_asked_for_ahead_says_from_when_a_sample_counts():
    """Asked for three clinic days before, a sample of 48 hours would be too old if it were taken at once."""
    verdict = told(HOURS, Facts(), at(-5))
    assert verdict.missing_text() == ("a result of hcg, of Saturday 2026-02-28 09:00 +08:00 or later",)
    days = told(DAYS, Facts(), at(-12))
    assert days.missing_text()[0].startswith("a result of hcg, of ")
    assert days.fingerprint == replace(days, counts_from=None).fingerprint, "what was cleared stays cleared"


def test_at_risk_until_the_window_is_over():
    assert told(DAYS, hcg((d(-8), "negative")), at(-3)).becomes_violation_at == at(1, "00:00")


def test_any_result_will_do_where_the_protocol_names_none():
    asked = window(Freshness("echocardiography"), d(-56), d(0))
    facts = Facts(tests=(Result("echocardiography", d(-56), None, "LVEF 62%"),))
    assert told(asked, facts, at(1)).status == "kept"


def test_a_sample_whose_hour_may_be_the_last_inside_leaves_a_wrong_result_undecided() -> None:
    """Negative on D0 at an hour that nobody wrote down: before 09:00 it is the latest inside."""
    verdict = told(HOURS, hcg((at(-1), "positive"), (d(0), "negative")), at(1))
    assert verdict.status == "cannot-judge"
    assert verdict.missing_text() == ("the hour at which hcg was taken on Monday 2026-03-02",)
