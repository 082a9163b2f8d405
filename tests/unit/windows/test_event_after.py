"""Consent again from the day of coming of age (D30) on."""

from __future__ import annotations

import pytest

from participants.domain.fact_kinds import Event
from participants.domain.facts import Facts
from tests.unit.windows.judging import at, d, seen, told, window
from trials.domain.protocols.protocol import EventAfter

WINDOW = window(EventAfter("consent-again", 18), d(30), None)
BOUNDED = window(EventAfter("consent-again", 18), d(30), d(60))


def facts(*visits: int, consent: int | None = None, expected: int | None = None) -> Facts:
    return Facts(
        performed=tuple(seen(f"d{day}", day) for day in visits),
        occurrences=() if consent is None else (Event("consent-again", d(consent)),),
        expected={} if expected is None else {"next": d(expected)},
    )


@pytest.mark.parametrize(
    ("on_record", "now", "status", "why"),
    [
        (facts(28), 29, "not-yet", "still a minor"),
        (facts(28), 30, "open-and-kept", "due from this day on, and nothing was done since"),
        (facts(28, consent=30), 31, "kept", "on the day itself"),
        (facts(28, consent=29), 31, "open-and-kept", "a minor's own consent does not count"),
        (facts(28, 30), 31, "at-risk", "a visit on the day of coming of age"),
        (facts(28, 40), 41, "at-risk", "a visit without it"),
        (facts(28, 40, consent=40), 41, "kept", "signed at that visit"),
        (facts(28, 40, consent=45), 46, "kept", "mended before the next visit"),
        (facts(28, 40, 50), 51, "violated", "the next visit without it"),
        (facts(28, 40, 50, consent=55), 56, "violated", "and signing later does not undo it"),
    ],
)
def test_event_after(on_record, now, status, why):
    assert told(WINDOW, on_record, at(now)).status == status, why


def test_a_violation_names_the_first_two_visits_without_it():
    verdict = told(WINDOW, facts(40, 50, 60), at(61))
    assert [words.partition(" ")[0] for words in verdict.because()] == ["d40", "d50"]


def test_the_next_visit_is_the_moment_of_violation():
    verdict = told(WINDOW, facts(40, expected=50), at(41))
    assert (verdict.status, verdict.becomes_violation_at) == ("at-risk", at(51, "00:00"))


def test_the_end_of_a_window_that_has_one_violates():
    assert told(BOUNDED, facts(), at(60)).status == "open-and-kept"
    assert told(BOUNDED, facts(), at(61)).status == "violated"
    assert told(BOUNDED, facts(40), at(41)).becomes_violation_at == at(61, "00:00")
    assert told(BOUNDED, facts(consent=60), at(61)).status == "kept", "the last day is inside"
    late = told(BOUNDED, facts(consent=65), at(66))
    assert (late.status, late.since) == ("violated", d(60)), "signing later does not undo it"
    assert len(late.because()) == 2, "when it was due, and when it was done"
