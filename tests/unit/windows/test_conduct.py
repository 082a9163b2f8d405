"""Contraception from D0 to D90, confirmed at every visit; and a history confirmed at screening."""

from __future__ import annotations

import pytest

from participants.domain.fact_kinds import Confirmation
from participants.domain.facts import Facts
from schedules.domain.windows.flags import next_flag_change_at, severity_of
from tests.unit.windows.judging import (
    SHANGHAI,
    at,
    d,
    planned,
    seen,
    told,
    window,
)
from trials.domain.protocols.protocol import Conduct

WINDOW = window(Conduct("contraception"), d(0), d(90))
HISTORY = window(Conduct("history of SLE", ("screening",)), d(-180), d(-6), planned(d(-6)))


def said(day: int, visit: str | None = None, since: int | None = None, holds: bool = True) -> Confirmation:
    return Confirmation("contraception", d(day), visit, None if since is None else d(since), holds)


@pytest.mark.parametrize(
    ("visits", "confirmations", "now", "status", "why"),
    [
        ([], [], -1, "not-yet", "before it begins"),
        ([], [], 5, "open-and-kept", "nobody was to be asked yet"),
        ([("d14", 14)], [said(14, "d14")], 20, "open-and-kept", "asked and confirmed"),
        ([("d14", 14)], [], 20, "at-risk", "the visit was performed, nobody confirmed it"),
        ([("d14", 14), ("d28", 28)], [said(28, "d28")], 30, "open-and-kept", "D28 says: ever since D0"),
        ([("d14", 14), ("d28", 28)], [said(28, "d28", since=15)], 30, "at-risk", "D28 says: since D15"),
        ([("d14", 14)], [said(15)], 20, "open-and-kept", "asked by telephone the day after"),
        ([("d14", 14)], [said(13)], 20, "at-risk", "asked the day before"),
        ([("d14", 14)], [said(20, holds=False)], 21, "violated", "not kept"),
        ([("d14", 14)], [said(14, "d14")], 91, "kept", "confirmed, and over"),
        ([("d14", 14)], [], 91, "cannot-judge", "over, never confirmed: silence is no misbehaviour"),
        (
            [("d14", 14)],
            [said(14, "d14", holds=False)],
            91,
            "violated",
            "asked, not kept: a fact says so",
        ),
        ([("d14", 14)], [said(100)], 101, "kept", "asked after the end, reaching back over D14"),
        ([("d14", 14)], [said(100, since=95)], 101, "cannot-judge", "asked after the end, of the days since"),
        ([], [said(100, since=95)], 101, "cannot-judge", "nor do they stand for the window"),
        (
            [("d14", 14)],
            [said(14, "d14"), said(100, holds=False)],
            101,
            "violated",
            "not kept since D0",
        ),
        ([("d14", 14)], [said(14, "d14"), said(100, since=95, holds=False)], 101, "kept", "only since D95"),
        ([], [], 91, "cannot-judge", "over, and nobody ever asked"),
        ([("d14", 14), ("d120", 120)], [said(14, "d14")], 121, "kept", "a visit after the end asks nothing"),
    ],
)
def test_conduct(visits, confirmations, now, status, why):
    facts = Facts(
        performed=tuple(seen(code, day) for code, day in visits), confirmations=tuple(confirmations)
    )
    assert told(WINDOW, facts, at(now)).status == status, why


@pytest.mark.parametrize(
    ("facts", "now", "status", "why"),
    [
        (Facts(), -20, "open-and-kept", "screening is still to come"),
        (Facts(performed=(seen("d14", 14),)), -20, "open-and-kept", "other visits do not ask"),
        (Facts(performed=(seen("screening", -20),)), -10, "at-risk", "screened, not confirmed"),
        (Facts(performed=(seen("screening", -20),)), -5, "cannot-judge", "enrolled; nobody said how it was"),
        (Facts(), -5, "cannot-judge", "enrolled, and screening is not on record"),
        (
            Facts(
                performed=(seen("screening", -20),),
                confirmations=(Confirmation("history of SLE", d(-20), "screening"),),
            ),
            -5,
            "kept",
            "confirmed at screening",
        ),
        (
            Facts(confirmations=(Confirmation("history of SLE", d(-20), "screening", holds=False),)),
            -10,
            "at-risk",
            "not six months yet; a later enrolment mends it",
        ),
        (
            Facts(confirmations=(Confirmation("history of SLE", d(-20), "screening", holds=False),)),
            -6,
            "violated",
            "the day of enrolment has come",
        ),
    ],
)
def test_a_conduct_confirmed_at_a_named_visit(facts, now, status, why):
    assert told(HISTORY, facts, at(now)).status == status, why


def test_a_withdrawal_leaves_an_unconfirmed_conduct_unjudged():
    facts = Facts(performed=(seen("d14", 14),), ended_at=d(20))
    verdict = told(WINDOW, facts, at(40))
    assert (verdict.status, verdict.needed_by) == ("cannot-judge", None)


def test_what_was_said_by_telephone_is_told_with_its_hour():
    facts = Facts(confirmations=(Confirmation("contraception", at(15), since=d(0)),))
    assert told(WINDOW, facts, at(20)).because() == (
        "contraception confirmed Tuesday 2026-03-17 12:00 +08:00.",
    )


def test_a_conduct_without_an_end_lacks_its_confirmation_from_the_visit_on():
    endless = window(Conduct("contraception"), d(0), None)
    verdict = told(endless, Facts(performed=(seen("d14", 14),)), at(20))
    assert (verdict.status, verdict.since, verdict.needed_by) == ("cannot-judge", at(14), at(14))


def test_at_risk_says_which_visit_and_by_when_it_is_to_be_confirmed():
    verdict = told(WINDOW, Facts(performed=(seen("d14", 14),)), at(20))
    assert verdict.because() == (
        "d14 was performed Monday 2026-03-16 12:00 +08:00 without a confirmation of contraception.",
    )
    assert verdict.missing_text() == (
        "a confirmation of contraception at d14, performed Monday 2026-03-16 12:00 +08:00",
    )
    assert (verdict.becomes_violation_at, verdict.needed_by) == (None, at(91, "00:00"))


def test_never_confirmed_names_the_confirmation_that_is_missing_and_is_flagged():
    verdict = told(WINDOW, Facts(performed=(seen("d14", 14),)), at(91))
    assert (verdict.status, verdict.since) == ("cannot-judge", d(90))
    assert verdict.missing_text() == (
        "a confirmation of contraception at d14, performed Monday 2026-03-16 12:00 +08:00",
    )


def test_the_sweep_looks_again_when_the_flag_grows_graver():
    verdict = told(WINDOW, Facts(performed=(seen("d14", 14),)), at(20))
    assert next_flag_change_at(verdict, None, at(20), SHANGHAI) == at(89, "00:00")


@pytest.mark.parametrize(
    ("now", "severity", "why"),
    [
        (14, "medium", "asked for from the visit on"),
        (88, "medium", "three days before it can be judged no more"),
        (89, "high", "two days before"),
        (91, "medium", "over: still to be asked, and no violation"),
    ],
)
def test_the_flag_of_an_unconfirmed_visit(now, severity, why):
    verdict = told(WINDOW, Facts(performed=(seen("d14", 14),)), at(now))
    assert severity_of(verdict, at(now), SHANGHAI) == severity, why
