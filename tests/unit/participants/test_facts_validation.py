"""What a fact must keep to, and what is accepted with a warning. It is noon on Saturday 2026-11-21."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from participants.domain.fact_kinds import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Dose,
    Event,
    Fact,
    Illness,
    Infection,
    Lodging,
    NightAway,
    Procedure,
    Vaccination,
    Waiver,
)
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from participants.domain.facts_validation import FactRefused, accept, problems_of, warnings_of
from participants.domain.performed import PerformedVisit
from trials.domain.protocols.protocol import Place

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 12, tzinfo=SHANGHAI)
TODAY = NOW.date()
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def november(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=SHANGHAI)


STAY = Facts(admissions=(Admission(november(2), november(9)),))
OPEN_STAY = Facts(admissions=(Admission(november(2)),))
LODGED = Facts(lodgings=(Lodging(date(2026, 11, 2), date(2026, 11, 9), 30),))


@pytest.mark.parametrize(
    ("fact", "others", "codes", "why"),
    [
        (Admission(november(9), november(2)), Facts(), ["discharge-before-admission"], "out before in"),
        (Admission(november(9), november(9)), Facts(), [], "a stay of no length is odd, not wrong"),
        (
            Admission(november(9), None, date(2026, 11, 8)),
            Facts(),
            ["discharge-before-admission"],
            "planned out before in",
        ),
        (Admission(november(9), None, date(2026, 11, 9)), Facts(), [], "planned out on the same day"),
        (Admission(november(9), None, date(2026, 12, 8)), Facts(), [], "a plan may lie ahead"),
        (Admission(november(8), november(12)), STAY, ["overlapping-admissions"], "begins inside"),
        (Admission(november(1), november(3)), STAY, ["overlapping-admissions"], "ends inside"),
        (Admission(november(3), november(4)), STAY, ["overlapping-admissions"], "wholly inside"),
        (Admission(november(1)), STAY, ["overlapping-admissions"], "never ends"),
        (Admission(november(9), november(12)), STAY, [], "joins on at the same hour"),
        (Admission(november(12)), OPEN_STAY, ["overlapping-admissions"], "the other has not ended"),
        (Result("hcg", november(9), november(8), "negative"), Facts(), ["result-before-sample"], "by a day"),
        (Result("hcg", november(9), november(9, 8)), Facts(), ["result-before-sample"], "by an hour"),
        (Result("hcg", date(2026, 11, 9), november(9, 1)), Facts(), [], "the same day, hour unknown"),
        (Result("hcg", november(9), date(2026, 11, 8)), Facts(), ["result-before-sample"], "the day before"),
        (Result("hcg", november(9), date(2026, 11, 9)), Facts(), [], "on the same day, at no known hour"),
        (Result("hcg", november(9)), Facts(), [], "no result yet"),
        (Dose("mtx", november(9), timedelta(0), "label"), Facts(), ["half-life"], "zero"),
        (Dose("mtx", november(9), -HOUR, "label"), Facts(), ["half-life"], "negative"),
        (Dose("mtx", november(9), HOUR, " "), Facts(), ["half-life-source"], "without its source"),
        (Dose("mtx", november(9), -HOUR), Facts(), ["half-life", "half-life-source"], "both are said"),
        (Dose("mtx", november(9)), Facts(), [], "no half-life needed"),
        (Dose("", november(9)), Facts(), ["empty"], "of what?"),
        (Dose("mtx", date(26, 11, 9)), Facts(), ["year"], "the century is missing"),
        (Admission(NOW.replace(year=1)), Facts(), ["year"], "before all calendars"),
        (Lodging(TODAY, date(9999, 12, 31), 30), Facts(), ["year"], "for ever is said by leaving it empty"),
        (Dose("mtx", november(9), DAY * 36_501, "label"), Facts(), ["half-life"], "hours taken for days"),
        (Dose("mtx", NOW + HOUR), Facts(), ["future"], "an hour ahead"),
        (Dose("mtx", TODAY), Facts(), [], "today"),
        (Dose("mtx", TODAY + DAY), Facts(), ["future"], "tomorrow"),
        (Dose("mtx", NOW.replace(tzinfo=None)), Facts(), ["no-zone"], "an hour of which zone?"),
        (Vaccination("live-vaccine", TODAY + DAY), Facts(), ["future"], "tomorrow"),
        (Procedure("surgery", TODAY + DAY), Facts(), ["future"], "tomorrow"),
        (Event("consent-again", TODAY + DAY), Facts(), ["future"], "tomorrow"),
        (Admission(NOW + HOUR), Facts(), ["future"], "an hour ahead"),
        (Admission(november(2), NOW + HOUR), Facts(), ["future"], "a discharge in an hour is a plan"),
        (NightAway(TODAY + DAY), Facts(), ["future"], "not spent yet"),
        (NightAway(TODAY, -1), Facts(), ["minutes"], "negative travel"),
        (Confirmation("contraception", NOW + HOUR), Facts(), ["future"], "not asked yet"),
        (Confirmation("", NOW), Facts(), ["empty"], "of what?"),
        (Infection(TODAY + DAY), Facts(), ["future"], "not begun"),
        (Illness("gvhd", date(2026, 11, 9), date(2026, 11, 8)), Facts(), ["turned"], "over before it began"),
        (Illness("gvhd", date(2026, 11, 9), TODAY + DAY), Facts(), ["future"], "not over yet"),
        (Lodging(TODAY + DAY, None, 30), Facts(), [], "booked from tomorrow"),
        (Lodging(date(2026, 11, 9), None, 30), LODGED, ["overlapping-lodgings"], "one night in two beds"),
        (Lodging(date(2026, 11, 10), None, 30), LODGED, [], "from the morrow"),
        (Lodging(TODAY, TODAY - DAY, 30), Facts(), ["turned"], "over before it began"),
        (Lodging(TODAY, TODAY, 30), Facts(), [], "for one night"),
        (Lodging(TODAY, None, -1), Facts(), ["minutes"], "negative travel"),
        (Lodging(TODAY, None, 0), Facts(), [], "on the site's own ground"),
        (CompanionConfirmed(TODAY, TODAY - DAY), Facts(), ["turned"], "over before it began"),
        (
            Waiver("mas-free", "investigator-1", "investigator", " ", NOW),
            Facts(),
            ["empty"],
            "without a reason",
        ),
    ],
)
def test_what_is_refused(fact: Fact, others: Facts, codes: list[str], why: str):
    assert [problem.code for problem in problems_of(fact, others, NOW, SHANGHAI)] == codes, why


def test_a_refusal_holds_every_problem_with_its_field_and_words():
    with pytest.raises(FactRefused) as refused:
        accept(Admission(november(9), november(2)), STAY, NOW, SHANGHAI)
    first = refused.value.refusals[0]
    assert (first.field, first.text()) == (
        "discharged_at",
        (
            "the discharge at Monday 2026-11-02 09:00 +08:00 is before "
            "the admission at Monday 2026-11-09 09:00 +08:00"
        ),
    )
    assert str(refused.value).startswith(first.text())


def test_words_are_translated_before_they_are_filled():
    (problem,) = problems_of(Dose("mtx", TODAY + DAY), Facts(), NOW, SHANGHAI)
    said = problem.text(lambda message: message.replace("lies in the future", "liegt in der Zukunft"))
    assert said.startswith("Sunday 2026-11-22 liegt in der Zukunft")


def test_a_clock_change_does_not_turn_an_admission_round():
    """Admitted at 1:30, discharged forty minutes later at 1:10, the clocks having gone back."""
    zone = ZoneInfo("America/New_York")
    into = datetime(2026, 11, 1, 1, 30, tzinfo=zone)
    out = datetime(2026, 11, 1, 1, 10, tzinfo=zone, fold=1)
    assert problems_of(Admission(into, out), Facts(), NOW, zone) == ()
    assert [p.code for p in problems_of(Admission(out, into), Facts(), NOW, zone)] == [
        "discharge-before-admission"
    ]


PERFORMED = (
    PerformedVisit("d14", november(9), Place.CLINIC),
    PerformedVisit("call", november(12), Place.HOME),
    PerformedVisit("d0", november(2), Place.WARD),
)


@pytest.mark.parametrize(
    ("fact", "codes", "why"),
    [
        (Confirmation("contraception", november(9, 18), "d14"), [], "on the day of the visit"),
        (Confirmation("contraception", november(10), "d14"), ["visit-on-another-day"], "the day after"),
        (Confirmation("contraception", november(9), "d28"), ["visit-not-performed"], "no such visit yet"),
        (Confirmation("contraception", november(10)), [], "by telephone"),
        (Admission(november(11), november(13)), ["at-home-while-admitted"], "seen at home meanwhile"),
        (Admission(november(12), november(13)), [], "admitted that very day"),
        (Admission(november(11), november(12)), [], "discharged that very day"),
        (Admission(november(11)), ["at-home-while-admitted"], "in hospital still"),
        (NightAway(date(2026, 11, 2)), ["away-on-ward-day"], "infused on the ward that day"),
        (NightAway(date(2026, 11, 9)), [], "a clinic visit lets one sleep anywhere"),
        (Dose("mtx", november(9)), [], "contradicts nothing"),
    ],
)
def test_what_contradicts_a_performed_visit_is_accepted_with_a_warning(fact: Fact, codes: list[str], why):
    others = Facts(performed=PERFORMED)
    assert [warning.code for warning in accept(fact, others, NOW, SHANGHAI)] == codes, why


def test_a_warning_names_visit_and_day():
    (warning,) = warnings_of(
        Confirmation("contraception", november(10), "d14"), Facts(performed=PERFORMED), SHANGHAI
    )
    assert warning.text() == "d14 was performed on 2026-11-09, not on 2026-11-10 09:00 +08:00"
