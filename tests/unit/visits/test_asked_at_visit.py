"""What windows need to hear at a visit, and which windows a fact feeds. Day zero is 2026-12-07."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from participants.domain.fact_kinds import Confirmation, Event, FactKind
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from schedules.domain.plan.projection import project
from schedules.domain.visits.visit import VisitState
from schedules.domain.windows import fact_sources
from schedules.domain.windows.asked_at_visit import asked_at
from schedules.domain.windows.fact_sources import fed_by, feeds_of, last_results, places
from schedules.domain.windows.verdicts import VerdictStatus
from tests.unit.plan.small import SHANGHAI, at, by_code, days, protocol, visit, window
from trials.domain.protocols.protocol import ASSUMED, Activity, Conduct, EventAfter, Freshness, Washout

WINDOWS = (
    window("infusion P0D", "infusion P28D", Conduct("contraception"), code="care"),
    window("infusion P0D", "infusion P1Y", Conduct("diet", ("d14",)), code="diet"),
    window("infusion -5 of steroid", "visit:d14 P0D", Washout(("steroid", "opioid")), code="free"),
    window("infusion P0D", "infusion P28D", Freshness("ecg"), code="heart"),
    window("infusion P0D", "visit:d14 P0D", Freshness("hcg", "negative"), code="hcg"),
    window("infusion P10D", None, EventAfter("consent-again", 18), code="again"),
    window("activity:count P0D", "activity:count P7D", Conduct("rest"), code="rest"),
)
TRIAL = protocol(
    *(visit(f"d{day}", at(f"P{day}D", "P2D")) for day in (7, 14, 28, 35)),
    windows=WINDOWS,
    activities=(Activity("ecg", "ECG", ("d14", "d35"), ASSUMED),),
)
PLAN = project(TRIAL, days(infusion="Mon 2026-12-07"), zone=SHANGHAI)


def d(number: int) -> date:
    return date(2026, 12, 7) + timedelta(days=number)


def said(topic: str, day: int, code: str | None = None, since: int | None = None) -> Facts:
    return Facts(confirmations=(Confirmation(topic, d(day), code, None if since is None else d(since)),))


def result(test: str, day: int, found: str | None = "negative") -> Facts:
    return Facts(tests=(Result(test, d(day), d(day), found),))


def done(day: int) -> Facts:
    return Facts(occurrences=(Event("consent-again", d(day)),))


@pytest.mark.parametrize(
    ("day", "facts", "asked", "why"),
    [
        (14, Facts(), "care diet free | ecg hcg | consent-again", "all of it"),
        (7, Facts(), "care | | ", "only what every visit hears"),
        (28, Facts(), "care | | consent-again", "on the last day of the conduct"),
        (35, Facts(), " | | consent-again", "it is over, and so is the window of the test that is done here"),
        (
            14,
            said("contraception", 14, "d14"),
            "diet free | ecg hcg | consent-again",
            "said at the visit",
        ),
        (14, said("contraception", 13), "care diet free | ecg hcg | consent-again", "said the day before"),
        (14, said("care", 30), "diet free | ecg hcg | consent-again", "said later, of all the time"),
        (
            14,
            said("care", 30, since=20),
            "care diet free | ecg hcg | consent-again",
            "not of that day",
        ),
        (14, said("care", 14), "diet free | ecg hcg | consent-again", "said of the whole window that day"),
        (14, said("steroid", 14), "care diet free | ecg hcg | consent-again", "one of two substances"),
        (14, said("free", 14), "care diet | ecg hcg | consent-again", "none of them"),
        (14, result("hcg", 5), "care diet free | ecg | consent-again", "its window has a result"),
        (14, result("hcg", -1), "care diet free | ecg hcg | consent-again", "of a sample before the window"),
        (14, result("hcg", 5, None), "care diet free | ecg hcg | consent-again", "no result yet"),
        (14, result("ecg", 5), "care diet free | ecg hcg | consent-again", "done here all the same"),
        (14, result("ecg", 14), "care diet free | hcg | consent-again", "done today"),
        (14, done(10), "care diet free | ecg hcg | ", "done on the day from which it is due"),
        (14, done(9), "care diet free | ecg hcg | consent-again", "done before"),
    ],
)
def test_what_is_asked_at_a_visit(day: int, facts: Facts, asked: str, why: str) -> None:
    state = VisitState.of_plan(by_code(PLAN)[f"d{day}"])
    found = asked_at(state, TRIAL, PLAN.windows, facts, (d(day), SHANGHAI))
    names = (
        [one.window for one in found.questions],
        [one.test for one in found.results],
        [one.event for one in found.events],
    )
    assert [" ".join(part) for part in names] == [part.strip() for part in asked.split("|")], why
    assert bool(found) is (asked.strip(" |") != "")


def test_a_question_and_a_result_are_asked_by_their_names() -> None:
    state = VisitState.of_plan(by_code(PLAN)["d14"])
    found = asked_at(state, TRIAL, PLAN.windows, Facts(), (d(14), SHANGHAI))
    assert [(one.window, one.conduct) for one in found.questions] == [
        ("care", True), ("diet", True), ("free", False),
    ]  # fmt: skip
    assert [(one.name, one.result, one.by_hour) for one in found.results] == [
        ("ECG", None, False), ("hcg", "negative", False),
    ]  # fmt: skip
    assert found.names == ["Window", "Window", "Window", "Window", "ECG", "hcg"]


@pytest.mark.parametrize(
    ("kind", "of", "fed"),
    [
        (FactKind.CONFIRMATION, "contraception", "care"),
        (FactKind.CONFIRMATION, "opioid", "free"),
        (FactKind.DOSE, "steroid", "free"),
        (FactKind.VACCINATION, "opioid", "free"),
        (FactKind.TEST, "hcg", "hcg"),
        (FactKind.TEST, "count", "rest"),
        (FactKind.EVENT, "consent-again", "again"),
        (FactKind.EVENT, "steroid", ""),
        (FactKind.TEST, "contraception", ""),
    ],
)
def test_which_windows_a_fact_feeds(kind: FactKind, of: str, fed: str) -> None:
    assert " ".join(rule.code for rule in fed_by(kind, of, WINDOWS)) == fed
    if fed not in {"", "free"}:  # of what is washed out, whatever kind it turns out to be
        assert (kind, of) in {(one.kind, one.of) for one in feeds_of(WINDOWS) if one.window.code == fed}


@pytest.mark.parametrize(
    ("code", "is_one"),
    [("steroid", True), ("count", True), ("hcg", False), ("opioid", False), ("d14", False)],
)
def test_what_places_visits_and_windows(code: str, is_one: bool) -> None:
    assert places(code, TRIAL) is is_one


def test_the_last_result_of_a_test_is_that_of_the_sample_taken_last() -> None:
    morning = datetime(2026, 12, 9, 1, tzinfo=UTC)
    day, hour, later, open_ = (
        Result("hcg", taken, result=found)
        for taken, found in ((d(2), "a"), (morning, "b"), (morning + timedelta(hours=1), "c"), (d(5), None))
    )
    assert last_results([later, hour, day, open_]) == {"hcg": later}
    assert last_results([hour, day]) == {"hcg": hour}, "one without an hour comes first on its day"


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (VerdictStatus.AT_RISK, True),
        (VerdictStatus.CANNOT_JUDGE, True),
        (VerdictStatus.OPEN_AND_KEPT, False),
        (VerdictStatus.VIOLATED, False),
    ],
)
def test_a_test_is_repeated_while_its_window_asks_for_it(status: VerdictStatus, asked: bool) -> None:
    (last,) = result("hcg", 5).tests
    found = fact_sources.tests_to_repeat(WINDOWS, {"hcg": status, "heart": VerdictStatus.AT_RISK}, [last])
    assert found == ((last,) if asked else ())
