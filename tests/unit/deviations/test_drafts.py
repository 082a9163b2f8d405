"""What the record of a visit shows as deviations, and when what a person says of one is complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from schedules.domain.deviations.drafts import (
    Assessment,
    DeviationKind,
    DeviationState,
    Lapse,
    LeftActivity,
    RecordedVisit,
    drafts_of_visit,
    refusals_of_assessment,
    state_of,
    why_lapsed,
)
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.visit import UNSCHEDULED, VisitState
from trials.domain.stored_sentences import facts_text
from trials.formats.protocols import library

PROTOCOL = library.load("NCT07193667")
# D28 of an infusion on Monday 7 December 2026: due on 4 January 2027, from 1 to 7 January.
WINDOW = VisitWindow(date(2027, 1, 1), date(2027, 1, 4), date(2027, 1, 7))
RULE = PROTOCOL.visit_by_code["d28"]
INFUSED = {"infusion": AnchorDay(date(2026, 12, 7), AnchorKind.ACTUAL)}
(D28,) = (visit for visit in project(PROTOCOL, INFUSED).visits if visit.code == "d28")
VISIT = VisitState.of_plan(D28).within(WINDOW)
ADDED = {"unscheduled": True, "rule_code": UNSCHEDULED}
IN_A_BLOCK = {"rule": replace(RULE, block="conditioning")}
PLANNED = {"anchor_kind": "planned", "anchor_on": date(2027, 1, 20)}
"""Day zero may still move: it is planned, and to come."""


def recorded(today: date = date(2027, 1, 9), **changes: Any) -> RecordedVisit:
    """The visit with this on record, on a day."""
    own = {name: changes.pop(name) for name in ("left", "missed_reason", "consented_on") if name in changes}
    return RecordedVisit(VISIT._replace(**changes), today=today, **own)


FIRST, LAST, LATE, EARLY = date(2027, 1, 1), date(2027, 1, 7), date(2027, 1, 9), date(2026, 12, 30)
ECG = LeftActivity("ecg", "Electrocardiogram", "the machine was broken")


@pytest.mark.parametrize(
    ("changes", "today", "kind", "occurred", "days", "why"),
    [
        ({"performed_on": FIRST}, LATE, None, None, None, "the first day is inside"),
        ({"performed_on": LAST}, LATE, None, None, None, "the last day is inside"),
        ({"performed_on": EARLY}, LATE, "outside-window", EARLY, -2, "two days before it opened"),
        ({"performed_on": LATE}, LATE, "outside-window", LATE, 2, "two days after it closed"),
        ({"performed_on": LATE, **IN_A_BLOCK}, LATE, "block-broken", LATE, 2, "a block holds its shape"),
        ({"performed_on": LATE, **ADDED}, LATE, None, None, None, "an added visit has no window"),
        ({"performed_on": LATE, **PLANNED}, LATE, None, None, None, "day zero may still move again"),
        (
            {"performed_on": LATE, **PLANNED, "outside_reason": "ill"},
            LATE,
            "outside-window",
            LATE,
            2,
            "it was outside when it was done, whatever day zero does",
        ),
        ({}, LAST, None, None, None, "the last day is not over"),
        ({}, date(2027, 1, 8), "unrecorded", LAST, None, "the morrow: nothing was recorded"),
        ({"held_on": FIRST}, LATE, None, None, None, "a hold stops the window"),
        ({"cancelled_on": FIRST}, LATE, None, None, None, "nobody asks for it"),
        ({"anchor_kind": "planned"}, LATE, None, None, None, "the infusion has not happened: nothing closed"),
        ({**PLANNED}, LATE, "unrecorded", LAST, None, "it comes before its base, which is ahead"),
        ({"missed_on": LATE}, LATE, "missed", LAST, None, "it could have been done until it closed"),
        ({"missed_on": FIRST}, LATE, "missed", FIRST, None, "known before it closed"),
    ],
)
def test_a_visit_has_at_most_one_deviation_of_its_time(changes, today, kind, occurred, days, why) -> None:
    drafts = list(drafts_of_visit(recorded(today, **changes), "visit:7"))
    assert [draft.kind for draft in drafts] == ([kind] if kind else []), why
    for draft in drafts:
        assert (draft.occurred_on, draft.days) == (occurred, days), why
        assert (draft.planned_on, draft.opens, draft.closes) == (WINDOW.target, FIRST, LAST), why


@pytest.mark.parametrize(("consented", "kinds"), [(FIRST, []), (LAST, []), (LATE, ["consent"])])
def test_a_visit_on_the_very_day_of_the_consent_is_not_before_it(consented, kinds) -> None:
    visit = recorded(LATE, performed_on=LAST, consented_on=consented)
    drafts = [draft for draft in drafts_of_visit(visit, "visit:7") if draft.kind is DeviationKind.CONSENT]
    assert [draft.about.rpartition(":")[2] for draft in drafts] == kinds


def test_every_activity_left_is_one_deviation_and_an_exact_day_none_of_a_range() -> None:
    left = [ECG, replace(ECG, code="ct", label="CT")]
    visit = recorded(LATE, performed_on=LAST, timing="within", left=left)
    first, second = drafts_of_visit(visit, "visit:7")
    assert first.key == "visit:7:activity:ecg:2027-01-07"
    assert facts_text(first.facts) == "Electrocardiogram: the machine was broken"
    assert (first.kind, first.actual_on, first.planned_on) == (DeviationKind.ACTIVITY, LAST, None)
    assert second.key != first.key
    assert not list(drafts_of_visit(recorded(LAST, timing="within", left=left), "visit:7"))


def test_the_same_facts_have_the_same_key_and_others_another() -> None:
    def key(**changes: Any) -> str:
        return next(drafts_of_visit(recorded(LATE, **changes), "visit:7")).key

    assert key(performed_on=LATE) == key(performed_on=LATE, outside_reason="said later")
    moved = VisitWindow(*(day.replace(day=day.day - 1) for day in (date(2027, 1, 2), *WINDOW[1:])))
    keys = [key(performed_on=LATE), key(performed_on=EARLY), key(performed_on=LATE, **moved._asdict())]
    keys += [key(), key(missed_on=LATE)]
    assert len(set(keys)) == len(keys)
    assert {text.rpartition(":")[0] for text in keys} == {"visit:7:time"}


@pytest.mark.parametrize(
    ("kind", "changes", "lapse"),
    [
        (DeviationKind.OUTSIDE, {}, Lapse.RECORD_WITHDRAWN),
        (DeviationKind.OUTSIDE, {"performed_on": LAST}, Lapse.INSIDE),
        (DeviationKind.OUTSIDE, {"missed_on": LATE}, Lapse.REPLACED),
        (DeviationKind.BLOCK, {"performed_on": EARLY}, Lapse.REPLACED),
        (DeviationKind.MISSED, {"cancelled_on": FIRST}, Lapse.CANCELLED),
        (DeviationKind.MISSED, {"performed_on": LAST}, Lapse.REPLACED),
        (DeviationKind.UNRECORDED, {"performed_on": LAST}, Lapse.RECORDED),
        (DeviationKind.UNRECORDED, {}, Lapse.REOPENED),
        (DeviationKind.ACTIVITY, {"performed_on": LAST}, Lapse.DONE),
        (DeviationKind.ACTIVITY, {}, Lapse.RECORD_WITHDRAWN),
    ],
)
def test_why_it_is_no_longer_so(kind, changes, lapse) -> None:
    assert why_lapsed(kind, recorded(LATE, **changes)) is lapse


FULL = Assessment("came late", "minor", False, False, True)
GRAVE = replace(FULL, classification="important", cause="a strike", action="taught again")


@pytest.mark.parametrize(
    ("said", "refused", "why"),
    [
        (Assessment(), [], "everything may wait without a class"),
        (Assessment(description="came late"), [], "described and not classified yet"),
        (FULL, [], "minor: described, with the three answers"),
        (GRAVE, [], "important: with cause and action"),
        (replace(FULL, description="  "), ["description"], "blanks describe nothing"),
        (replace(FULL, affects_rights=None), ["affects_rights"], "each is answered yes or no"),
        (replace(GRAVE, affects_data=False), ["classification"], "important, and affects nothing"),
        (replace(GRAVE, cause=""), ["cause"], "important without a cause"),
        (replace(GRAVE, action=" "), ["action"], "important without an action"),
        (replace(FULL, reported_to_sponsor_on=LATE), [], "reported on the day itself"),
        (replace(FULL, reported_to_sponsor_on=LAST), ["reported_to_sponsor_on"], "before it occurred"),
        (replace(FULL, reported_to_ethics_on=date(2027, 1, 11)), ["reported_to_ethics_on"], "tomorrow"),
    ],
)
def test_what_a_class_needs(said, refused, why) -> None:
    found = list(refusals_of_assessment(said, occurred_on=LATE, today=date(2027, 1, 10)))
    assert [refusal.field for refusal in found] == refused, why
    assert all(refusal.message % refusal.values for refusal in found)


def test_where_a_deviation_stands() -> None:
    assert state_of(withdrawn=True, lapsed=True, classified=True) is DeviationState.WITHDRAWN
    assert state_of(withdrawn=False, lapsed=True, classified=True) is DeviationState.LAPSED
    assert state_of(withdrawn=False, lapsed=False, classified=True) is DeviationState.CLASSIFIED
    assert state_of(withdrawn=False, lapsed=False, classified=False) is DeviationState.DRAFT
