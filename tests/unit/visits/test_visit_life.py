"""What may be done with a visit and on which days, around an infusion on Monday 7 December 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known
from schedules.domain.visits.allowed_actions import (
    actions_of,
    activities_of,
    after_end,
    questions_of_missing,
    refusals_of_action,
    refusals_of_added,
    refusals_of_booking,
    refusals_of_completion,
    refusals_of_missing,
    refusals_of_undoing,
)
from schedules.domain.visits.order import anchors_dated_by, anchors_set_by
from schedules.domain.visits.values import (
    Answer,
    Booking,
    Clock,
    Completion,
    End,
    History,
    Sampled,
    VisitAction,
)
from schedules.domain.visits.visit import EARLY_TERMINATION, UNSCHEDULED, VisitState
from trials.domain.protocols.offsets import Offset, Unit
from trials.domain.protocols.protocol import AtOffset, Reference, ReferenceKind
from trials.domain.refusals import Refusal
from trials.formats.protocols import library

ZONE = ZoneInfo("Asia/Shanghai")
INFUSION = date(2026, 12, 7)
CONSENT = date(2026, 11, 3)
PROTOCOL = library.load("NCT07193667")
PLAN = project(PROTOCOL, {"infusion": AnchorDay(INFUSION)}, frozenset({"lymphodepletion"}))
LIVES = {visit.code: VisitState.of_plan(visit) for visit in PLAN.visits}
ADDED = LIVES["d28"]._replace(rule=None, unscheduled=True)
UNPLANNED = ADDED._replace(code="unscheduled-1", label="Unscheduled", rule_code=UNSCHEDULED)
LAST = ADDED._replace(code=EARLY_TERMINATION, label="Early termination", rule_code=EARLY_TERMINATION)
GONE_WITH_THE_COURSE = {"cancelled_on": INFUSION, "cancelled_by_id": 1}


def day(offset: int) -> date:
    """So many days from the infusion."""
    return INFUSION + timedelta(days=offset)


def noon(offset: int) -> Clock:
    return Clock(day(offset), datetime.combine(day(offset), datetime.min.time(), ZONE).replace(hour=12))


def done(**days: int) -> tuple[VisitState, ...]:
    return tuple(
        LIVES[code.replace("_", "-")]._replace(performed_on=day(offset)) for code, offset in days.items()
    )


CHEMOTHERAPY = done(ld_1=-5, ld_2=-4, ld_3=-3)
SCREENED = History(
    PROTOCOL, done(screening=-20), {"consent": CONSENT, "screening": day(-20)}, consented_on=CONSENT
)
CONDITIONED = replace(
    SCREENED,
    done=(*SCREENED.done, *CHEMOTHERAPY),
    anchors={**SCREENED.anchors, "lymphodepletion-start": day(-5)},
)
INFUSED = replace(
    CONDITIONED,
    done=(*CONDITIONED.done, *done(d0=0)),
    anchors={**CONDITIONED.anchors, "infusion": INFUSION},
)
WITHDRAWN = replace(INFUSED, ended=End(day(20), "Withdrawal", all_contact=True))
TERMINATED = replace(INFUSED, ended=End(day(20), "Early termination"))
DIED = replace(INFUSED, ended=End(day(20), "Death", died_on=day(20), all_contact=True))
NO_CONSENT = replace(CONDITIONED, consented_on=None)
CONSENT_WITHDRAWN = replace(CONDITIONED, consent_withdrawn_on=day(-1))


def words(refusals: list[Refusal]) -> str:
    """All refusals in words; a message whose words are missing raises."""
    return " ".join(refusal.message % dict(refusal.values) for refusal in refusals)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, "book arrive complete miss cancel"),
        ({"booked_on": day(28)}, "book unbook arrive complete miss cancel"),
        ({"arrived_on": day(28)}, "book undo-arrival complete miss cancel"),
        ({"booked_on": day(28), "performed_on": day(28)}, "undo"),
        ({"missed_on": INFUSION}, "undo"),
        ({"cancelled_on": INFUSION}, "undo"),
        (GONE_WITH_THE_COURSE, "complete"),
        ({"cancelled_on": INFUSION, "applies": False}, ""),
    ],
)
def test_deeds(state, expected) -> None:
    visit = LIVES["d28"]._replace(**state)
    assert [deed.value for deed in actions_of(visit)] == expected.split()
    for deed in VisitAction:
        refused = list(refusals_of_action(visit, deed))
        assert bool(refused) is (deed not in actions_of(visit))
        assert words(refused) or not refused


# --- done: (visit, day, what is on record, today, words of the refusal, why) ---------------------
DONE = [
    ("screening", -20, replace(SCREENED, done=()), -20, "", "inside its range"),
    ("screening", -40, replace(SCREENED, done=()), -20, "12 days before the window",
     "before the consent: it happened, the plan asks why"),
    ("screening", -4, replace(CONDITIONED, done=CHEMOTHERAPY), -4, "2 days after the window",
     "after chemotherapy began: it happened, the plan asks why"),
    ("screening", 1, INFUSED, 1, "which follows it", "after the infusion: that would be time running back"),
    ("ld-1", -5, SCREENED, -5, "", "the first chemotherapy"),
    ("ld-1", -5, SCREENED, -6, "is in the future", "the eve"),
    ("ld-2", -4, replace(SCREENED, done=done(ld_1=-5), anchors={**SCREENED.anchors,
     "lymphodepletion-start": day(-5)}), -4, "", "the second day after the first"),
    ("ld-2", -5, replace(SCREENED, done=done(ld_1=-5), anchors={**SCREENED.anchors,
     "lymphodepletion-start": day(-5)}), -4, "is too early", "two doses on one day"),
    ("ld-2", -4, SCREENED, -4, "", "the first was not recorded: a derived anchor waits for nobody"),
    ("ld-2", -2, replace(SCREENED, done=done(ld_3=-3)), -2, "is too late", "after the third"),
    ("d0", 0, CONDITIONED, 0, "", "the day itself"),
    ("d0", 2, CONDITIONED, 2, "2 days after the window", "two days late: with a reason"),
    ("d0", -3, CONDITIONED, 0, "before the window",
     "on the last day of chemotherapy: early, not impossible"),
    ("d0", -4, CONDITIONED, 0, "is too early", "before the last chemotherapy"),
    ("d0", 0, NO_CONSENT, 0, "No infusion before consent", "no consent on record"),
    ("d0", 0, replace(CONDITIONED, consented_on=day(1)), 1, "No infusion before consent", "consent after"),
    ("d0", 0, CONSENT_WITHDRAWN, 0, "Consent was withdrawn", "consent withdrawn on the eve"),
    ("d28", 28, INFUSED, 28, "", "on its target"),
    ("d28", 28, CONDITIONED, 28, "not on record yet", "the infusion is not recorded"),
    ("d28", 31, INFUSED, 32, "", "on the last day of the window"),
    ("d28", 32, INFUSED, 32, "1 day after the window", "on the morrow: with a reason"),
    ("d28", -1, INFUSED, 28, "is before that", "before the infusion"),
    ("d28", 25, WITHDRAWN, 28, "took place after Withdrawal", "after the withdrawal, without a reason"),
    ("d28", 25, TERMINATED, 28, "took place after Early termination", "after the end, without a reason"),
    ("d28", 25, DIED, 28, "no visit can have been done then", "after the death"),
    ("d14", 14, WITHDRAWN, 28, "", "before the withdrawal"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "on", "history", "today", "expected", "why"), DONE)
def test_completion(code, on, history, today, expected, why) -> None:
    found = list(refusals_of_completion(LIVES[code], Completion(day(on)), history, noon(today)))
    assert (expected in words(found)) if expected else not found, f"{why}: {words(found)}"


def test_a_reason_makes_a_day_outside_the_window_possible() -> None:
    late = Completion(day(32), outside_reason="a flood")
    assert not list(refusals_of_completion(LIVES["d28"], late, INFUSED, noon(32)))


@pytest.mark.parametrize(
    ("at", "expected", "why"),
    [
        (noon(28).now, "", "now"),
        (noon(28).now + timedelta(minutes=1), "has not come yet", "in a minute"),
        (noon(27).now, "The hour lies on", "an hour of another day"),
    ],
)
def test_the_hour(at, expected, why) -> None:
    found = list(refusals_of_completion(LIVES["d28"], Completion(day(28), at), INFUSED, noon(28)))
    assert (expected in words(found)) if expected else not found, why


def test_visits_beside_the_protocol_have_no_window_of_their_own() -> None:
    for history in (INFUSED, TERMINATED):  # one that was added after the end has its reason already
        assert not list(refusals_of_completion(UNPLANNED, Completion(day(40)), history, noon(40)))
    with_the_course = UNPLANNED._replace(**GONE_WITH_THE_COURSE)
    assert "Enter a reason" in words(
        list(refusals_of_completion(with_the_course, Completion(day(40)), TERMINATED, noon(40)))
    )
    inside = Completion(LAST.window.target)
    assert not list(refusals_of_completion(LAST, inside, TERMINATED, noon(40))), "it comes after the end"
    late = Completion(LAST.window.closes + timedelta(days=1))
    assert "after the window" in words(list(refusals_of_completion(LAST, late, TERMINATED, noon(40))))


@pytest.mark.parametrize(
    ("answers", "expected", "why"),
    [
        (None, "", "nobody asked"),
        ({"safety": Answer(True), "efficacy": Answer(True)}, "", "all done"),
        ({"safety": Answer(True)}, "Say whether Efficacy was done.", "one without an answer"),
        (
            {"safety": Answer(True), "efficacy": Answer(False)},
            "Enter why Efficacy was not done.",
            "no reason",
        ),
        ({"safety": Answer(True), "efficacy": Answer(False, "no assay")}, "", "left, with a reason"),
        ({"safety": Answer(True), "efficacy": Answer(True), "x": Answer(True)}, "no activity of", "unknown"),
    ],
)
def test_activities(answers, expected, why) -> None:
    completion = Completion(day(14), activities=answers)
    found = list(refusals_of_completion(LIVES["d14"], completion, INFUSED, noon(14)))
    assert (expected in words(found)) if expected else not found, why


@pytest.mark.parametrize(
    ("done", "sample", "expected", "why"),
    [
        (True, Sampled("negative"), "", "its hour is not known"),
        (True, Sampled("negative", noon(-20).now), "", "taken now"),
        (False, Sampled("negative"), "leave its result empty", "nothing was taken"),
        (True, Sampled("negative", noon(-20).now + timedelta(minutes=1)), "has not come yet", "in a minute"),
        (True, Sampled("negative", noon(-21).now), "The hour lies on", "an hour of another day"),
    ],
)
def test_a_result_is_of_a_sample_that_was_taken_at_the_visit(done, sample, expected, why) -> None:
    held = replace(SCREENED, done=(), traits=frozenset({"childbearing_potential"}))
    answers = {"eligibility": Answer(True), "blood-count": Answer(True), "hcg": Answer(done, "no kit")}
    completion = Completion(day(-20), activities=answers, results={"hcg": sample})
    found = list(refusals_of_completion(LIVES["screening"], completion, held, noon(-20)))
    assert (expected in words(found)) if expected else not found, f"{why}: {words(found)}"


def test_activities_follow_traits() -> None:
    codes = [a.code for a in activities_of(PROTOCOL, "screening", 1, frozenset())]
    assert codes == ["eligibility", "blood-count"]
    held = activities_of(PROTOCOL, "screening", 1, frozenset({"childbearing_potential"}))
    assert [a.code for a in held] == ["eligibility", "hcg", "blood-count"]


# --- booked --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "booking", "reason", "expected", "why"),
    [
        ("d28", Booking(day(28)), "", "", "on its target"),
        ("d28", Booking(day(-1)), "", "is over", "yesterday"),
        ("d28", Booking(day(32)), "", "1 day after the window", "outside, without a reason"),
        ("d28", Booking(day(32)), "a holiday", "", "outside, with one"),
        ("d0", Booking(day(1)), "theatre busy", "never moves by itself", "a block holds its shape"),
        ("d28", Booking(day(28), end=noon(28).now), "", "Give the hour at which it begins", "no beginning"),
        ("d28", Booking(day(28), noon(28).now, noon(28).now), "", "ends before it begins", "no length"),
        ("d28", Booking(day(28), noon(27).now), "", "The hour lies on", "an hour of another day"),
    ],
)
def test_booking(code, booking, reason, expected, why) -> None:
    found = list(refusals_of_booking(LIVES[code], booking, SCREENED, noon(0), reason))
    assert (expected in words(found)) if expected else not found, why


def test_the_infusion_is_not_booked_before_consent() -> None:
    later = replace(SCREENED, consented_on=day(3))
    assert "No infusion before consent" in words(
        list(refusals_of_booking(LIVES["d0"], Booking(INFUSION), later, noon(-1), ""))
    )


def test_added_visits_need_a_reason_and_a_course() -> None:
    def refused(history: History, reason: str = "rash", today: int = 28) -> str:
        return words(list(refusals_of_added(Booking(day(30)), history, reason, day(today))))

    assert not refused(INFUSED)
    assert "Enter a reason" in refused(INFUSED, "")
    assert "All contact has ended" in refused(WITHDRAWN), "to come"
    assert not refused(WITHDRAWN, today=31), "it took place"
    assert not refused(TERMINATED), "a retrieval visit is planned after the protocol's visits have ended"
    assert "no visit is added then" in refused(DIED, today=31)
    assert DIED.ended is not None
    assert DIED.ended.died_on is not None
    at_the_end = Booking(DIED.ended.died_on)
    assert not list(refusals_of_added(at_the_end, DIED, "autopsy", day(31))), "on that very day"


def test_what_took_place_after_an_end_is_recorded_with_a_reason() -> None:
    """Of 306 people of a finished trial 83 had visits after their disposition; all but one were refused."""
    cancelled = LIVES["d28"]._replace(**GONE_WITH_THE_COURSE)
    for history in (TERMINATED, WITHDRAWN):
        asked = Completion(day(28))
        (refusal,) = refusals_of_completion(cancelled, asked, history, noon(30))
        assert refusal.field == "outside_reason"
        said = replace(asked, outside_reason="Came for the safety follow-up.")
        assert not list(refusals_of_completion(cancelled, said, history, noon(30)))
    rule = LIVES["d28"].rule
    assert rule is not None
    staying = LIVES["d28"]._replace(rule=replace(rule, stays_after_early_end=True))
    assert not list(refusals_of_completion(staying, Completion(day(28)), TERMINATED, noon(30)))


def test_the_day_of_an_end_is_not_after_it() -> None:
    ended, planned = TERMINATED.ended, LIVES["d28"]
    assert ended is not None
    assert after_end(planned, ended.on, TERMINATED) is None
    assert after_end(planned, ended.on + timedelta(days=1), TERMINATED) == ended


# --- missed and undone ----------------------------------------------------------------------------
@pytest.mark.parametrize(("today", "missed"), [(24, False), (25, True), (31, True), (40, True)])
def test_nothing_is_missed_before_its_window_opens(today, missed) -> None:
    refused = list(refusals_of_missing(LIVES["d28"], day(today), "no show"))
    assert bool(refused) is not missed


@pytest.mark.parametrize(
    ("booked", "arrived", "hour_over", "asked"),
    [
        (28, None, False, "is booked for"),
        (29, None, False, "is booked for"),
        (28, None, True, ""),
        (27, None, False, ""),
        (None, None, False, ""),
        (27, 27, False, "The arrival for"),
        (28, 28, True, "The arrival for"),
    ],
)
def test_a_miss_is_asked_about_while_somebody_may_still_come(booked, arrived, hour_over, asked) -> None:
    visit = LIVES["d28"]._replace(booked_on=booked and day(booked), arrived_on=arrived and day(arrived))
    found = list(questions_of_missing(visit, day(28), hour_over=hour_over))
    assert bool(found) is bool(asked)
    assert asked in words(found)


def test_undoing_in_the_order_of_days() -> None:
    followed = replace(INFUSED, done=(*CHEMOTHERAPY, *done(d14=14)))
    given = LIVES["d0"]._replace(performed_on=INFUSION)
    assert "undo that first" in words(list(refusals_of_undoing(given, followed)))
    missed = given._replace(performed_on=None, missed_on=INFUSION)
    assert not list(refusals_of_undoing(missed, followed)), "nothing can count from a visit that was missed"
    assert not list(refusals_of_undoing(LIVES["d14"]._replace(performed_on=day(14)), INFUSED))
    assert not list(refusals_of_undoing(LIVES["d28"]._replace(performed_on=day(28)), WITHDRAWN))


# --- anchors, neighbours, and what a skipped visit lends ------------------------------------------
@pytest.mark.parametrize(
    ("code", "sets", "dates"),
    [
        ("screening", (), ("screening",)),
        ("ld-1", ("lymphodepletion-start",), ()),
        ("ld-2", (), ()),
        ("rest", (), ()),
        ("d0", ("infusion",), ()),
        ("d28", (), ()),
    ],
)
def test_anchors_that_a_visit_is(code, sets, dates) -> None:
    assert (anchors_set_by(PROTOCOL, LIVES[code]), anchors_dated_by(PROTOCOL, LIVES[code])) == (sets, dates)


def test_a_skipped_visit_still_lends_its_expected_date() -> None:
    """W12 counted four weeks from D28 instead: D28 done on D30 moves it, D28 skipped does not."""
    w12 = PROTOCOL.visit_by_code["w12"]
    assert isinstance(w12.timing, AtOffset)
    chained = replace(
        w12,
        counts_from=Reference(ReferenceKind.VISIT, "d28"),
        timing=replace(w12.timing, offset=Offset(4, Unit.WEEKS)),
    )
    visits = tuple(chained if rule.code == "w12" else rule for rule in PROTOCOL.visits)
    protocol, anchors = replace(PROTOCOL, visits=visits), {"infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL)}

    def target(known: Known) -> date:
        plan = project(protocol, anchors, known=known)
        return next(visit.window.target for visit in plan.visits if visit.code == "w12")

    assert target(Known(performed={"d28": AnchorDay(day(30), AnchorKind.ACTUAL)})) == day(58)
    assert target(Known()) == day(56)
