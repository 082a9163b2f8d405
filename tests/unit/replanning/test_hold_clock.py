"""The clocks between chemotherapy and infusion: days on hold, hours without fever, the day to tell somebody.

Chemotherapy began on Wednesday 2 December 2026, for an infusion on Monday the 7th.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.replanning.hold_clock import HoldTerms, Waiting, hold_terms, waiting_of
from tests.unit.plan.small import (
    ASSUMED,
    CHEMOTHERAPY,
    CONDITIONING,
    SHANGHAI,
    STATED,
    days,
    offset,
    on,
    protocol,
)
from trials.domain.protocols.protocol import HoldRule

BEGAN, EXPECTED = "Wed 2026-12-02 actual", "Mon 2026-12-07"
RULE = HoldRule(offset("P14D"), "repeat lymphodepletion", STATED, offset("PT72H"), offset("P5D"))


def waiting(infusion: str, rule: HoldRule | None = None, ld: str = BEGAN, **more: object) -> Waiting | None:
    trial = protocol(*CONDITIONING, hold=rule)
    return waiting_of(trial, project(trial, days(infusion=infusion, ld=ld)).anchors, **more)


@pytest.mark.parametrize(
    ("rule", "terms", "reason"),
    [
        (None, (None, "PT48H", "P3D", "afebrile escalate_after"), "no hold is written: usual terms, assumed"),
        (RULE, ("P14D", "PT72H", "P5D", ""), "all of it is stated, with its source"),
        (
            HoldRule(offset("P14D"), "ask", STATED),
            ("P14D", "PT48H", "P3D", "afebrile escalate_after"),
            "only the longest hold is stated",
        ),
        (
            HoldRule(offset("P14D"), "ask", ASSUMED, offset("PT72H"), offset("P5D")),
            ("P14D", "PT72H", "P5D", "afebrile escalate_after longest"),
            "numbers without a source stay assumed",
        ),
    ],
)
def test_the_terms_of_a_hold_and_which_of_them_nobody_stated(rule, terms, reason):
    found: HoldTerms = hold_terms(protocol(*CONDITIONING, hold=rule))
    said = (found.longest and found.longest.iso, found.afebrile.iso, found.escalate_after.iso)
    assert (*said, " ".join(sorted(found.assumed))) == terms, reason


@pytest.mark.parametrize(
    ("infusion", "ld", "reason"),
    [
        (EXPECTED, "Wed 2026-12-02", "chemotherapy is only planned"),
        ("Mon 2026-12-07 actual", BEGAN, "the infusion is given"),
        ("Wed 2026-12-09 actual", BEGAN, "it is given late: the wait is over"),
    ],
)
def test_nobody_waits_before_chemotherapy_or_after_the_infusion(infusion, ld, reason):
    assert waiting(infusion, ld=ld) is None, reason


@pytest.mark.parametrize(
    ("infusion", "since", "today", "waits", "reason"),
    [
        (EXPECTED, None, "Sat 2026-12-05", (0, False, 0), "the rest before day zero is no hold"),
        (EXPECTED, None, "Wed 2026-12-09", (0, False, 0), "late unrecorded, but nobody said so"),
        (EXPECTED, "Sun 2026-12-06", "Sun 2026-12-06", (0, True, 0), "held on the eve: no day is lost yet"),
        (EXPECTED, "Sun 2026-12-06", "Mon 2026-12-07", (0, True, 0), "nor on day zero itself"),
        (EXPECTED, "Sun 2026-12-06", "Tue 2026-12-08", (0, True, 1), "the first day beyond it"),
        ("Wed 2026-12-09", None, "Mon 2026-12-07", (2, True, 0), "it slips by two days, none waited yet"),
        ("Wed 2026-12-09", None, "Wed 2026-12-09", (2, True, 2), "two days waited on its new day"),
    ],
)  # fmt: skip
def test_the_days_of_a_hold_count_from_the_day_that_chemotherapy_was_given_for(
    infusion, since, today, waits, reason
):
    found = waiting(infusion, since=since and on(since))
    assert found
    assert (found.expected, found.anchor) == (on(EXPECTED), CHEMOTHERAPY)
    assert (found.late, found.on_hold, found.days(on(today))) == waits, reason


@pytest.mark.parametrize(
    ("rule", "day", "reason"),
    [
        (None, "Thu 2026-12-10", "three days are assumed"),
        (RULE, "Sat 2026-12-12", "five are stated"),
        (HoldRule(offset("P2W"), "ask", STATED, None, offset("P1W")), "Mon 2026-12-14", "a week"),
        (HoldRule(offset("P14D"), "ask", STATED, None, offset("PT48H")), "Wed 2026-12-09", "so are hours"),
    ],
)  # fmt: skip
def test_the_day_from_which_somebody_must_be_told(rule, day, reason):
    found = waiting("Wed 2026-12-09", rule)
    assert found
    assert found.escalates_on == on(day), reason


@pytest.mark.parametrize(
    ("infusion", "rule", "today", "over", "reason"),
    [
        ("Mon 2026-12-21", RULE, "Mon 2026-12-07", 0, "fourteen days after the expected day: the last one"),
        ("Tue 2026-12-22", RULE, "Mon 2026-12-07", 1, "planned a day beyond it"),
        ("Wed 2026-12-09", RULE, "Thu 2026-12-24", 3, "planned within, but the days have run past it"),
        (EXPECTED, RULE, "Thu 2026-12-24", 0, "nobody put it on hold, and it does not slip"),
        ("Tue 2026-12-22", None, "Thu 2026-12-24", 0, "no document says how long: nothing to overrun"),
    ],
)  # fmt: skip
def test_days_beyond_the_longest_hold_that_the_protocol_allows(infusion, rule, today, over, reason):
    found = waiting(infusion, rule)
    assert found
    assert found.overrun(on(today)) == over, reason


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("rule", "fever", "now", "hours", "full", "reason"),
    [
        (None, None, "2026-12-08T09:00", 0, None, "no fever on record: no clock runs"),
        (None, "2026-12-06T20:30", "2026-12-08T20:29", 47, "2026-12-08T20:30", "a minute short of 48 hours"),
        (None, "2026-12-06T20:30", "2026-12-08T20:30", 48, "2026-12-08T20:30", "full to the minute"),
        (RULE, "2026-12-06T20:30", "2026-12-08T20:30", 48, "2026-12-09T20:30", "this protocol wants 72"),
        (None, "2026-12-08T10:00", "2026-12-08T09:00", 0, "2026-12-10T10:00", "measured after this moment"),
        (None, "2026-12-01T23:59", "2026-12-08T09:00", 0, None, "the eve of chemotherapy does not count"),
        (None, "2026-12-02T00:00", "2026-12-02T09:00", 9, "2026-12-04T00:00", "from midnight on it does"),
    ],
)  # fmt: skip
def test_the_clock_without_fever(rule, fever, now, hours, full, reason):
    found = waiting("Wed 2026-12-09", rule, fever_at=fever and at(fever))
    assert found
    assert (found.hours_afebrile(at(now)), found.afebrile_at) == (hours, full and at(full)), reason


@pytest.mark.parametrize(
    ("fever", "full", "elapsed", "reason"),
    [
        ("2027-03-26T20:30", "2027-03-28T21:30", 47, "one night has 23 hours: wall clocks end it early"),
        ("2026-10-24T20:30", "2026-10-26T19:30", 49, "one night has 25 hours: they end it late"),
        ("2026-12-06T20:30", "2026-12-08T20:30", 48, "no change of clocks"),
    ],
)  # fmt: skip
def test_hours_without_fever_are_elapsed_hours(fever, full, elapsed, reason):
    berlin = ZoneInfo("Europe/Berlin")
    began = datetime.fromisoformat(fever).replace(tzinfo=berlin)
    found = replace(waiting("Wed 2026-12-09"), fever_at=began)
    assert found.afebrile_at == datetime.fromisoformat(full).replace(tzinfo=berlin), reason
    two_days_on = began + timedelta(days=2)  # by the clock on the wall
    assert found.hours_afebrile(two_days_on) == elapsed, reason
