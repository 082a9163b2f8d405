"""What ends by the hour of something of which only the day is known: not over before that day is.

The chemotherapy is planned for Friday 2026-03-06; a test must lie within 48 hours before it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from participants.domain.fact_kinds import Admission, Dose, Lodging, NightAway
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.windows.judges import judge, next_change_at
from tests.unit.plan.small import protocol, window
from tests.unit.windows.judging import SHANGHAI
from trials.domain.protocols.protocol import Freshness, Presence, Stay, Washout
from trials.formats.protocols.library import load

FRIDAY = date(2026, 3, 6)
ZERO = FRIDAY + timedelta(days=5)
CHEMOTHERAPY = "lymphodepletion-start"


def at(day: int, hour: str = "12:00") -> datetime:
    """An hour of a day in March 2026 on the site's clocks."""
    return datetime.fromisoformat(f"2026-03-{day:02}T{hour}").replace(tzinfo=SHANGHAI)


def hcg(*samples: tuple[datetime, str]) -> Facts:
    return Facts(tests=tuple(Result("hcg", taken, None, result) for taken, result in samples))


def placed(chemotherapy: AnchorDay | None):
    trial = load("NCT07339332")
    anchors = {"infusion": AnchorDay(ZERO)}
    if chemotherapy:
        anchors[CHEMOTHERAPY] = chemotherapy
    plan = project(trial, anchors, frozenset({"childbearing_potential"}), zone=SHANGHAI)
    return next(one for one in plan.windows if one.rule.code == "hcg-before-lymphodepletion")


PLANNED = None
GIVEN = AnchorDay(FRIDAY, AnchorKind.ACTUAL)
AT_NINE = AnchorDay.at_instant(at(6, "09:00"), AnchorKind.ACTUAL)


@pytest.mark.parametrize(
    ("chemotherapy", "facts", "now", "status", "why"),
    [
        (PLANNED, Facts(), at(6, "00:01"), "cannot-judge", "no result yet, and the day has only begun"),
        (PLANNED, hcg((at(2), "negative")), at(6, "00:01"), "at-risk", "too old, and can still be repeated"),
        (PLANNED, hcg((at(2), "negative")), at(7, "00:00"), "violated", "the day is over"),
        (PLANNED, hcg((at(6, "07:15"), "negative")), at(6, "07:30"), "cannot-judge", "in time, if before"),
        (AT_NINE, hcg((at(6, "07:15"), "negative")), at(6, "10:00"), "kept", "in time"),
        (GIVEN, hcg((at(6, "07:15"), "negative")), at(6, "10:00"), "cannot-judge", "no hour of it on record"),
        (GIVEN, hcg((at(6, "07:15"), "negative")), at(9), "cannot-judge", "nor days later"),
        (AT_NINE, hcg((at(6, "09:15"), "negative")), at(7), "cannot-judge", "none before it on record"),
        (PLANNED, hcg((at(6, "07:15"), "positive")), at(6, "07:30"), "at-risk", "positive whatever the hour"),
        (PLANNED, hcg((at(5), "negative")), at(6, "00:01"), "open-and-kept", "valid all Friday"),
        (PLANNED, hcg((at(5), "negative")), at(7, "00:00"), "kept", "and the day is over"),
        (GIVEN, hcg((at(5), "negative")), at(6, "10:00"), "kept", "and chemotherapy has begun"),
        (PLANNED, hcg((at(4), "negative")), at(5), "cannot-judge", "valid until noon on Friday, not longer"),
        (PLANNED, hcg((at(5), "negative"), (at(6, "07:15"), "positive")), at(6, "08:00"), "cannot-judge",
         "the later one may be inside"),
        (GIVEN, hcg((at(2), "negative")), at(6, "10:00"), "violated", "too old whatever the hour"),
    ],
)  # fmt: skip
def test_a_pregnancy_test_in_time_does_not_read_too_late(chemotherapy, facts, now, status, why):
    assert judge(placed(chemotherapy), facts, now, SHANGHAI).status == status, why


def test_the_hour_that_is_missing_is_named():
    verdict = judge(placed(PLANNED), hcg((at(6, "07:15"), "negative")), at(6, "07:30"), SHANGHAI)
    assert verdict.missing_text() == ("the hour of Start of lymphodepletion",)


def test_the_verdict_changes_when_the_day_is_over():
    facts = hcg((at(2), "negative"))
    assert judge(placed(PLANNED), facts, at(6, "00:01"), SHANGHAI).becomes_violation_at == at(7, "00:00")
    assert next_change_at(placed(PLANNED), facts, at(6, "00:01"), SHANGHAI) == at(7, "00:00")


def in_hours(terms, starts: str, ends: str, day: AnchorDay):
    rule = window(f"infusion {starts}", f"infusion {ends}", terms)
    plan = project(protocol(windows=(rule,)), {"infusion": day}, zone=SHANGHAI)
    return plan.windows[0]


STAY, NEAR = Stay(), Presence(within_minutes=60)
NONE = Washout(("steroid",))
LODGED = (Lodging(date(2026, 3, 1), None, 30),)


@pytest.mark.parametrize(
    ("terms", "bounds", "facts", "unknown", "at_nine", "why"),
    [
        (STAY, ("PT0H", "PT24H"), Facts(admissions=(Admission(at(6, "08:00"), at(7, "20:00")),)),
         "cannot-judge", "kept", "discharged after 24 hours, if it was given before eight in the evening"),
        (STAY, ("PT0H", "PT24H"), Facts(admissions=(Admission(at(5), at(7, "20:00")),)),
         "cannot-judge", "kept", "the same, and in hospital since the day before"),
        (STAY, ("PT0H", "PT24H"), Facts(admissions=(Admission(at(6, "08:00"), at(6, "20:00")),)),
         "violated", "violated", "before 24 hours had passed, whatever the hour"),
        (STAY, ("PT0H", "PT24H"), Facts(admissions=(Admission(at(6, "08:30")),)),
         "cannot-judge", "kept", "admitted that morning, if before it"),
        (NONE, ("-PT24H", "PT0H"), Facts(occurrences=(Dose("steroid", at(5, "08:00")),)),
         "cannot-judge", "kept", "25 hours before nine o'clock"),
        (NONE, ("-PT48H", "PT0H"), Facts(occurrences=(Dose("steroid", at(5, "08:00")),)),
         "violated", "violated", "inside whatever the hour"),
        (NEAR, ("PT0H", "PT48H"), Facts(lodgings=LODGED, nights_away=(NightAway(date(2026, 3, 9)),)),
         "cannot-judge", "kept", "the night of Monday, which is inside by the longest reading alone"),
    ],
)  # fmt: skip
def test_every_kind_in_hours_waits_for_the_hour(terms, bounds, facts, unknown, at_nine, why):
    then = at(15)
    assert judge(in_hours(terms, *bounds, GIVEN), facts, then, SHANGHAI).status == unknown, why
    assert judge(in_hours(terms, *bounds, AT_NINE), facts, then, SHANGHAI).status == at_nine, why


def test_a_window_without_hours_has_one_reading_alone():
    rule = window("infusion -P2D", "infusion P0D", Freshness("hcg", "negative"))
    plan = project(protocol(windows=(rule,)), {"infusion": AnchorDay(FRIDAY)}, zone=SHANGHAI)
    assert plan.windows[0].other is None
    assert replace(plan.windows[0]).ends == FRIDAY
