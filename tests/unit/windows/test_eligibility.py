"""The eligibility clock, forwards and backwards, against the windows by which it is judged later."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from participants.domain.fact_kinds import Dose, Event, Infection, Occurrence, Procedure, Vaccination
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known
from schedules.domain.windows.eligibility import Candidate, earliest, known_of, last_days
from schedules.domain.windows.judges import judge
from tests.unit.plan.small import (
    day_of,
    on,
    protocol,
    visit,
    window,
    within,
)
from tests.unit.windows.judging import SHANGHAI, at
from trials.domain.protocols.protocol import Protocol, Washout
from trials.formats.protocols.library import load_named

TODAY = "Sat 2026-11-21"
SCREENING = visit("screening", within("-P28D", "-P6D"))


def trial(starts: str, anchor: str, code: str = "drug") -> Protocol:
    """Screening on D-28 to D-6, and one washout up to an anchor."""
    rule = window(f"{anchor} {starts}", f"{anchor} P0D", Washout((code,)))
    return protocol(SCREENING, windows=(rule,))


def candidate(made: Protocol, *facts: Occurrence, **anchors: str) -> Candidate:
    days = {code: day_of(text) for code, text in anchors.items()}
    return Candidate(made, Facts(occurrences=facts), SHANGHAI, days)


def drug(day: str) -> Dose:
    return Dose("drug", on(day))


@pytest.mark.parametrize(
    ("starts", "fact", "screened", "why"),
    [
        ("-P4W", drug("Tue 2026-11-03"), "Tue 2026-12-01", "four weeks from 3 November"),
        ("-P28D", drug("Tue 2026-11-03"), "Tue 2026-12-01", "are 28 days"),
        ("-P1M", drug("Tue 2026-11-03"), "Thu 2026-12-03", "a month from 3 November"),
        ("-P3M", drug("Tue 2026-11-03"), "Wed 2027-02-03", "three months"),
        ("-P3M", drug("Mon 2026-11-30"), "Mon 2027-03-01", "28 February goes back to 28 November only"),
        ("-P1M", drug("Sat 2026-10-31"), "Tue 2026-12-01", "30 November goes back to 30 October only"),
        ("-P1M", drug("Wed 2026-10-21"), TODAY, "a month ends today"),
        ("-P1Y", drug("Sun 2026-11-01"), "Mon 2027-11-01", "a year"),
        ("-P4W", drug("Sat 2026-10-24"), TODAY, "four weeks end today"),
        ("-P4W", drug("Sun 2026-10-25"), "Sun 2026-11-22", "four weeks end tomorrow"),
        ("-P2W", Infection(on("Thu 2026-10-01"), on("Fri 2026-11-20"), "drug"), "Fri 2026-12-04", "its end"),
        ("-P2W", Infection(on("Thu 2026-10-01"), None, "drug"), None, "it lasts"),
        ("-P4W", Vaccination("other", on("Tue 2026-11-03")), TODAY, "not forbidden"),
    ],
)
def test_the_earliest_screening(starts, fact, screened, why):
    found = earliest(candidate(trial(starts, "screening"), fact), "screening", on(TODAY))
    assert found.day == (screened and on(screened)), why


@pytest.mark.parametrize(
    ("starts", "anchor", "day", "infused", "why"),
    [
        ("-P4W", "screening", "Tue 2026-11-03", "Mon 2026-12-07", "screened on 1 December, six days before"),
        ("-P4W", "enrolment", "Tue 2026-11-03", "Mon 2026-12-07", "enrolled six days before"),
        ("-P2W", "infusion", "Fri 2026-11-20", "Fri 2026-12-04", "two weeks before the infusion itself"),
        ("-P2W", "infusion", "Thu 2026-10-01", "Fri 2026-11-27", "only screening takes its time"),
    ],
)
def test_the_earliest_infusion(starts, anchor, day, infused, why):
    found = earliest(candidate(trial(starts, anchor), drug(day)), "infusion", on(TODAY))
    assert found.day == on(infused), why


def test_the_reason_is_said_with_its_day():
    found = earliest(candidate(trial("-P4W", "screening"), drug("Tue 2026-11-03")), "screening", on(TODAY))
    (reason,) = found.reasons
    assert reason.text() == "drug on Tuesday 2026-11-03: not before Tuesday 2026-12-01 (Window)"


def test_what_sets_the_day_comes_first():
    facts = (drug("Tue 2026-11-03"), drug("Tue 2026-11-10"))
    found = earliest(candidate(trial("-P4W", "screening"), *facts), "screening", on(TODAY))
    assert [reason.fact for reason in found.reasons] == [facts[1], facts[0]]
    assert found.day == on("Tue 2026-12-08")


def test_screening_that_took_place_is_not_moved():
    made = candidate(trial("-P4W", "screening"), drug("Tue 2026-11-03"), screening="Fri 2026-11-20 actual")
    found = earliest(made, "infusion", on(TODAY))
    assert (found.day, found.reasons[0].allowed_on) == (None, None)
    assert "period that is already fixed" in found.reasons[0].text()


@pytest.mark.parametrize(
    ("half_life", "infused", "why"),
    [
        (timedelta(days=4), "Sat 2026-12-26", "20 days from 30 November to enrolment on 20 December"),
        (timedelta(hours=17), "Thu 2026-12-10", "85 hours are over on the fourth day, 4 December"),
        (None, None, "the half-life is not known"),
    ],
)
def test_half_lives(half_life, infused, why):
    rule = window("enrolment -5 of drug", "enrolment P0D", Washout(("drug",)))
    made = protocol(SCREENING, windows=(rule,))
    dose = Dose("drug", on("Mon 2026-11-30"), half_life, "label")
    found = earliest(candidate(made, dose), "infusion", on("Tue 2026-12-01"))
    assert found.day == (infused and on(infused)), why


@pytest.mark.parametrize(
    ("starts", "anchor", "last", "why"),
    [
        ("-P4W", "screening", "Tue 2026-11-03", "screened on 1 December"),
        ("-P1M", "screening", "Sun 2026-11-01", "a month before it"),
        ("-P2W", "infusion", "Mon 2026-11-23", "two weeks before 7 December"),
        ("-P3M", "infusion", "Mon 2026-09-07", "three months before it"),
        ("-PT48H", "infusion", "Fri 2026-12-04", "all of 4 December lies 48 hours before 7 December"),
    ],
)
def test_the_last_day_for_a_wished_infusion(starts, anchor, last, why):
    made = candidate(trial(starts, anchor))
    (row,) = last_days(made, "infusion", on("Mon 2026-12-07"))
    assert (row.code, row.day) == ("drug", on(last)), why


def test_of_two_windows_the_stricter_counts_and_a_missing_half_life_is_named():
    rules = (
        window("screening -P4W", "screening P0D", Washout(("drug",)), code="screened"),
        window("infusion -P2W", "infusion P0D", Washout(("drug",)), code="infused"),
        window("infusion -5 of mtx", "infusion P0D", Washout(("mtx",)), code="in-half-lives"),
    )
    rows = last_days(candidate(protocol(SCREENING, windows=rules)), "infusion", on("Mon 2026-12-07"))
    assert [(row.code, row.window, row.day) for row in rows] == [
        ("drug", "screened", on("Tue 2026-11-03")),
        ("mtx", "in-half-lives", None),
    ]
    assert tuple(map(str, rows[1].missing)) == ("the half-life of mtx",)


@pytest.mark.parametrize("starts", ["-P4W", "-P1M", "-P3M", "-P1Y"])
def test_forwards_is_the_inverse_of_backwards_and_agrees_with_the_judge(starts):
    """A day earlier never lets anybody in, and the last day for that day is the day of the dose or later."""
    made = trial(starts, "screening")
    for n in range(0, 92, 15):
        taken = date(2026, 1, 1) + timedelta(days=n)
        dose = Dose("drug", taken)
        found = earliest(candidate(made, dose), "screening", taken)
        (row,) = last_days(candidate(made), "screening", found.day)
        (eve,) = last_days(candidate(made), "screening", found.day - timedelta(days=1))
        assert eve.day < taken <= row.day, (starts, taken, found.day)
        assert judged(made, dose, found.day) == "kept"
        assert judged(made, dose, found.day - timedelta(days=1)) == "violated"


def judged(made: Protocol, dose: Dose, screened: date) -> str:
    plan = project(made, {"screening": AnchorDay(screened, AnchorKind.ACTUAL)})
    return judge(plan.windows[0], Facts(occurrences=(dose,)), at(1000), SHANGHAI).status.value


def test_known_of_tells_the_engine_what_is_on_record():
    facts = Facts(
        tests=(Result("blood-count", at(0)), Result("blood-count", at(3))),
        occurrences=(
            Dose("mtx", at(0), timedelta(days=1), "label", "a"),
            Dose("mtx", at(0), timedelta(days=2), "label", "b"),
            Procedure("apheresis", at(1)),
            Event("relapse", at(2)),
        ),
    )
    known = known_of(facts, SHANGHAI, date(2030, 1, 1))
    assert isinstance(known, Known)
    assert known.activities["blood-count"] == AnchorDay(at(3).date(), AnchorKind.ACTUAL, at(3))
    assert set(known.activities) == {"blood-count", "apheresis", "relapse"}
    assert known.half_lives == {"mtx": timedelta(days=2)}


def test_a_window_that_the_day_asked_for_cannot_place_is_left_to_its_own_clock():
    """No JAK inhibitor within 2 weeks before infusion is nothing against a day of screening."""
    jak = Facts(occurrences=(Dose("jak-inhibitor", date(2026, 2, 20)),))
    candidate = Candidate(load_named("NCT07339332").protocol, jak, SHANGHAI)
    assert earliest(candidate, "screening", date(2026, 3, 2)).reasons == ()
    (reason,) = earliest(candidate, "infusion", date(2026, 3, 2)).reasons
    assert (reason.window, reason.allowed_on) == ("jak-inhibitor-washout", date(2026, 3, 6))
