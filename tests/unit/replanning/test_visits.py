"""What a new plan does to the visits that stand: nothing moves unseen, and nothing done moves at all.

Day zero stands on Monday 7 December 2026. D14, two days early or late, is then due on Monday the
21st, from Saturday the 19th to Wednesday the 23rd.
"""

from __future__ import annotations

from typing import Any

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.values import Plan, PlannedVisit
from schedules.domain.replanning.visit_effects import Effect, VisitChange, compare_visits
from schedules.domain.visits.visit import VisitState
from tests.unit.plan.small import (
    CLINIC,
    CONDITIONING,
    at,
    days,
    on,
    protocol,
    visit,
    within,
)
from trials.domain.protocols.protocol import ASSUMED, Activity, Protocol

STANDS, LATER, EARLIER = "Mon 2026-12-07", "Wed 2026-12-09", "Sat 2026-12-05"
TODAY = on("Tue 2026-12-01")
D14 = protocol(visit("d14", at("P14D", "P2D")))
BLOCK = protocol(*CONDITIONING)

GONE = {"cancelled_on": TODAY, "applies": False}


def stands(planned: PlannedVisit, **facts: Any) -> VisitState:
    """A visit as it was planned, with what is on record of it."""
    return VisitState.of_plan(planned)._replace(**facts)


def moved(
    trial: Protocol, to: str, today: str = "Tue 2026-12-01", closed: frozenset = frozenset(), **facts: object
) -> VisitChange:
    """What becomes of the one visit of a trial when its day zero moves."""
    (planned,) = project(trial, days(infusion=STANDS)).visits
    (change,) = compare_visits(
        [stands(planned, **facts)], project(trial, days(infusion=to)), on(today), closed
    )
    return change


