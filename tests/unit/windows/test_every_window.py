"""Every protocol window of the five trials, brought to every verdict that its kind can come to.

Placed by the engine for an infusion planned on Monday 2 March 2026. Observation knows no risk
and no violation: nothing but time tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from participants.domain.fact_kinds import Admission, Confirmation, Dose, Event, Lodging
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from participants.domain.moments import DAY, day_of
from participants.domain.performed import PerformedVisit
from schedules.domain.plan.library_labels import CODES
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known, PlannedWindow
from schedules.domain.windows.judges import judge, next_change_at
from schedules.domain.windows.judges.washed_out import drugs_of
from tests.unit.windows.judging import SHANGHAI
from trials.domain.protocols.protocol import Protocol, WindowKind
from trials.domain.words import Words
from trials.formats.protocols.library import load_named

TRIALS = ("NCT07193667", "NCT07274059", "NCT07339332", "NCT07331467", "NCT07233642")
INFUSION, CONSENT, MAJORITY = date(2026, 3, 2), date(2026, 1, 30), date(2026, 6, 1)
SOMETIME = datetime(2026, 3, 2, 4, tzinfo=UTC)
HALF_LIFE = timedelta(days=4)
Scene = tuple[Facts, datetime]


@cache
def protocol_of(trial: str) -> Protocol:
    return load_named(trial).protocol


@cache
def windows(trial: str) -> dict[str, PlannedWindow]:
    """All windows of a trial for somebody with every trait, whose blood count is booked."""
    protocol = protocol_of(trial)
    drugs = {drug for rule in protocol.windows for drug in drugs_of(rule.starts)}
    known = Known(
        activities={"blood-count": AnchorDay(date(2026, 2, 10))},
        half_lives=dict.fromkeys(drugs, HALF_LIFE),
        comes_of_age=MAJORITY,
    )
    anchors = {
        "infusion": AnchorDay(INFUSION),
        "consent": AnchorDay(CONSENT),
        "screening": AnchorDay(INFUSION - 28 * DAY),  # said by a person, not merely expected
        "lymphodepletion-start": AnchorDay.at_instant(datetime(2026, 2, 25, 9, tzinfo=SHANGHAI)),
    }
    traits = frozenset(trait.code for trait in protocol.traits)
    anchors = {code: day for code, day in anchors.items() if code in protocol.anchor_by_code}
    plan = project(protocol, anchors, traits, None, known)
    return {window.rule.code: window for window in plan.windows}


def first(window: PlannedWindow) -> date:
    return day_of(window.starts, SHANGHAI)


def last(window: PlannedWindow) -> date:
    return day_of(window.ends, SHANGHAI)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)


def after(window: PlannedWindow) -> datetime:
    return noon(last(window) + 2 * DAY)


def presence(window: PlannedWindow) -> dict[str, Scene]:
    limit = window.rule.terms.within_minutes
    near = Facts(lodgings=(Lodging(first(window), None, limit),))
    far = Facts(
        lodgings=(
            Lodging(first(window), first(window) + 3 * DAY, limit),
            Lodging(first(window) + 4 * DAY, None, limit + 1),
        )
    )
    return {
        "kept": (near, after(window)),
        "at-risk": (far, noon(first(window) + 2 * DAY)),
        "violated": (far, noon(first(window) + 5 * DAY)),
        "cannot-judge": (Facts(), noon(first(window) + DAY)),
    }


def stay(window: PlannedWindow) -> dict[str, Scene]:
    into, early = noon(first(window)), noon(last(window) - DAY)
    return {
        "kept": (Facts(admissions=(Admission(into, noon(last(window))),)), after(window)),
        "at-risk": (Facts(admissions=(Admission(into, None, early.date()),)), into + DAY),
        "violated": (Facts(admissions=(Admission(into, early),)), after(window)),
        "cannot-judge": (Facts(), into),
    }


def observation(window: PlannedWindow) -> dict[str, Scene]:
    return {"kept": (Facts(), after(window)), "open-and-kept": (Facts(), noon(first(window)))}


def freshness(window: PlannedWindow) -> dict[str, Scene]:
    terms, ends = window.rule.terms, window.ends
    inside = ends if isinstance(ends, datetime) else noon(ends)
    wanted = Facts(tests=(Result(terms.test, inside, None, terms.result),))
    stale = Facts(tests=(Result(terms.test, noon(first(window) - DAY), None, terms.result),))
    return {
        "kept": (wanted, after(window)),
        "at-risk": (stale, noon(last(window) - DAY)),
        "violated": (stale, after(window)),
        "cannot-judge": (Facts(), noon(last(window) - DAY)),
    }


def washout(window: PlannedWindow) -> dict[str, Scene]:
    codes = window.rule.terms.of
    bases = dict(window.bases)
    base = bases[window.rule.starts.moments[0].counts_from.code].day
    inside = Facts(occurrences=(Dose(codes[0], first(window) + DAY, HALF_LIFE, "label"),))
    before = tuple(Dose(code, first(window), HALF_LIFE, "label") for code in codes)
    return {
        "kept": (Facts(occurrences=before), after(window)),
        "at-risk": (inside, noon(base - DAY)),
        "violated": (inside, noon(base)),
        "cannot-judge": (Facts(), noon(base - DAY)),
    }


def conduct(window: PlannedWindow) -> dict[str, Scene]:
    terms = window.rule.terms
    visit = (terms.confirmed_at or ("d14",))[0]
    day = first(window) + 10 * DAY
    seen = Facts(performed=(PerformedVisit(visit, noon(day)),))
    asked = Facts(performed=seen.performed, confirmations=(Confirmation(terms.of, noon(day), visit),))
    broken = Facts(confirmations=(Confirmation(terms.of, noon(day), visit, holds=False),))
    return {
        "kept": (asked, after(window)),
        "at-risk": (seen, noon(day + DAY)),
        "violated": (broken, after(window)),
        "cannot-judge": (seen, after(window)),
    }


def event_after(window: PlannedWindow) -> dict[str, Scene]:
    one = (PerformedVisit("m3", noon(first(window) + DAY)),)
    two = (*one, PerformedVisit("m6", noon(first(window) + 9 * DAY)))
    done = (Event(window.rule.terms.event, noon(first(window))),)
    return {
        "kept": (Facts(occurrences=done), noon(first(window) + DAY)),
        "at-risk": (Facts(performed=one), noon(first(window) + 2 * DAY)),
        "violated": (Facts(performed=two), noon(first(window) + 10 * DAY)),
        "open-and-kept": (Facts(), noon(first(window))),
    }


SCENES: dict[WindowKind, Callable[[Any], dict[str, Scene]]] = {
    WindowKind.PRESENCE: presence,
    WindowKind.STAY: stay,
    WindowKind.OBSERVATION: observation,
    WindowKind.FRESHNESS: freshness,
    WindowKind.WASHOUT: washout,
    WindowKind.CONDUCT: conduct,
    WindowKind.EVENT_AFTER: event_after,
}


@pytest.mark.parametrize("trial", TRIALS)
def test_every_window_comes_to_every_verdict_of_its_kind(trial):
    for code, window in windows(trial).items():
        scenes = SCENES[window.rule.kind](window)
        found = {status: judge(window, *scene, SHANGHAI).status.value for status, scene in scenes.items()}
        assert found == {status: status for status in scenes}, code


@pytest.mark.parametrize("trial", TRIALS)
def test_every_window_without_its_days_cannot_be_judged_and_says_what_is_missing(trial):
    for code, placed in windows(trial).items():
        nothing = PlannedWindow(placed.rule, None, None, (Words("the day of infusion"),))
        verdict = judge(nothing, Facts(), SOMETIME, SHANGHAI)
        assert (verdict.status, verdict.missing_text()) == ("cannot-judge", ("the day of infusion",)), code


@pytest.mark.parametrize("trial", TRIALS)
def test_a_verdict_stands_until_the_moment_told(trial):
    """Nothing turns before `next_change_at`, and something does then; followed to the end."""
    for window in windows(trial).values():
        for facts, now in SCENES[window.rule.kind](window).values():
            follow(window, facts, now - 30 * DAY)


def follow(window: PlannedWindow, facts: Facts, now: datetime) -> None:
    for _step in range(20):
        change = next_change_at(window, facts, now, SHANGHAI)
        if change is None:
            break
        verdict, eve = judge(window, facts, now, SHANGHAI), change - timedelta(microseconds=1)
        assert judge(window, facts, eve, SHANGHAI) == verdict, (window.rule.code, now, eve)
        assert judge(window, facts, change, SHANGHAI) != verdict, (window.rule.code, now, change)
        now = change
    assert judge(window, facts, now + 4000 * DAY, SHANGHAI) == judge(window, facts, now, SHANGHAI)


def test_all_windows_are_there():
    placed = [window for trial in TRIALS for window in windows(trial).values()]
    in_documents = [rule for trial in TRIALS for rule in protocol_of(trial).windows]
    assert len(placed) == len(in_documents) == 66
    assert {window.rule.kind for window in placed} == set(WindowKind)


@pytest.mark.parametrize("trial", [*TRIALS, "CART-SLE"])
def test_whatever_a_window_names_can_be_said_in_another_language(trial):
    """Substances, tests, results, conducts, events, and the anchors that windows count from."""
    named = set(protocol_of(trial).anchor_by_code)
    for rule in protocol_of(trial).windows:
        terms, drugs = rule.terms, drugs_of(rule.starts)
        said = [getattr(terms, name, None) for name in ("of", "test", "result", "event")]
        named |= {*drugs, *(one for one in said if isinstance(one, str))}
        named |= {code for one in said if isinstance(one, tuple) for code in one}
    assert named <= set(CODES), "name it in schedules/domain/plan/library_labels.py"


def test_a_verdict_is_told_in_the_reader_s_language_whatever_it_names():
    window = windows("NCT07331467")["live-vaccine-washout"]
    chinese = {
        "a confirmation that there was no %(code)s": "无 %(code)s 的确认",
        "%(code)s on %(day)s lies inside the window.": "%(code)s（%(day)s）在窗口内。",
        "%(code)s (%(name)s)": "%(code)s（%(name)s）",
        "live-vaccine": "活疫苗",
        "Sunday": "星期日",
    }
    none = judge(window, Facts(), noon(last(window)), SHANGHAI)
    assert none.missing_text(lambda message: chinese.get(message, message)) == ("无 活疫苗 的确认",)
    given = Facts(occurrences=(Dose("live-vaccine", date(2026, 2, 1), name="BCG"),))
    found = judge(window, given, noon(last(window)), SHANGHAI).because(lambda text: chinese.get(text, text))
    assert found == ("活疫苗（BCG）（星期日 2026-02-01）在窗口内。",)
    assert judge(window, given, noon(last(window)), SHANGHAI).because() == (
        "live-vaccine (BCG) on Sunday 2026-02-01 lies inside the window.",
    )


def test_an_actual_anchor_leaves_nothing_to_mend():
    window = windows("NCT07331467")["live-vaccine-washout"]
    screened = AnchorDay(last(window), AnchorKind.ACTUAL)
    moved = PlannedWindow(window.rule, window.starts, window.ends, (), (("screening", screened),))
    facts = Facts(occurrences=(Dose("live-vaccine", first(window) + DAY),))
    now = noon(last(window) - DAY)
    assert judge(window, facts, now, SHANGHAI).status == "at-risk"
    assert judge(moved, facts, now, SHANGHAI).status == "violated"
