"""A product on its way: what may follow what, and when it is expected to be ready."""

from __future__ import annotations

from datetime import date

import pytest

from participants.domain.product import (
    Milestone,
    MilestoneDay,
    Product,
    ProductState,
    expected,
    next_milestones,
    ready_on,
    refusals_of_expectation,
    refusals_of_milestone,
)

M = Milestone
TODAY = date(2026, 11, 23)  # a Monday


def nov(day: int) -> date:
    return date(2026, 11, day)


def dec(day: int) -> date:
    return date(2026, 12, day)


def done(milestone: Milestone, day: date, attempt: int = 1) -> MilestoneDay:
    return MilestoneDay(milestone, attempt, done_on=day)


def due(milestone: Milestone, day: date, attempt: int = 1) -> MilestoneDay:
    return MilestoneDay(milestone, attempt, expected_on=day)


def product(*days: MilestoneDay) -> Product:
    return Product(days)


HOME = (done(M.RECEIVED, nov(20)), done(M.RELEASED, nov(21)))


@pytest.mark.parametrize(
    ("days", "state", "why"),
    [
        ((), ProductState.UNKNOWN, "nothing is on record"),
        ((done(M.COLLECTION, nov(2)),), ProductState.ON_ITS_WAY, "collected is not there"),
        ((done(M.RECEIVED, nov(20)),), ProductState.ON_ITS_WAY, "there, and not released"),
        ((done(M.RELEASED, nov(20)),), ProductState.ON_ITS_WAY, "released by the maker, and not there"),
        (HOME, ProductState.READY, "there and released"),
        ((*HOME, done(M.FAILED, nov(22))), ProductState.FAILED, "the bag broke when it was there"),
        (
            (*HOME, done(M.OUT_OF_SPECIFICATION, nov(22))),
            ProductState.OUT_OF_SPECIFICATION,
            "found after the release",
        ),
        (
            (done(M.OUT_OF_SPECIFICATION, nov(20)), *HOME),
            ProductState.READY_ALL_THE_SAME,
            "released although it was known",
        ),
        ((done(M.FAILED, nov(9)), done(M.REMADE, nov(10), 2)), ProductState.ON_ITS_WAY, "made again"),
        ((*HOME, done(M.FAILED, nov(24))), ProductState.READY, "what comes later is not known yet"),
    ],
)
def test_what_can_be_said_of_a_product(days: tuple[MilestoneDay, ...], state: ProductState, why: str) -> None:
    assert product(*days).state(TODAY) is state, why


@pytest.mark.parametrize(
    ("days", "collection", "ready", "why"),
    [
        ((), None, None, "nothing tells"),
        ((), nov(25), dec(12), "17 usual days from the collection that is planned"),
        ((done(M.COLLECTION, nov(16)),), None, dec(3), "17 usual days from the collection that took place"),
        ((due(M.RELEASED, dec(1)), due(M.RECEIVED, nov(30))), None, dec(1), "as somebody said"),
        ((due(M.RECEIVED, nov(30)),), None, dec(2), "two usual days from the day it is expected"),
        (
            (due(M.SHIPPED, nov(27)), due(M.RECEIVED, nov(28)), due(M.RELEASED, dec(1))),
            None,
            dec(1),
            "three days after the arrival, as was said",
        ),
        (
            (due(M.SHIPPED, nov(17)), due(M.RECEIVED, nov(18)), due(M.RELEASED, nov(21))),
            None,
            nov(27),
            "not shipped yet: today at the earliest, and the rest as long as was said",
        ),
        (HOME, None, nov(21), "it is ready since"),
        (
            (done(M.FAILED, nov(9)), done(M.REMADE, nov(20), 2)),
            nov(2),
            dec(10),
            "the remake counts anew, from today",
        ),
    ],
)
def test_when_it_is_expected(
    days: tuple[MilestoneDay, ...], collection: date | None, ready: date | None, why: str
) -> None:
    assert ready_on(product(*days), TODAY, collection) == ready, why


def test_what_nobody_recorded_on_the_way_is_passed_over_and_what_is_assumed_says_so() -> None:
    way = {one.milestone: one for one in expected(product(done(M.RECEIVED, nov(20))), TODAY)}
    assert way[M.COLLECTION].day is None
    assert (way[M.RELEASED].day, way[M.RELEASED].assumed, way[M.RELEASED].late) == (nov(24), True, False)
    late = expected(product(due(M.RECEIVED, nov(20))), TODAY)[2]
    assert (late.day, late.assumed, late.late) == (TODAY, False, True)


@pytest.mark.parametrize(
    ("days", "milestone", "on", "refused", "why"),
    [
        ((), M.COLLECTION, TODAY, set(), "the first thing that happens"),
        ((), M.RECEIVED, TODAY, set(), "an allogeneic product is collected from nobody here"),
        ((), M.COLLECTION, nov(24), {"on"}, "tomorrow has not happened"),
        ((), M.FAILED, TODAY, set(), "a failure is recorded though nothing else of it is"),
        ((), M.OUT_OF_SPECIFICATION, TODAY, set(), "and so is what lies outside its specification"),
        ((done(M.COLLECTION, nov(16)),), M.COLLECTION, TODAY, {"milestone"}, "collected once already"),
        ((done(M.COLLECTION, nov(16)),), M.SHIPPED, nov(15), {"on"}, "shipped before it was collected"),
        ((done(M.SHIPPED, nov(16)),), M.COLLECTION, nov(17), {"on"}, "collected after it was shipped"),
        ((done(M.RELEASED, nov(16)),), M.RECEIVED, nov(18), set(), "released before it was sent on"),
        (HOME, M.FAILED, TODAY, set(), "it can fail to the end"),
        (HOME, M.REMADE, TODAY, {"milestone"}, "it is good"),
        ((done(M.FAILED, nov(16)),), M.RELEASED, TODAY, {"milestone"}, "what failed is not released"),
        ((done(M.FAILED, nov(16)),), M.REMADE, nov(15), {"on"}, "made again before it failed"),
        ((done(M.FAILED, nov(16)),), M.REMADE, nov(16), set(), "made again at once"),
        ((done(M.OUT_OF_SPECIFICATION, nov(16)),), M.RELEASED, TODAY, set(), "released all the same"),
    ],
)
def test_what_may_follow_what(
    days: tuple[MilestoneDay, ...], milestone: Milestone, on: date, refused: set[str], why: str
) -> None:
    found = {refusal.field for refusal in refusals_of_milestone(product(*days), milestone, on, TODAY, "seen")}
    assert found == refused, why


def test_a_failure_says_what_was_found() -> None:
    lot = product(done(M.COLLECTION, nov(16)))
    assert {refusal.field for refusal in refusals_of_milestone(lot, M.FAILED, TODAY, TODAY)} == {"note"}
    assert M.FAILED in next_milestones(lot)


@pytest.mark.parametrize(
    ("milestone", "on", "refused", "why"),
    [
        (M.RELEASED, nov(27), set(), "a day to come"),
        (M.RELEASED, nov(22), {"on"}, "a day that is over"),
        (M.COLLECTION, nov(27), {"milestone"}, "it came already"),
        (M.FAILED, nov(27), {"milestone"}, "nobody expects that"),
    ],
)
def test_what_can_be_expected(milestone: Milestone, on: date, refused: set[str], why: str) -> None:
    lot = product(done(M.COLLECTION, nov(16)))
    assert {one.field for one in refusals_of_expectation(lot, milestone, on, TODAY)} == refused, why