@pytest.mark.parametrize(
    ("to", "today", "facts", "effects", "reason"),
    [
        (STANDS, "Tue 2026-12-01", {}, "unchanged", "the same day zero moves nothing"),
        (LATER, "Tue 2026-12-01", {}, "moved", "two days later, nobody booked yet"),
        (STANDS, "Tue 2026-12-22", {}, "unchanged", "past the target before and after: no news"),
        (EARLIER, "Sat 2026-12-19", {}, "moved", "due today, on its new target"),
        (EARLIER, "Sun 2026-12-20", {}, "now-late moved", "the morrow of the new target"),
        (EARLIER, "Mon 2026-12-21", {}, "now-late moved", "the last day of the new window"),
        (EARLIER, "Tue 2026-12-22", {}, "now-missed moved", "the new window closed yesterday"),
        (LATER, "Tue 2026-12-01", {"booked": "Tue 2026-12-22"}, "moved", "both windows hold the booking"),
        (LATER, "Tue 2026-12-01", {"booked": "Mon 2026-12-21"}, "moved", "the new window opens that day"),
        (LATER, "Tue 2026-12-01", {"booked": "Sun 2026-12-20"}, "booking-outside moved", "the eve of it"),
        (EARLIER, "Tue 2026-12-01", {"booked": "Tue 2026-12-22"}, "booking-outside moved", "closed by then"),
        (LATER, "Tue 2026-12-01", {"booked": "Thu 2026-12-31"}, "still-outside moved", "outside either way"),
        (STANDS, "Tue 2026-12-01", {"booked": "Thu 2026-12-31"}, "unchanged", "outside, and no news of it"),
        (EARLIER, "Sun 2026-12-20", {"booked": "Thu 2026-12-31"}, "still-outside now-late moved", "and late"),
        (LATER, "Tue 2026-12-01", {"booked": "Thu 2026-12-24"}, "moved", "the new window holds it at last"),
        (LATER, "Thu 2026-12-31", {"performed_on": "Tue 2026-12-22"}, "kept", "on time either way"),
        (LATER, "Thu 2026-12-31", {"performed_on": "Sat 2026-12-19"}, "done-early", "on time before"),
        (EARLIER, "Thu 2026-12-31", {"performed_on": "Wed 2026-12-23"}, "done-late", "on time before"),
        (LATER, "Thu 2026-12-31", {"performed_on": "Thu 2026-12-24"}, "kept", "late before, on time now"),
        (STANDS, "Thu 2026-12-31", {"performed_on": "Thu 2026-12-24"}, "unchanged", "late, and stays so"),
        (LATER, "Thu 2026-12-31", {"missed_on": TODAY}, "kept", "missed stays missed, with its new window"),
        (STANDS, "Thu 2026-12-31", {"missed_on": TODAY}, "unchanged", "nothing to say of it"),
        (LATER, "Tue 2026-12-01", {"cancelled_on": TODAY}, "kept", "cancelled by a person, not by a plan"),
        (LATER, "Tue 2026-12-01", {"unscheduled": True}, "unchanged", "it hangs on no day zero"),
        (LATER, "Tue 2026-12-01", {**GONE}, "added", "the plan asks for it again"),
        (LATER, "Tue 2026-12-01", {**GONE, "booked": "Sun 2026-12-20"},
         "booking-outside added", "it comes back with the booking it had, which nobody looked at since"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_visit(to, today, facts, effects, reason):
    given = {name: on(value) if isinstance(value, str) else value for name, value in facts.items()}
    given |= {"booked_on": given.pop("booked")} if "booked" in given else {}
    change = moved(D14, to, today, **given)
    assert " ".join(change.effects) == effects, reason
    assert change.performed_on == given.get("performed_on"), "what was done stays where it is"
    assert change.booked_on == given.get("booked_on"), "no booking moves by itself"


def test_what_was_done_besides_the_plan_stays_as_recorded():
    (planned,) = project(D14, days(infusion=STANDS)).visits
    extra = stands(planned, code="extra", unscheduled=True, performed_on=on("Mon 2026-12-21"))
    changes = compare_visits([extra], project(D14, days(infusion=LATER)), TODAY)
    assert {one.code: one.effects for one in changes} == {
        "extra": (Effect.RETAINED,),
        "d14": (Effect.ADDED,),
    }


@pytest.mark.parametrize(
    ("to", "booked", "effects", "orphan", "reason"),
    [
        (STANDS, "Tue 2026-12-22", "booking-closed", True, "the site shuts that day: the window stays"),
        (LATER, "Tue 2026-12-22", "booking-closed moved", True, "before what only moves"),
        (LATER, "Sat 2026-12-19", "booking-outside moved", True, "open that day, but outside"),
        (LATER, "Mon 2026-12-21", "moved", False, "another day than the one that is shut"),
        (LATER, "Thu 2026-12-31", "still-outside moved", False, "outside before: no window let go of it now"),
    ],
)  # fmt: skip
def test_a_booking_on_a_day_that_is_closed_now(to, booked, effects, orphan, reason):
    change = moved(D14, to, closed=frozenset({on("Tue 2026-12-22")}), booked_on=on(booked))
    assert " ".join(change.effects) == effects, reason
    assert change.orphans_booking is orphan, reason


@pytest.mark.parametrize("ended", ["performed_on", "missed_on", "cancelled_on"])
def test_a_visit_that_has_ended_has_no_booking_to_lose(ended):
    shut = frozenset({on("Tue 2026-12-22")})
    done = moved(D14, LATER, "Thu 2026-12-31", shut, booked_on=min(shut), **{ended: min(shut)})
    assert done.effects == (Effect.RETAINED,)
    assert not done.orphans_booking


@pytest.mark.parametrize(
    ("to", "done", "effects", "repeat", "reason"),
    [
        (STANDS, "Mon 2026-11-09", "unchanged", (), "the first of the 28 days before day zero"),
        (LATER, "Mon 2026-11-09", "expired", ("Blood count",), "30 days before it now: too old"),
        (LATER, "Wed 2026-11-11", "kept", (), "28 days before it now: just valid"),
        (EARLIER, "Mon 2026-11-30", "done-late", (), "five days before it now: too near, not too old"),
    ],
)  # fmt: skip
def test_a_screening_that_expired_says_what_is_to_be_repeated(to, done, effects, repeat, reason):
    rows = (
        Activity("count", "Blood count", ("screening",), ASSUMED, repeat_when_expired=True),
        Activity("serology", "Serology", ("screening",), ASSUMED),
        Activity("growth", "Growth", ("screening",), ASSUMED, ("minor",), repeat_when_expired=True),
        Activity("ecg", "ECG", ("d14",), ASSUMED, repeat_when_expired=True),
    )
    screening = protocol(visit("screening", within("-P28D", "-P7D")), activities=rows)
    change = moved(screening, to, "Tue 2026-12-01", performed_on=on(done))
    assert (" ".join(change.effects), change.repeat) == (effects, repeat), reason


@pytest.mark.parametrize(
    ("facts", "effects", "reason"),
    [
        ({}, "cancelled", "nothing asks for it any more"),
        ({"performed_on": on("Mon 2026-12-21")}, "kept", "it happened, whoever asked for it"),
        ({"missed_on": TODAY}, "kept", "it ended before"),
        ({"cancelled_on": TODAY}, "kept", "a second cancellation is none"),
        ({"unscheduled": True}, "unchanged", "no plan ever asked for it"),
    ],
)
def test_a_visit_that_the_plan_has_no_longer(facts, effects, reason):
    (planned,) = project(D14, days(infusion=STANDS)).visits
    plan = project(protocol(), days(infusion=STANDS))
    (change,) = compare_visits([stands(planned, **facts)], plan, TODAY)
    assert " ".join(change.effects) == effects, reason


@pytest.mark.parametrize(
    ("today", "effects", "reason"),
    [
        ("Wed 2026-12-23", "added", "it can still be done on time, today at the latest"),
        ("Thu 2026-12-24", "now-missed added", "its window closed before anybody asked for it"),
    ],
)
def test_a_visit_that_is_asked_for_now(today, effects, reason):
    plan = project(D14, days(infusion=STANDS))
    (new,) = compare_visits([], plan, on(today))
    assert (" ".join(new.effects), new.before) == (effects, None), reason
    back = stands(plan.visits[0], **GONE)
    (again,) = compare_visits([back], plan, on(today))
    assert (" ".join(again.effects), again.before) == (effects, None), f"brought back: {reason}"


def test_another_working_day_is_said_where_the_window_stays():
    rule = protocol(visit("d14", at("P14D", "P2D")))
    without = project(rule, days(infusion="Wed 2026-02-11"))
    within_reach = project(rule, days(infusion="Wed 2026-02-11"), calendar=CLINIC)
    (planned,) = within_reach.visits
    (unsaid,) = compare_visits([stands(without.visits[0])], without, TODAY)
    assert unsaid.effects == (Effect.UNCHANGED,)
    other = stands(planned, suggested=planned.suggested and planned.window.closes)
    (said,) = compare_visits([other], within_reach, on("Sun 2026-02-01"))
    assert said.effects == (Effect.SUGGESTED,)
    assert said.suggested == (planned.window.closes, planned.suggested)


def _effects(plan: Plan, done: dict[str, str], to: Plan, today: str) -> dict[str, str]:
    """Effects by visit, of a plan that stands with these visits done, under another plan."""
    rows = [stands(one, performed_on=on(done[one.code]) if one.code in done else None) for one in plan.visits]
    return {change.code: " ".join(change.effects) for change in compare_visits(rows, to, on(today))}


LD = {"ld-1": "Wed 2026-12-02", "ld-2": "Thu 2026-12-03", "ld-3": "Fri 2026-12-04"}


def test_a_block_moves_whole_while_nothing_of_it_is_done():
    plan = project(BLOCK, days(infusion=STANDS))
    found = _effects(plan, {}, project(BLOCK, days(infusion=LATER)), "Tue 2026-12-01")
    assert found == dict.fromkeys(("ld-1", "ld-2", "ld-3", "rest", "d0"), "moved")


def test_a_slip_after_chemotherapy_keeps_what_was_given_and_lengthens_the_rest():
    plan = project(BLOCK, days(infusion=STANDS, ld="Wed 2026-12-02 actual"))
    slipped = project(BLOCK, days(infusion=LATER, ld="Wed 2026-12-02 actual"))
    found = _effects(plan, LD, slipped, "Fri 2026-12-04")
    assert found == {
        **dict.fromkeys(LD, "chemotherapy-given"),
        "rest": "block-broken moved",
        "d0": "moved",
    }


@pytest.mark.parametrize(
    ("trial", "done", "broken", "reason"),
    [
        (BLOCK, "ld-1", "ld-1 ld-2 ld-3 rest d0", "the first dose was given on what is no longer its day"),
        (BLOCK, "", "", "nothing of it is done: it moves whole"),
        (protocol(*CONDITIONING[:1]), "ld-1", "ld-1 ld-2 ld-3 rest d0", "one dose given, the infusion goes"),
        (protocol(*CONDITIONING[1:]), "ld-1", "ld-2 ld-3 rest d0", "the dose that was given stays as it is"),
        (protocol(*CONDITIONING[1:]), "", "", "no chemotherapy is asked for, and none was given"),
    ],
)  # fmt: skip
def test_a_block_is_broken_where_a_part_is_done_and_the_rest_leaves_it(trial, done, broken, reason):
    plan = project(BLOCK, days(infusion=STANDS))
    to = project(trial, days(infusion=LATER))
    found = _effects(plan, {code: LD[code] for code in done.split()}, to, "Fri 2026-12-04")
    assert {code for code, effects in found.items() if "block-broken" in effects} == set(broken.split()), (
        reason
    )


def test_the_gravest_comes_first_and_else_the_order_of_the_visits():
    rules = [visit(f"d{n}", at(f"P{n}D", "P2D")) for n in (7, 14, 21)]
    plan = project(protocol(*rules), days(infusion=STANDS))
    rows = [stands(one) for one in plan.visits]
    rows[1] = stands(plan.visits[1], booked_on=on("Sat 2026-12-19"))
    later = project(protocol(*rules), days(infusion=LATER))
    assert [change.code for change in compare_visits(rows, later, TODAY)] == ["d14", "d7", "d21"]
    assert [change.days for change in compare_visits(rows, later, TODAY)] == [2, 2, 2]
