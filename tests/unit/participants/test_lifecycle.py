"""The course of a participant: which step may follow which, on which day, and where it leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from participants.domain.lifecycle import (
    ENDS,
    EXTENTS,
    GOES_ON,
    MOVES,
    PHASE_LABELS,
    STEP_LABELS,
    Course,
    Extent,
    Phase,
    Step,
    StepTaken,
    first_end,
    next_steps,
    phase_of,
    refusals_of_step,
)

MONDAY = date(2026, 12, 7)
CHEMOTHERAPY = MONDAY - timedelta(days=5)
LATER = MONDAY + timedelta(days=30)


def course(*steps: Step, given: str = "", attempt: int = 1) -> Course:
    """Steps on the days after the infusion; `given` is empty, "chemotherapy" or "infusion"."""
    return Course(
        steps=[StepTaken(step, MONDAY + timedelta(days=n), attempt) for n, step in enumerate(steps, 1)],
        conditioned_on=CHEMOTHERAPY if given else None,
        infused_on=MONDAY if given == "infusion" else None,
    )


@pytest.mark.parametrize(
    ("steps", "given", "expected", "why"),
    [
        ((), "", "screening", "somebody enrolled is being screened"),
        ((), "chemotherapy", "conditioning", "the first dose was given"),
        ((), "infusion", "follow-up", "the infusion was given"),
        ((Step.SCREEN_FAILURE,), "", "screen-failed", "not eligible"),
        ((Step.SCREEN_FAILURE, Step.RESCREENING), "", "screening", "a new attempt"),
        ((Step.SCREEN_FAILURE, Step.RESCREENING, Step.SCREEN_FAILURE), "", "screen-failed", "again"),
        ((Step.SCREEN_FAILURE, Step.RESCREENING), "infusion", "follow-up", "the new attempt went well"),
        ((Step.HOLD,), "chemotherapy", "on-hold", "fever after chemotherapy"),
        ((Step.HOLD, Step.RESUMPTION), "chemotherapy", "conditioning", "the fever is gone"),
        ((Step.HOLD,), "infusion", "follow-up", "the infusion ends a hold by itself"),
        ((Step.HOLD, Step.NEVER_INFUSED), "chemotherapy", "never-infused", "the product failed"),
        ((Step.EARLY_TERMINATION,), "infusion", "terminated", "one visit is left"),
        ((Step.EARLY_TERMINATION, Step.COMPLETION), "infusion", "completed", "it was done"),
        ((Step.TRANSFER,), "infusion", "follow-up", "another site changes no phase"),
        ((Step.WITHDRAWAL, Step.DEATH), "infusion", "died", "known from the register"),
        ((Step.LOST,), "infusion", "lost", "nobody answers"),
    ],
)
def test_phase(steps, given, expected, why) -> None:
    assert phase_of(course(*steps, given=given)) is Phase(expected), why


@pytest.mark.parametrize(
    ("phase", "steps", "given", "possible"),
    [
        ("screening", (), "", "screen-failure never-infused withdrawal death transfer"),
        ("conditioning", (), "chemotherapy", "hold never-infused early-termination withdrawal death"),
        (
            "on-hold",
            (Step.HOLD,),
            "chemotherapy",
            "resumption never-infused early-termination withdrawal lost-to-follow-up death",
        ),
        (
            "follow-up",
            (),
            "infusion",
            "early-termination withdrawal lost-to-follow-up death transfer completion",
        ),
        ("screen-failed", (Step.SCREEN_FAILURE,), "", "rescreening death"),
        ("never-infused", (Step.NEVER_INFUSED,), "", "death"),
        (
            "terminated",
            (Step.EARLY_TERMINATION,),
            "infusion",
            "withdrawal lost-to-follow-up death completion",
        ),
        ("withdrawn", (Step.WITHDRAWAL,), "", "death"),
        ("lost", (Step.LOST,), "infusion", "death"),
        ("died", (Step.DEATH,), "", ""),
        ("completed", (Step.COMPLETION,), "infusion", ""),
    ],
)
def test_next_steps(phase, steps, given, possible) -> None:
    now = course(*steps, given=given)
    assert phase_of(now) is Phase(phase)
    assert [step.value for step in next_steps(now)] == possible.split()


def test_the_table_is_whole() -> None:
    assert set(MOVES) == set(Step) == set(STEP_LABELS)
    assert set(PHASE_LABELS) == set(Phase) == ENDS | GOES_ON
    reached = {move.to for move in MOVES.values()} | {Phase.CONDITIONING, Phase.REPEATING, Phase.FOLLOW_UP}
    reached |= {StepTaken(Step.EARLY_TERMINATION, MONDAY, ends=Extent.TREATMENT).to}
    assert set(EXTENTS) == {step for step, move in MOVES.items() if move.to in ENDS}
    assert reached - {None} == set(Phase), "every phase is reached by a step or by treatment"


@pytest.mark.parametrize(
    ("step", "on", "reason", "live", "fields", "why"),
    [
        (Step.WITHDRAWAL, LATER, "moves away", 9, [], "possible"),
        (Step.WITHDRAWAL, LATER + timedelta(days=1), "x", 0, ["on"], "tomorrow"),
        (Step.WITHDRAWAL, MONDAY - timedelta(days=1), "x", 0, ["on"], "before the infusion"),
        (Step.WITHDRAWAL, MONDAY, "x", 0, [], "on the day of the infusion"),
        (Step.WITHDRAWAL, LATER, "  ", 0, ["reason"], "without a word"),
        (Step.DEATH, LATER, "", 0, [], "death needs no reason"),
        (Step.COMPLETION, LATER, "", 1, ["step"], "a visit is still to be recorded"),
        (Step.COMPLETION, LATER, "", 0, [], "nothing is left"),
        (Step.SCREEN_FAILURE, LATER, "x", 0, ["step"], "nobody who was infused fails screening"),
        (Step.RESCREENING, LATER, "x", 0, ["step"], "nor is screened again"),
    ],
)
def test_refusals(step, on, reason, live, fields, why) -> None:
    found = list(refusals_of_step(course(given="infusion"), step, on, LATER, reason=reason, live_visits=live))
    assert [refusal.field for refusal in found] == fields, why
    assert all(refusal.message % refusal.values for refusal in found)


def test_time_does_not_run_backwards_between_steps() -> None:
    now = course(Step.WITHDRAWAL, given="infusion")
    (refusal,) = refusals_of_step(now, Step.DEATH, MONDAY, LATER)
    assert (refusal.field, refusal.values["other"]) == ("on", MONDAY + timedelta(days=1))


def test_a_death_may_have_been_before_somebody_was_given_up_as_lost() -> None:
    """It becomes known in April that somebody died in March whom nobody reached any more."""
    lost = StepTaken(Step.LOST, MONDAY + timedelta(days=30))
    now = Course(steps=[lost], infused_on=MONDAY, last_visit_on=MONDAY + timedelta(days=7))
    today = MONDAY + timedelta(days=60)
    assert not list(refusals_of_step(now, Step.DEATH, MONDAY + timedelta(days=20), today))
    (refusal,) = refusals_of_step(now, Step.DEATH, MONDAY + timedelta(days=6), today)
    assert refusal.values["other"] == MONDAY + timedelta(days=7), "not before a visit that was done"
    died = replace(now, steps=[lost, StepTaken(Step.DEATH, MONDAY + timedelta(days=20))])
    assert (phase_of(died), died.study_ended_on) == (Phase.DIED, MONDAY + timedelta(days=20))


@pytest.mark.parametrize(
    ("ends", "phase", "treatment_ended", "study_ended"),
    [
        (Extent.TREATMENT, Phase.OFF_TREATMENT, True, False),
        (Extent.VISITS, Phase.TERMINATED, True, False),
        (Extent.CONTACT, Phase.TERMINATED, True, True),
        (None, Phase.TERMINATED, True, False),
    ],
)
def test_an_end_says_what_it_ends(ends, phase, treatment_ended, study_ended) -> None:
    taken = StepTaken(Step.EARLY_TERMINATION, LATER, ends=ends)
    now = Course(steps=[taken], infused_on=MONDAY)
    assert phase_of(now) is phase
    assert (now.treatment_ended_on is not None, now.study_ended_on is not None) == (
        treatment_ended,
        study_ended,
    )


def test_the_end_of_treatment_and_the_end_of_the_study_are_two_days() -> None:
    treatment = StepTaken(Step.EARLY_TERMINATION, MONDAY, ends=Extent.TREATMENT)
    now = Course(steps=[treatment], infused_on=MONDAY)
    possible = "early-termination withdrawal lost-to-follow-up death transfer completion"
    assert [step.value for step in next_steps(now)] == possible.split()
    assert first_end([treatment]) is None, "the visits go on"
    assert first_end([StepTaken(Step.HOLD, MONDAY)], treatment=True) is None, "a hold ends nothing"
    over = replace(now, steps=[treatment, StepTaken(Step.COMPLETION, LATER)])
    assert (phase_of(over), over.treatment_ended_on, over.study_ended_on) == (Phase.COMPLETED, MONDAY, LATER)
    (refusal,) = refusals_of_step(
        now, Step.EARLY_TERMINATION, LATER, LATER, ends=Extent.TREATMENT, reason="again"
    )
    assert refusal.field == "ends", "treatment ends once"
    (refusal,) = refusals_of_step(now, Step.DEATH, LATER, LATER, ends=Extent.VISITS)
    assert refusal.field == "ends", "a death ends everything"


def test_an_early_end_may_be_dated_before_a_visit_that_took_place_after_it() -> None:
    """Dating the end later, as it was asked, would falsify it."""
    now = replace(course(given="infusion"), last_visit_on=LATER)
    for step in (Step.EARLY_TERMINATION, Step.WITHDRAWAL, Step.LOST):
        assert not list(refusals_of_step(now, step, MONDAY, LATER, reason="adverse event"))
    for step in (Step.COMPLETION, Step.DEATH):
        assert [refusal.field for refusal in refusals_of_step(now, step, MONDAY, LATER)] == ["on"]


def test_attempts_are_counted() -> None:
    assert Course().attempt == 1
    assert course(Step.SCREEN_FAILURE, Step.RESCREENING, attempt=2).attempt == 2
    assert course(Step.SCREEN_FAILURE).ended_on == MONDAY + timedelta(days=1)
    assert course(Step.TRANSFER, given="infusion").ended_on is None
