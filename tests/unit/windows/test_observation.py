"""Observed from D0 to D28, both inside; only time, and the participant's end, tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from participants.domain.facts import Facts
from tests.unit.windows.judging import at, d, told, window
from trials.domain.protocols.protocol import Observation
from trials.domain.words import Words

WINDOW = window(Observation("dose-limiting toxicity"), d(0), d(28))


@pytest.mark.parametrize(
    ("facts", "now", "status", "since", "why"),
    [
        (Facts(), at(-1, "23:59"), "not-yet", None, "the last minute before"),
        (Facts(), at(0, "00:00"), "open-and-kept", d(0), "the first minute of D0"),
        (Facts(), at(28, "23:59"), "open-and-kept", d(0), "the last minute of D28"),
        (Facts(), at(29, "00:00"), "kept", d(28), "over with the morrow"),
        (Facts(ended_at=d(9)), at(12), "kept", d(9), "cut short by a withdrawal"),
        (Facts(ended_at=d(-9)), at(12), "not-yet", None, "it never began"),
        (Facts(ended_at=d(40)), at(50), "kept", d(28), "over before the end"),
    ],
)
def test_observation(facts, now, status, since, why):
    verdict = told(WINDOW, facts, now)
    assert (verdict.status, verdict.since) == (status, since), why


def test_an_observation_names_its_last_day_where_it_has_one():
    said = "Under observation for dose-limiting toxicity until Monday 2026-03-30, that day included."
    assert told(WINDOW, Facts(), at(5)).because() == (said,)
    endless = told(window(Observation("toxicity"), d(0), None), Facts(), at(5))
    assert (endless.status, endless.because()) == ("open-and-kept", ())


def test_an_observation_whose_first_day_is_missing_cannot_be_judged():
    unplaced = replace(WINDOW, starts=None, missing=(Words.of("the day of the infusion"),))
    verdict = told(unplaced, Facts(), at(5))
    assert (verdict.status, verdict.missing_text()) == ("cannot-judge", ("the day of the infusion",))
