"""None of these for 28 days before D0 (Monday 2 March 2026): from Monday 2 February on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from participants.domain.fact_kinds import Confirmation, Dose, Illness, Infection, Procedure, Vaccination
from participants.domain.facts import Facts
from schedules.domain.plan.values import AnchorDay
from schedules.domain.windows.verdicts import Verdict
from tests.unit.windows.judging import (
    at,
    bound,
    d,
    planned,
    told,
    window,
)
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import HalfLives, Pick, Washout

WEEKS = Offset.parse("-P4W")
VACCINE = Washout(("live-vaccine",))
TAKEN = window(VACCINE, d(-28), d(0))
AHEAD = window(VACCINE, d(-28), d(0), planned(d(0)))


def vaccinated(*days: int) -> Facts:
    return Facts(occurrences=tuple(Vaccination("live-vaccine", d(day)) for day in days))


def none(at_day: int, since: int | None = None, topic: str = "live-vaccine") -> Confirmation:
    return Confirmation(topic, d(at_day), since=None if since is None else d(since))


@pytest.mark.parametrize(
    ("facts", "now", "status", "why"),
    [
        (vaccinated(-29), at(1), "kept", "29 days before"),
        (vaccinated(-28), at(1), "kept", "four full weeks lie between 2 February and 2 March"),
        (vaccinated(-27), at(1), "violated", "a day short of them"),
        (vaccinated(0), at(1), "violated", "the last day is inside"),
        (vaccinated(1), at(2), "cannot-judge", "a later one says nothing about before"),
        (vaccinated(-100, -5), at(1), "violated", "one inside is enough"),
        (Facts(), at(1), "cannot-judge", "silence proves nothing"),
        (Facts(confirmations=(none(0),)), at(1), "kept", "asked on D0: none"),
        (Facts(confirmations=(none(0, -28),)), at(1), "kept", "none since the first day"),
        (Facts(confirmations=(none(0, -27),)), at(1), "cannot-judge", "does not reach the first day"),
        (Facts(confirmations=(none(-1),)), at(1), "cannot-judge", "nobody asked about the last day"),
        (Facts(confirmations=(none(-1),)), at(0), "open-and-kept", "while it is open that will do"),
        (Facts(confirmations=(none(-29),)), at(0), "cannot-judge", "asked before the window began"),
        (Facts(confirmations=(none(-9, -28), none(0, -9))), at(1), "kept", "one joins on to the other"),
        (Facts(confirmations=(none(-9, -28), none(0, -7))), at(1), "cannot-judge", "one day between them"),
        (Facts(confirmations=(none(0, topic="window"),)), at(1), "kept", "said of the whole window"),
        (Facts(confirmations=(none(0, topic="infection"),)), at(1), "cannot-judge", "said of something else"),
        (Facts(), at(-29), "not-yet", "before the window"),
    ],
)
def test_after_the_anchor_took_place(facts, now, status, why):
    assert told(TAKEN, facts, now).status == status, why


@pytest.mark.parametrize(
    ("now", "status", "why"),
    [
        (at(-5), "at-risk", "moving the infusion still mends it"),
        (at(-1, "23:59"), "at-risk", "to the last minute"),
        (at(0, "00:00"), "violated", "the day has come"),
        (at(1), "violated", "and gone"),
    ],
)
def test_while_the_anchor_lies_ahead_it_is_at_risk(now, status, why):
    verdict = told(AHEAD, vaccinated(-10), now)
    assert verdict.status == status, why
    if status == "at-risk":
        assert verdict.becomes_violation_at == at(0, "00:00")


def test_a_violation_names_the_fact_and_its_day():
    verdict = told(TAKEN, vaccinated(-10), at(1))
    assert verdict.since == d(-10)
    assert verdict.evidence[0].fact == Vaccination("live-vaccine", d(-10))
    assert verdict.because() == ("live-vaccine on Friday 2026-02-20 lies inside the window.",)


@pytest.mark.parametrize(
    ("fact", "status", "why"),
    [
        (Infection(d(-60), d(-28)), "kept", "over on the first day of the window"),
        (Infection(d(-60), d(-27)), "violated", "it lasted into it"),
        (Infection(d(-60)), "violated", "it lasts"),
        (Infection(d(1)), "cannot-judge", "one that began afterwards"),
        (Illness("infection", d(-10), d(-5)), "violated", "wholly inside"),
    ],
)
def test_what_lasts_counts_to_its_last_day(fact, status, why):
    washout = window(Washout(("infection",)), d(-28), d(0))
    assert told(washout, Facts(occurrences=(fact,)), at(5)).status == status, why


def test_what_lasts_is_waited_for_before_the_window_and_hits_once_it_is_open():
    washout = window(Washout(("infection",)), d(-28), d(0), planned(d(0)))
    facts = Facts(occurrences=(Infection(d(-60)),))
    before = told(washout, facts, at(-40))
    assert before.status == "not-yet"
    assert before.missing_text() == ("the end of infection, which lasts since Thursday 2026-01-01",)
    assert told(washout, facts, at(-27)).status == "at-risk"


def test_every_substance_must_be_accounted_for():
    washout = window(Washout(("plasma-exchange", "dialysis")), d(-28), d(0))
    verdict = told(washout, Facts(occurrences=(Procedure("dialysis", d(-90)),)), at(1))
    assert verdict.missing_text() == ("a confirmation that there was no plasma-exchange",)


# Five half-lives before D0, alone and beside four weeks.
ALONE = bound(HalfLives(-5, "mtx"))
LONGER = bound(WEEKS, HalfLives(-5, "mtx"))
SHORTER = bound(WEEKS, HalfLives(-5, "mtx"), pick=Pick.LATEST)


def in_half_lives(start_bound, *doses: Dose, now: int = 1) -> Verdict:
    starts = None if any(dose.half_life is None for dose in doses) else d(-28)
    asked = window(Washout(("mtx",)), starts, d(0), AnchorDay(d(0)), start_bound=start_bound)
    return told(asked, Facts(occurrences=doses), at(now))


def mtx(day: int, half_life: int | None, name: str = "") -> Dose:
    days = None if half_life is None else timedelta(days=half_life)
    return Dose("mtx", d(day), days, "label", name)


@pytest.mark.parametrize(
    ("start_bound", "doses", "status", "why"),
    [
        (ALONE, [mtx(-10, 2)], "kept", "5 × 2 days end with the tenth day"),
        (ALONE, [mtx(-9, 2)], "violated", "a day short"),
        (ALONE, [mtx(-15, 2, "short"), mtx(-60, 10, "long")], "kept", "each by its own half-life"),
        (ALONE, [mtx(-15, 2, "short"), mtx(-40, 10, "long")], "violated", "the long one is still there"),
        (ALONE, [mtx(-15, 2), mtx(-12, None)], "kept", "the same product lends its half-life"),
        (ALONE, [mtx(-15, 2, "a"), mtx(-12, None, "b")], "cannot-judge", "another product does not"),
        (ALONE, [mtx(-300, None)], "cannot-judge", "no half-life is known"),
        (ALONE, [mtx(0, None)], "violated", "the day itself is inside, whatever the half-life"),
        (LONGER, [mtx(-20, 2)], "violated", "four weeks are the longer"),
        (LONGER, [mtx(-40, 10)], "violated", "fifty days are the longer"),
        (LONGER, [mtx(-50, 10)], "kept", "and are over"),
        (LONGER, [mtx(-20, None)], "violated", "inside four weeks, whatever the half-life"),
        (LONGER, [mtx(-40, None)], "cannot-judge", "the half-life decides"),
        (SHORTER, [mtx(-20, 2)], "kept", "ten days are the shorter"),
        (SHORTER, [mtx(-30, 10)], "kept", "four weeks are the shorter"),
        (SHORTER, [mtx(-27, 10)], "violated", "a day short of four weeks"),
        (SHORTER, [mtx(-30, None)], "kept", "outside four weeks, whatever the half-life"),
        (SHORTER, [mtx(-20, None)], "cannot-judge", "the half-life decides"),
    ],
)
def test_half_lives(start_bound, doses, status, why):
    assert in_half_lives(start_bound, *doses).status == status, why


def test_a_missing_half_life_is_named_with_its_product():
    verdict = in_half_lives(ALONE, mtx(-300, None, "Ebetrexat"), now=-1)
    assert verdict.missing_text() == ("the half-life of mtx (Ebetrexat) taken Tuesday 2025-05-06",)
    assert verdict.needed_by == at(0, "00:00")


def test_never_taken_needs_no_half_life():
    asked = window(Washout(("mtx",)), None, d(0), start_bound=ALONE)
    assert told(asked, Facts(confirmations=(none(0, topic="mtx"),)), at(1)).status == "kept"
    assert told(asked, Facts(confirmations=(none(0, -400, "mtx"),)), at(1)).status == "cannot-judge"
