"""Within 120 minutes of the site from D0 to D28, both inside; D0 is Monday 2 March 2026."""

from __future__ import annotations

import pytest

from participants.domain.fact_kinds import Admission, CompanionConfirmed, Lodging, NightAway
from participants.domain.facts import Facts
from tests.unit.windows.judging import at, d, told, window
from trials.domain.protocols.protocol import Presence

NEAR = Lodging(d(-3), None, 45)
WINDOW = window(Presence(120), d(0), d(28))


@pytest.mark.parametrize(
    ("facts", "now", "status", "since", "why"),
    [
        (Facts(lodgings=(NEAR,)), at(-1), "not-yet", None, "the day before it opens"),
        (Facts(lodgings=(NEAR,)), at(0, "00:00"), "open-and-kept", d(0), "it opens with the day"),
        (Facts(lodgings=(NEAR,)), at(28, "23:59"), "open-and-kept", d(0), "D28 is inside to its last minute"),
        (Facts(lodgings=(NEAR,)), at(29, "00:00"), "kept", d(28), "and over with the morrow"),
        (Facts(lodgings=(Lodging(d(0), d(28), 45),)), at(29), "kept", d(28), "leaving on D29 keeps it"),
        (
            Facts(lodgings=(Lodging(d(0), d(27), 45),)),
            at(29),
            "cannot-judge",
            d(28),
            "the night of D28 is asked for, and nobody knows where it was spent",
        ),
        (Facts(lodgings=(Lodging(d(0), None, 120),)), at(29), "kept", d(28), "120 minutes are within 120"),
        (
            Facts(lodgings=(Lodging(d(0), None, 121),)),
            at(1),
            "violated",
            d(0),
            "121 are not, once it is over",
        ),
        (Facts(lodgings=(Lodging(d(0), None, 121),)), at(0), "at-risk", d(0), "before midnight one can move"),
        (
            Facts(lodgings=(Lodging(d(0), None, 121),)),
            at(-1),
            "not-yet",
            None,
            "nothing is at risk before it",
        ),
        (
            Facts(lodgings=(Lodging(d(0), d(9), 45), Lodging(d(10), None, 300))),
            at(5),
            "at-risk",
            d(10),
            "lodging from D10 on is five hours away",
        ),
        (
            Facts(lodgings=(NEAR,), nights_away=(NightAway(d(12)),)),
            at(13),
            "violated",
            d(12),
            "one night away is one night too far",
        ),
        (
            Facts(lodgings=(NEAR,), nights_away=(NightAway(d(12), 90),)),
            at(13),
            "open-and-kept",
            d(0),
            "that night was spent elsewhere, but near",
        ),
        (
            Facts(lodgings=(NEAR,), nights_away=(NightAway(d(29)),)),
            at(30),
            "kept",
            d(28),
            "the night of D29 is free",
        ),
        (Facts(), at(0), "cannot-judge", d(0), "no lodging on record"),
        (
            Facts(lodgings=(Lodging(d(0), d(4), 45), Lodging(d(7), None, 45))),
            at(9),
            "cannot-judge",
            d(5),
            "the nights of D5 and D6 are a gap",
        ),
        (
            Facts(admissions=(Admission(at(-1), at(8, "10:00")),), lodgings=(Lodging(d(8), None, 45),)),
            at(20),
            "open-and-kept",
            d(0),
            "nights in hospital are nights at the site",
        ),
        (
            Facts(admissions=(Admission(at(-1), at(8, "10:00")),), lodgings=(Lodging(d(9), None, 45),)),
            at(20),
            "cannot-judge",
            d(8),
            "the night of the discharge is not spent in hospital",
        ),
        (
            Facts(lodgings=(NEAR, Lodging(d(3), d(3), 200)), nights_away=(NightAway(d(20)),)),
            at(25),
            "violated",
            d(3),
            "the first night that was too far",
        ),
        (
            Facts(lodgings=(Lodging(d(0), d(4), 45), Lodging(d(6), None, 300))),
            at(6),
            "at-risk",
            d(6),
            "tonight is too far, which can still be mended; nobody knows about D5",
        ),
        (
            Facts(lodgings=(Lodging(d(0), d(4), 45), Lodging(d(6), None, 300)), ended_at=at(6)),
            at(20),
            "cannot-judge",
            d(6),
            "withdrew before that night; D5 remains unknown",
        ),
        (
            Facts(lodgings=(Lodging(d(0), d(6), 45), Lodging(d(8), None, 300)), ended_at=at(6)),
            at(20),
            "kept",
            at(6),
            "neither the unknown night of D7 nor the far one after it was to come any more",
        ),
        (
            Facts(admissions=(Admission(at(-1), None, d(7)),), lodgings=(Lodging(d(7), None, 300),)),
            at(5),
            "at-risk",
            d(7),
            "the ward plans the discharge for D7, and the lodging from then on is five hours away",
        ),
        (
            Facts(admissions=(Admission(at(-1), None, d(7)),)),
            at(7, "00:00"),
            "cannot-judge",
            d(7),
            "no lodging",
        ),
        (
            Facts(admissions=(Admission(at(-1), None, d(7)),)),
            at(8, "00:00"),
            "open-and-kept",
            d(0),
            "the planned day has passed without a discharge",
        ),
        (
            Facts(lodgings=(NEAR,), ended_at=d(10)),
            at(40),
            "kept",
            d(10),
            "whoever withdrew on D10 may go where they like",
        ),
        (
            Facts(lodgings=(Lodging(d(0), d(9), 45), Lodging(d(10), None, 300)), ended_at=d(10)),
            at(40),
            "kept",
            d(10),
            "the far lodging came after the withdrawal",
        ),
        (Facts(lodgings=(NEAR,), ended_at=d(-2)), at(40), "not-yet", None, "it never opened"),
    ],
)
def test_presence(facts, now, status, since, why):
    verdict = told(WINDOW, facts, now)
    assert (verdict.status, verdict.since) == (status, since), why


