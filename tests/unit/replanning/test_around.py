"""What a new plan means beside the visits: protocol windows, and the gates of other participants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.readiness.gates import Cohorts, Course
from schedules.domain.replanning.window_and_gate_changes import compare_gates, compare_windows, span_of
from tests.unit.plan.small import SHANGHAI, STATED, on, protocol
from trials.domain.protocols.protocol import Gate, GateBefore

DAY = date(2026, 12, 7)
NINE = datetime(2026, 12, 7, 9, tzinfo=SHANGHAI)


def span(starts, ends=None, code="stay"):
    return span_of(code, code.capitalize(), starts, ends)


@pytest.mark.parametrize(
    ("before", "after", "effect", "reason"),
    [
        (span(DAY), span(DAY), "unchanged", "the same day"),
        (span(DAY), span(DAY + timedelta(days=1)), "moved", "another day"),
        (span(DAY), span(DAY, DAY), "moved", "its end is known now"),
        (span(None), span(None), "unchanged", "neither end is known, before or after"),
        (span(NINE), span(NINE.astimezone(UTC)), "unchanged", "one instant in two zones"),
        (span(NINE), span(NINE.replace(tzinfo=ZoneInfo("Asia/Tokyo"))), "moved", "one hour on two clocks"),
        (span(DAY), span(NINE), "moved", "its hour is known now"),
        (span(DAY), None, "cancelled", "no rule asks for it any more"),
        (None, span(DAY), "added", "a rule asks for it now"),
    ],
)
def test_what_becomes_of_a_protocol_window(before, after, effect, reason):
    standing, planned = ({"stay": one} if one else {} for one in (before, after))
    (change,) = compare_windows(standing, planned)
    assert (change.effect, change.label) == (effect, "Stay"), reason


def test_windows_come_in_the_order_of_the_plan_and_then_those_that_go():
    standing = {code: span(DAY, code=code) for code in ("gone", "stay", "rest")}
    planned = {code: span(DAY, code=code) for code in ("new", "rest", "stay")}
    assert [one.code for one in compare_windows(standing, planned)] == ["new", "rest", "stay", "gone"]


def course(subject: str, infusion: str, **more: object) -> Course:
    """Somebody whose chemotherapy begins five days before the infusion, observed for 28 days after it."""
    day = on(infusion)
    watched = (("dlt", day + timedelta(days=28)),)
    return replace(Course(subject, None, day - timedelta(days=5), day, watched), **more)


GATES = protocol(gates=(Gate("dlt", "Observation", GateBefore.PARTICIPANT, STATED, observation="dlt"),))
FIRST = course("S1", "Mon 2026-12-07")
"""Observed to Monday 4 January 2027: the next chemotherapy may begin on the 5th."""
LEFT = replace(FIRST, ended_on=on("Sun 2026-12-20"))
TOO_EARLY, FREE = "Fri 2027-01-08", "Mon 2027-01-11"
"""Infusions whose chemotherapy would begin on 3 January, and on the 6th."""


@pytest.mark.parametrize(
    ("infusion", "moved", "told", "reason"),
    [
        (TOO_EARLY, FIRST, None, "nothing moves: nobody else is touched"),
        (TOO_EARLY, course("S1", "Wed 2026-12-09"), "closed 2027-01-05, closed 2027-01-07", "two days later"),
        (TOO_EARLY, course("S1", "Sat 2026-12-05"), "closed 2027-01-05, open 2027-01-03", "two days earlier"),
        (TOO_EARLY, LEFT, "closed 2027-01-05, open 2027-01-03", "left"),
        (TOO_EARLY, replace(FIRST, observed=()), "closed 2027-01-05, closed None", "until nobody knows when"),
        (FREE, course("S1", "Tue 2026-12-08"), None, "observed a day longer: just over when S2 begins"),
        (FREE, course("S1", "Wed 2026-12-09"), "open 2027-01-06, closed 2027-01-07", "two days: not over"),
        (FREE, course("S1", "Sat 2026-12-05"), None, "open before, open after: no news"),
    ],
)  # fmt: skip
def test_whose_start_is_touched_when_another_participant_moves(infusion, moved, told, reason):
    other = course("S2", infusion)
    was, now = (Cohorts.of(GATES, (one, other)) for one in (FIRST, moved))
    found = [
        ", ".join(
            f"{'open' if one.open else 'closed'} {one.opens_on}" for one in (change.before, change.after)
        )
        for change in compare_gates(was, now, [other])
    ]
    assert found == ([told] if told else []), reason


def test_the_starts_that_are_touched_come_by_their_days():
    late, early = course("S3", "Sat 2027-01-09"), course("S2", TOO_EARLY)
    was, now = (Cohorts.of(GATES, (one,)) for one in (FIRST, course("S1", "Wed 2026-12-09")))
    found = compare_gates(was, now, [late, early])
    assert [(one.subject, one.begins) for one in found] == [("S2", early.begins), ("S3", late.begins)]
