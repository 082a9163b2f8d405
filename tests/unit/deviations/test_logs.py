"""Who was screened with which outcome, and who was enrolled by what."""

from __future__ import annotations

from datetime import date

import pytest

from participants.domain.lifecycle import Step
from schedules.domain.deviations.trial_logs import Enrolled, StepOnRecord, attempts_of, end_of, enrolled_of
from trials.formats.protocols import library

SINCE, FAILED, AGAIN, IN, OUT = (date(2026, month, 2) for month in (1, 2, 3, 4, 5))
FAILURE = StepOnRecord(Step.SCREEN_FAILURE, FAILED, 1, "LVEF below 50%")
RESCREENED = StepOnRecord(Step.RESCREENING, AGAIN, 2, "treated since")
WITHDRAWN = StepOnRecord(Step.WITHDRAWAL, OUT, 1, "no longer wishes")
DAY = Enrolled(IN, "enrolment")


@pytest.mark.parametrize(
    ("steps", "enrolled", "rows", "why"),
    [
        ([], None, [(1, SINCE, "In screening", None, "")], "nothing has come of it yet"),
        ([FAILURE], None, [(1, SINCE, "Screen failure", FAILED, "LVEF below 50%")], "failed, and why"),
        (
            [FAILURE, RESCREENED],
            None,
            [(1, SINCE, "Screen failure", FAILED, "LVEF below 50%"), (2, AGAIN, "In screening", None, "")],
            "every attempt is a line of its own",
        ),
        (
            [FAILURE, RESCREENED],
            DAY,
            [(1, SINCE, "Screen failure", FAILED, "LVEF below 50%"), (2, AGAIN, "Enrolled", IN, "")],
            "the second attempt led in",
        ),
        (
            [StepOnRecord(Step.HOLD, OUT, 1, "fever"), StepOnRecord(Step.RESUMPTION, OUT, 2, "fever")],
            DAY,
            [(1, SINCE, "Enrolled", IN, "")],
            "chemotherapy that is repeated is no attempt at screening",
        ),
        ([], DAY, [(1, SINCE, "Enrolled", IN, "")], "enrolled"),
        ([WITHDRAWN], DAY, [(1, SINCE, "Enrolled", IN, "")], "what came after the enrolment is no outcome"),
        ([WITHDRAWN], None, [(1, SINCE, "Withdrawal", OUT, "no longer wishes")], "withdrew while screened"),
    ],
)
def test_attempts_at_screening(steps, enrolled, rows, why) -> None:
    found = [(a.attempt, a.since, a.outcome, a.on, a.reason) for a in attempts_of(steps, SINCE, enrolled)]
    assert found == rows, why


@pytest.mark.parametrize(
    ("actual", "on", "anchor"),
    [
        ({}, None, ""),
        ({"consent": SINCE, "screening": SINCE}, None, ""),
        ({"enrolment": IN, "lymphodepletion-start": OUT}, IN, "enrolment"),
        ({"infusion": OUT, "lymphodepletion-start": IN}, IN, "lymphodepletion-start"),
        ({"infusion": OUT}, OUT, "infusion"),
    ],
)
def test_enrolment_by_its_day_or_by_treatment(actual, on, anchor) -> None:
    found = enrolled_of(library.load_named("CART-SLE").protocol, actual)
    assert (found and found.on, found.anchor if found else "") == (on, anchor)
    assert found is None or found.on_record == (anchor == "enrolment")


def test_the_step_that_ended_a_course() -> None:
    assert end_of([]) is None
    assert end_of([FAILURE]) is FAILURE
    assert end_of([FAILURE, RESCREENED]) is None