def test_the_moment_of_violation_is_the_end_of_the_first_night_too_far():
    far = Facts(lodgings=(Lodging(d(0), d(9), 45), Lodging(d(10), None, 300)))
    assert told(WINDOW, far, at(5)).becomes_violation_at == at(11, "00:00")


def test_the_first_unknown_night_is_named_with_the_moment_at_which_lodging_is_needed():
    verdict = told(WINDOW, Facts(lodgings=(Lodging(d(0), d(13), 45),)), at(5))
    assert verdict.status == "open-and-kept"
    assert verdict.missing_text() == ("lodging for the night of Monday 2026-03-16",)
    assert verdict.needed_by == at(14, "00:00")


def test_a_night_too_far_to_come_names_the_unknown_one_behind_too():
    verdict = told(WINDOW, Facts(lodgings=(Lodging(d(0), d(4), 45), Lodging(d(6), None, 300))), at(6))
    assert verdict.becomes_violation_at == at(7, "00:00")
    assert verdict.missing_text() == ("lodging for the night of Saturday 2026-03-07",)


def test_lodging_is_needed_from_the_night_for_which_the_ward_plans_the_discharge():
    verdict = told(WINDOW, Facts(admissions=(Admission(at(-1), None, d(7)),)), at(5))
    assert verdict.status == "open-and-kept"
    assert verdict.missing_text() == ("lodging for the night of Monday 2026-03-09",)
    assert verdict.needed_by == at(7, "00:00")


def test_a_stay_that_is_over_says_until_when():
    """Somebody who had been discharged read "In hospital from"."""
    stay = Admission(at(-1), at(3, "10:00"))
    found = told(WINDOW, Facts(admissions=(stay,), lodgings=(Lodging(d(3), None, 45),)), at(2))
    assert "In hospital from Sunday 2026-03-01 to Thursday 2026-03-05." in [e.text() for e in found.evidence]
    there = told(WINDOW, Facts(admissions=(Admission(at(-1)),)), at(2))
    assert "In hospital from Sunday 2026-03-01." in [e.text() for e in there.evidence]


def test_evidence_names_the_fact_and_the_limit():
    lodging = Lodging(d(-3), None, 150, ref="lodging-7")
    (evidence,) = told(WINDOW, Facts(lodgings=(lodging,)), at(3)).evidence
    assert evidence.fact == lodging
    assert evidence.text() == "Lodging 150 minutes from the site from Friday 2026-02-27 (limit 120)."


@pytest.mark.parametrize(("minutes", "status"), [(59, "kept"), (60, "kept"), (61, "violated")])
def test_the_limit_is_the_protocols(minutes, status):
    verdict = told(window(Presence(60), d(0), d(14)), Facts(lodgings=(Lodging(d(0), None, minutes),)), at(15))
    assert verdict.status == status


@pytest.mark.parametrize(
    ("companions", "status", "why"),
    [
        ((CompanionConfirmed(d(0), None),), "kept", "confirmed throughout"),
        ((), "cannot-judge", "nobody confirmed a companion"),
        ((CompanionConfirmed(d(0), d(27)),), "cannot-judge", "not for the last day"),
    ],
)
def test_a_companion_where_the_protocol_asks_for_one(companions, status, why):
    asked = window(Presence(120, companion=True), d(0), d(28))
    assert told(asked, Facts(lodgings=(NEAR,), companions=companions), at(29)).status == status, why
