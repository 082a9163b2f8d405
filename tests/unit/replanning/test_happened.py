"""What contradicts the protocol and happened all the same: refused, or put on record with a reason.

The trial puts chemotherapy five days before the infusion and consent before everything.
"""

from __future__ import annotations

import pytest

from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.plan.projection import project
from schedules.domain.replanning.protocol_departures import (
    Case,
    departure_sentence,
    draft_of,
    rule_on,
    standing_to_plan_anew,
)
from tests.unit.plan.small import CONDITIONING, days, on, protocol
from trials.domain.stored_sentences import facts_text

TRIAL = protocol(*CONDITIONING)
PLANNED = days(infusion="Mon 2026-12-07")
BEGUN = days(infusion="Mon 2026-12-07", ld="Wed 2026-12-02 actual")
GIVEN = days(infusion="Mon 2026-12-07 actual", ld="Wed 2026-12-02 actual")


def ruled(before, after, recorded=frozenset(), withdrawn=False):
    """The ruling on anchors that were set one way and are set another."""
    was, now = (project(TRIAL, given).anchors for given in (before, after))
    stood = frozenset((one.anchor, one.other) for one in find_contradictions(TRIAL, was, frozenset()))
    case = Case(TRIAL, was, now, stood, recorded, withdrawn)
    found = find_contradictions(TRIAL, now, frozenset())
    return rule_on(found, case), case, found


@pytest.mark.parametrize(
    ("before", "after", "outcome", "reason"),
    [
        (PLANNED, days(infusion="Wed 2026-12-09"), "", "the whole block moves: nothing contradicts"),
        (
            PLANNED,
            days(infusion="Mon 2026-12-07", ld="Thu 2026-12-03"),
            "refused",
            "a planned chemotherapy that breaks the block is planned anew instead",
        ),
        (
            PLANNED,
            days(infusion="Mon 2026-12-07", ld="Thu 2026-12-03 actual"),
            "replan infusion",
            "chemotherapy was given a day late: the planned infusion no longer fits",
        ),
        (
            BEGUN,
            days(infusion="Wed 2026-12-09", ld="Wed 2026-12-02 actual"),
            "",
            "a later infusion is a hold, not a contradiction",
        ),
        (
            BEGUN,
            days(infusion="Sun 2026-12-06", ld="Wed 2026-12-02 actual"),
            "refused",
            "an infusion is not planned earlier than its block allows",
        ),
        (
            BEGUN,
            days(infusion="Sun 2026-12-06 actual", ld="Wed 2026-12-02 actual"),
            "block infusion",
            "it was given a day early all the same: a deviation",
        ),
        (
            BEGUN,
            days(infusion="Tue 2026-12-01 actual", ld="Wed 2026-12-02 actual"),
            "refused",
            "nobody was infused before the first chemotherapy",
        ),
        (
            days(infusion="Sun 2026-12-06 actual", ld="Wed 2026-12-02 actual"),
            days(infusion="Sun 2026-12-06 actual", ld="Wed 2026-12-02 actual"),
            "",
            "it stood so on record before: nobody's to refuse any more",
        ),
        (
            GIVEN,
            {**GIVEN, **days(consent="Tue 2026-12-08")},
            "refused",
            "consent after an infusion that took place cannot be planned",
        ),
        (
            GIVEN,
            {**GIVEN, **days(consent="Tue 2026-12-08 actual")},
            "refused",
            "nor can it have been: no infusion before consent",
        ),
        (
            {**BEGUN, **days(infusion="Wed 2026-12-09", consent="Tue 2026-12-08")},
            {**GIVEN, **days(consent="Tue 2026-12-08")},
            "refused",
            "an infusion is not put on record before a consent that is still to come",
        ),
        (
            BEGUN,
            days(infusion="Mon 2026-12-07", ld="Wed 2026-12-02 actual", consent="Thu 2026-12-03 actual"),
            "order lymphodepletion-start",
            "chemotherapy before consent happened: it goes on record as a deviation",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_and_what_goes_on_record(before, after, outcome, reason):
    ruling, _, _ = ruled(before, after)
    departures = " ".join(f"{one.kind} {one.other}" for one in ruling.departures)
    assert ("refused" if ruling.refused else departures) == outcome, reason


def test_a_deviation_writes_itself_from_the_days():
    early = days(infusion="Sun 2026-12-06 actual", ld="Wed 2026-12-02 actual")
    ruling, _, _ = ruled(BEGUN, early)
    (one,) = ruling.departures
    assert departure_sentence(one, TRIAL, ahead=True) == (
        "This breaks the block: Infusion on Sunday 2026-12-06 is 1 day earlier than the protocol puts it "
        "after Lymphodepletion start on Wednesday 2026-12-02. A deviation will be drafted."
    )
    draft = draft_of(one, TRIAL, 7, " a bed was free ")
    assert (draft.occurred_on, draft.planned_on) == (on("Sun 2026-12-06"), on("Mon 2026-12-07"))
    assert draft.days == -1, "a day early"
    facts = facts_text(draft.facts)
    assert facts.startswith(departure_sentence(one, TRIAL))
    assert facts.endswith("Reason given: a bed was free")
    assert "drafted" not in facts, "what will follow is said ahead of it alone"


def test_a_planned_day_that_no_longer_fits_is_told_with_the_day_that_would():
    late = days(infusion="Mon 2026-12-07", ld="Thu 2026-12-03 actual")
    _, case, found = ruled(PLANNED, late)
    (one,) = standing_to_plan_anew(found, case)
    assert (one.drafts, one.mend) == (False, on("Tue 2026-12-08")), "nothing happened yet"
    assert departure_sentence(one, TRIAL) == (
        "Infusion on Monday 2026-12-07 no longer fits Lymphodepletion start on Thursday 2026-12-03: "
        "plan it again. Tuesday 2026-12-08 would fit."
    )


def test_taking_back_a_day_on_record_plans_nothing_and_refuses_nothing():
    early = days(infusion="Sun 2026-12-06 actual", ld="Wed 2026-12-02 actual")
    back = days(infusion="Sun 2026-12-06", ld="Wed 2026-12-02 actual")
    refused, _, _ = ruled(early, back)
    withdrawn, _, _ = ruled(early, back, withdrawn=True)
    assert refused.refused
    assert not withdrawn.refused
