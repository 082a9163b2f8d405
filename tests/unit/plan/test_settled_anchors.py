"""What was decided before the point of no return does not move with the infusion.

Chemotherapy begins on Wednesday 2026-07-08, for an infusion on Monday the 13th that slips.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schedules.domain.plan.anchors import resolve_anchors
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known
from tests.unit.plan.small import CHEMOTHERAPY, anchor, on, protocol
from trials.formats.protocols.library import codes, load

INFUSION = on("Mon 2026-07-13")
GIVEN = AnchorDay(on("Wed 2026-07-08"), AnchorKind.ACTUAL)


def resolved(trial, days: int, *, given: AnchorDay = GIVEN, kind=AnchorKind.PLANNED, known=None):
    anchors = {"infusion": AnchorDay(INFUSION + timedelta(days=days), kind)}
    if any(rule.code == CHEMOTHERAPY for rule in trial.anchors):
        anchors[CHEMOTHERAPY] = given
    return resolve_anchors(trial, anchors, with_chemotherapy(trial), known or Known())


def with_chemotherapy(trial) -> frozenset[str]:
    """Traits of somebody who is given chemotherapy."""
    rule = trial.anchor_by_code.get(CHEMOTHERAPY)
    return frozenset(rule.applies_to if rule else ())


@pytest.mark.parametrize("code", codes())
@pytest.mark.parametrize("days", [1, 3, 14, 60])
@pytest.mark.parametrize("kind", [AnchorKind.PLANNED, AnchorKind.ACTUAL])
def test_a_slip_after_chemotherapy_leaves_what_was_decided_before_it(code, days, kind):
    trial = load(code)
    if CHEMOTHERAPY not in trial.anchor_by_code:
        pytest.skip("the infusion itself is the point of no return")
    before, after = resolved(trial, 0), resolved(trial, days, kind=kind)
    settled = [rule.code for rule in trial.anchors if rule.derived and CHEMOTHERAPY in rule.not_after]
    assert settled
    for one in settled:
        assert after[one].day == before[one].day <= GIVEN.day, one


@pytest.mark.parametrize("code", codes())
def test_before_the_start_what_is_derived_moves_with_the_infusion(code):
    trial = load(code)
    anchors = {"infusion": AnchorDay(INFUSION)}
    later = {"infusion": AnchorDay(INFUSION + timedelta(days=3))}
    first, second = (
        resolve_anchors(trial, given, with_chemotherapy(trial), Known()) for given in (anchors, later)
    )
    for rule in trial.anchors:
        if rule.derived:
            assert second[rule.code].day - first[rule.code].day == timedelta(days=3), rule.code


def test_a_kept_pregnancy_test_keeps_its_window_through_the_hold():
    trial = load("NCT07193667")
    spans = []
    for days in (0, 3):
        anchors = {"infusion": AnchorDay(INFUSION + timedelta(days=days)), CHEMOTHERAPY: GIVEN}
        plan = project(trial, anchors, frozenset({"childbearing_potential"}))
        spans.append({one.rule.code: (one.starts, one.ends) for one in plan.windows})
    assert spans[0]["hcg-before-enrolment"] == (on("Tue 2026-06-30"), on("Tue 2026-07-07"))
    decided = [one.code for one in trial.windows if "enrolment" in repr(one.starts)]
    assert {code: spans[0][code] for code in decided} == {code: spans[1][code] for code in decided}
    assert spans[0]["contraception"] != spans[1]["contraception"], "what follows the infusion moves with it"


def test_a_repeated_block_leaves_what_was_decided_before_the_first():
    trial = load("NCT07193667")
    known = Known(begun={CHEMOTHERAPY: GIVEN})
    again = resolved(trial, 40, given=AnchorDay(on("Mon 2026-08-17")), known=known)
    assert again["enrolment"].day == on("Tue 2026-07-07")


ORDER = (
    anchor("enrolment", "infusion", "-P1D", not_after=("consented", "infusion")),
    anchor("consented", "infusion", "-P1D", not_after=(CHEMOTHERAPY,)),
    anchor(CHEMOTHERAPY, point_of_no_return=True),
    anchor("infusion"),
)


def test_what_no_rule_counts_back_to_comes_no_later_than_the_start():
    """Chemotherapy that hangs on nothing: the derived days stay where they are, or on its day."""
    trial = protocol(anchors=ORDER)
    days = {code: one.day for code, one in resolved(trial, 0).items()}
    assert days["consented"] == days["enrolment"] == date(2026, 7, 8)
