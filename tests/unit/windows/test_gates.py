"""Gates before the next participant or level; S1 is infused on Monday 2 March 2026 (D0)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay
from schedules.domain.readiness.cohort_board import LAST_BEGUN, SHOWN, board, nearest
from schedules.domain.readiness.gate_wording import words_of_gate, words_of_opening
from schedules.domain.readiness.gates import (
    Cohorts,
    Course,
    Review,
    course_of,
    earliest_start,
    gate_ahead,
    gate_status,
)
from tests.unit.windows.judging import SHANGHAI, d
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import ASSUMED, DoseLevel, Gate, GateBefore
from trials.formats.protocols.library import load_named


def gate(before: GateBefore = GateBefore.PARTICIPANT, **terms: object) -> Gate:
    return replace(Gate("gate", "Gate", before, ASSUMED), **terms)


def course(subject: str, day: int, level: str | None = None, observed: int | None = 28, **more) -> Course:
    """Chemotherapy five days before the infusion on that day."""
    last = () if observed is None else (("dlt", d(day + observed)),)
    return replace(Course(subject, level, d(day - 5), d(day), last), **more)


S1, S2 = course("S1", 0), course("S2", 40)
DLT = gate(observation="dlt")
WEEK = gate(interval=Offset.parse("P7D"))
LONGER_FIRST = gate(interval=Offset.parse("P7D"), first_of_level_interval=Offset.parse("P14D"))
REVIEW = gate(observation="dlt", review=True)
LEVELS = (DoseLevel("low", "Low", ASSUMED, 2), DoseLevel("high", "High", ASSUMED, 2))


@pytest.mark.parametrize(
    ("gates", "before", "infusion", "opens", "why"),
    [
        ([DLT], [], 10, 5, "nobody went before"),
        ([DLT], [S1], 33, 29, "chemotherapy on D28, the last day of S1's observation"),
        ([DLT], [S1], 34, 29, "chemotherapy on D29, the day after it"),
        ([DLT], [course("S1", 0, observed=None)], 60, None, "nobody knows when S1's observation ends"),
        ([DLT], [replace(S1, ended_on=d(10))], 16, 11, "S1 withdrew on D10"),
        ([DLT], [replace(S1, late=True)], 60, None, "S1 waits for the infusion since chemotherapy"),
        ([WEEK], [replace(S1, late=True)], 60, None, "and nobody knows from when a week is counted"),
        ([REVIEW], [replace(S1, late=True)], 60, None, "nor what a review was of"),
        ([DLT], [replace(S1, late=True, begun=False)], 33, 29, "S1 was to begin and may have: it still bars"),
        ([LONGER_FIRST], [replace(S1, late=True, begun=False), course("S2", 14)], 22, 23, "S2 was first"),
        ([DLT], [S1, S2], 60, 69, "S2 is observed until D68"),
        ([DLT], [S1, S2], 34, 29, "S2 begins only afterwards"),
        ([WEEK], [S1], 6, 2, "infusion on D6 is a day short of a week; chemotherapy may begin on D2"),
        ([WEEK], [S1], 7, 2, "a week after S1's infusion"),
        ([LONGER_FIRST], [S1], 13, 9, "longer after the first"),
        ([LONGER_FIRST], [S1, course("S2", 14)], 21, 16, "a week after the second"),
        ([gate(interval=Offset.parse("PT36H"))], [S1], 1, -3, "36 hours are two days"),
        ([WEEK], [replace(S1, ended_on=d(-3), replaced=True)], 1, -4, "S1 was never infused"),
        (
            [LONGER_FIRST],
            [replace(S1, ended_on=d(-3), replaced=True), course("S2", 2)],
            15,
            11,
            "S2 is the first who was infused",
        ),
        ([DLT, LONGER_FIRST], [S1], 20, 29, "the later of two gates"),
        ([REVIEW], [S1], 60, None, "no review on record"),
        ([REVIEW], [replace(S1, ended_on=d(-3), replaced=True)], 60, 55, "nothing to review: never infused"),
        ([DLT], [course("S2", 10)], 10, 39, "planned for the same day: one of them waits for the other"),
    ],
)
def test_before_the_next_participant(gates, before, infusion, opens, why):
    planned = course("S9", infusion)
    verdict = gate_status(Cohorts(tuple(gates), courses=tuple(before)), planned)
    expected = None if opens is None else d(opens)
    if opens is not None and verdict.open:
        assert expected <= planned.begins, why
    else:
        assert (verdict.open, verdict.opens_on) == (False, expected), why


@pytest.mark.parametrize(
    ("infusion", "is_open"), [(33, False), (34, True)], ids=["on the last day", "on the morrow"]
)
def test_the_gate_opens_on_the_day_after_the_observation(infusion, is_open):
    assert gate_status(Cohorts((DLT,), courses=(S1,)), course("S9", infusion)).open is is_open


@pytest.mark.parametrize(
    ("reviews", "begins", "is_open", "opens", "why"),
    [
        ([Review(d(30), subject="S1")], 35, True, 35, "reviewed after the observation"),
        ([Review(d(27), subject="S1")], 35, False, None, "reviewed before it was over"),
        ([Review(d(30), subject="S2")], 35, False, None, "of somebody else"),
        ([Review(d(38), subject="S1")], 35, False, 38, "the review is only on D38"),
        ([Review(d(30))], 35, True, 35, "of everybody: the trial has no levels"),
        ([Review(d(27))], 35, False, None, "of everybody, before the observation was over"),
        ([Review(d(30), opens=False)], 35, False, None, "reviewed, and it does not open the way"),
        ([Review(d(30)), Review(d(33), opens=False)], 35, False, None, "a later review closes the way again"),
        ([Review(d(30), opens=False), Review(d(33))], 35, True, 35, "a later review opens it"),
        ([Review(d(30), opens=False), Review(d(38))], 35, False, 38, "which is only on D38"),
        ([Review(d(29)), Review(d(30))], 35, True, 35, "two that open it"),
        ([Review(d(30), level="high")], 35, False, None, "of a level that is not theirs"),
    ],
)
def test_a_safety_review_must_be_on_record(reviews, begins, is_open, opens, why):
    verdict = gate_status(Cohorts((REVIEW,), courses=(S1,), reviews=tuple(reviews)), course("S9", begins + 5))
    assert (verdict.open, verdict.opens_on) == (is_open, opens and d(opens)), why


@pytest.mark.parametrize(
    ("other", "begun", "is_open", "why"),
    [
        (course("S2", 40), (), True, "was to begin on the same day, and has not"),
        (course("S2", 40), ("S2",), False, "has begun on the same day"),
        (course("S2", 33), (), False, "was to begin before: nobody said that it did not"),
        (course("S2", 47), (), True, "is to begin only afterwards"),
    ],
)
def test_a_start_that_took_place_waits_for_nobody_who_was_to_begin_with_it(other, begun, is_open, why):
    planned = course("S9", 40)
    cohorts = Cohorts((DLT,), courses=(S1, other)).at_start(planned.begins, ("S1", *begun))
    assert gate_status(cohorts, planned).open is is_open, why


LOW = (course("S1", 0, "low"), course("S2", 40, "low"))


@pytest.mark.parametrize(
    ("courses", "level", "infusion", "is_open", "why"),
    [
        (LOW[:1], "low", 40, True, "the second slot at the low level"),
        (LOW, "low", 100, False, "the low level is full"),
        ((replace(LOW[0], replaced=True), LOW[1]), "low", 100, True, "one is replaced"),
        (LOW[:1], "high", 100, False, "the low level has one of two"),
        (LOW, "high", 100, True, "the low level is complete and observed"),
        (LOW, "high", 60, False, "S2 is still observed"),
        ((), "high", 100, False, "nobody began at the low level"),
        ((LOW[0], replace(LOW[1], begun=False, late=True)), "high", 100, False, "S2 never began"),
        ((LOW[0], replace(LOW[1], late=True)), "high", 100, False, "S2 waits for the infusion"),
        ((*LOW, course("S3", 90, "high")), "high", 100, True, "a level gate is for the first of a level"),
    ],
)
def test_levels_in_order(courses, level, infusion, is_open, why):
    of_level = gate(GateBefore.LEVEL, observation="dlt")
    verdict = gate_status(Cohorts((of_level,), LEVELS, courses), course("S9", infusion, level))
    assert verdict.open is is_open, why


def test_reasons_name_the_gate_the_participant_and_the_day():
    (reason,) = gate_status(Cohorts((DLT,), courses=(S1,)), course("S9", 10)).reasons
    assert (reason.gate, reason.opens_on) == ("gate", date(2026, 3, 31))
    assert reason.text() == "Under observation until Monday 2026-03-30: S1."


@pytest.mark.parametrize(
    ("courses", "begins", "earliest", "why"),
    [
        ([], 5, 5, "the way is open"),
        ([S1], 5, 29, "the day after S1's observation"),
        ([S1, course("S2", 34)], 5, 63, "by then S2 has begun and is observed until D62"),
        ([S1, course("S2", 60)], 5, 29, "S2 begins only later"),
        ([course("S1", 0, observed=None)], 5, None, "no date yet"),
    ],
)
def test_the_earliest_next_start(courses, begins, earliest, why):
    found = earliest_start(Cohorts((DLT,), courses=tuple(courses)), course("S9", begins + 5))
    assert found == (None if earliest is None else d(earliest)), why


def test_a_closed_gate_names_the_day_on_which_it_really_opens_and_what_sets_it():
    """S1's observation is over on D29; by then S2 has begun, and is observed until D62."""
    found = gate_ahead(Cohorts((DLT,), courses=(S1, course("S2", 34))), course("S9", 10))
    assert (found.open, found.opens_on) == (False, d(63))
    assert [reason.text() for reason in found.reasons] == [
        "Under observation until Monday 2026-03-30: S1.",
        "Under observation until Sunday 2026-05-03: S2.",
    ]


def test_a_gate_that_waits_for_a_later_review_names_it():
    reviewed = Cohorts((REVIEW,), courses=(S1, course("S2", 34)), reviews=(Review(d(29), subject="S1"),))
    found = gate_ahead(reviewed, course("S9", 10))
    assert (found.open, found.opens_on) == (False, None)
    assert "No safety review of S2 is on record." in [reason.text() for reason in found.reasons]


def test_the_board_shows_slots_and_who_is_observed_until_when():
    low, high = board(Cohorts((DLT,), LEVELS, (replace(LOW[0], replaced=True), LOW[1])), d(50))
    assert (low.planned, low.replaced, low.free) == (2, 1, 1)
    assert low.observed_until == (("S2", d(68)),)
    assert (high.courses, high.free) == ((), 2)


def test_a_course_is_read_from_a_plan():
    """The record gates by the observation for dose-limiting toxicity: 2 to 30 March 2026."""
    protocol = load_named("NCT07274059").protocol
    plan = project(protocol, {"infusion": AnchorDay(date(2026, 3, 2))}, {"lymphodepletion"})
    first = course_of(plan, "S1", None, SHANGHAI)
    assert first.begins == date(2026, 2, 25)
    assert first.observed_until("dlt-observation") == date(2026, 3, 30)
    second = replace(first, subject="S2", begins=date(2026, 3, 30), infusion=date(2026, 4, 4))
    assert gate_status(Cohorts.of(protocol, [first]), second).opens_on == date(2026, 3, 31)


S3, S4 = course("S3", 20), course("S4", 22)
REVIEWED = gate(review=True)


@pytest.mark.parametrize(
    ("gates", "before", "says", "why"),
    [
        ([DLT], [S1], ["Under observation until Monday 2026-03-30: S1."], "one is named with the day"),
        (
            [DLT],
            [S1, S4, S3],
            ["Under observation, the last until Tuesday 2026-04-21: S4 and 2 more."],
            "of several the last one is named, and how many more",
        ),
        (
            [DLT, replace(DLT, code="twice")],
            [S1],
            ["Under observation until Monday 2026-03-30: S1."],
            "two gates, one participant",
        ),
        ([REVIEWED], [S1, S3], ["No safety review of S1 and 1 more is on record."], "so with reviews"),
        (
            [gate(interval=Offset.parse("P30D"))],
            [S1, S3],
            [
                "30 days from the infusion of S1: no infusion before Wednesday 2026-04-01.",
                "30 days from the infusion of S3: no infusion before Tuesday 2026-04-21.",
            ],
            "other reasons are told one by one",
        ),
    ],
)
def test_a_closed_gate_is_told_in_as_few_sentences_as_it_takes(gates, before, says, why):
    verdict = gate_status(Cohorts(tuple(gates), courses=tuple(before)), course("S9", 28))
    told = [words.text(point=day_text_of) for words in words_of_gate(verdict, {})]
    assert told == says, why


def day_text_of(day, _say):
    return f"{day:%A %Y-%m-%d}"


def test_the_day_on_which_it_opens_is_told_first_or_that_nobody_knows_it():
    closed = gate_status(Cohorts((DLT,), courses=(S1,)), course("S9", 10))
    assert words_of_opening(closed, [DLT]).text() == "The gate (assumed) opens on 2026-03-31."
    nobody = gate_status(Cohorts((REVIEW,), courses=(S1,)), course("S9", 60))
    assert words_of_opening(nobody, []).text() == "Nobody knows yet when the gate opens."


# --- those who are planned -------------------------------------------------------------------------
def planned(subject: str, day: int, **more) -> Course:
    return course(subject, day, begun=False, **more)


def told(verdict):
    return [words.text(point=day_text_of) for words in words_of_gate(verdict, {})]


def test_whoever_is_planned_is_never_said_to_be_under_observation():
    """S2 was to begin on D5 and has not: on D8 nobody is under observation because of it."""
    cohorts = Cohorts((DLT,), courses=(planned("S2", 10),))
    closed = gate_status(cohorts, course("S9", 13))
    assert told(closed) == [
        "Planned to begin on Saturday 2026-03-07, then observed until Thursday 2026-04-09: S2."
    ]
    assert [level.observed_until for level in board(cohorts, d(8))] == [()]
    several = gate_status(Cohorts((DLT,), courses=(planned("S2", 10), planned("S3", 11))), course("S9", 13))
    assert told(several) == ["Planned before, the last observed until Friday 2026-04-10: S3 and 1 more."]


def test_two_that_wait_for_one_do_not_wait_for_each_other():
    """S1 is observed to D28; S2 and S3 were planned for D10 and D12 and must both wait for it."""
    two, three = planned("S2", 10), planned("S3", 12)
    cohorts = Cohorts((DLT,), courses=(S1, two, three))
    first, second = gate_ahead(cohorts, two), gate_ahead(cohorts, three)
    assert (first.opens_on, told(first)) == (d(29), ["Under observation until Monday 2026-03-30: S1."])
    assert told(second)[1:] == [
        "Planned to begin on Saturday 2026-03-07, then observed until Thursday 2026-04-09: S2."
    ]


def test_two_planned_for_one_day_are_no_circle():
    two, three = planned("S2", 40), planned("S3", 40)
    cohorts = Cohorts((DLT,), courses=(three, two))
    assert gate_ahead(cohorts, two).open, "of one day the first by its subject code goes first"
    assert told(gate_ahead(cohorts, three)) == [
        "Planned to begin on Monday 2026-04-06, then observed until Saturday 2026-05-09: S2."
    ]
    assert not gate_status(cohorts, course("S0", 40)).open, "who is not on record yet waits for both"


def test_one_who_waits_lets_pass_whoever_can_begin_meanwhile():
    """The first of the high level waits for the low one: S1, and S3 who begins there on D25, before D29."""
    of_level = gate(GateBefore.LEVEL, observation="dlt")
    levels = (DoseLevel("low", "Low", ASSUMED), DoseLevel("high", "High", ASSUMED))
    high = planned("S2", 25, level="high")
    cohorts = Cohorts((of_level,), levels, (course("S1", 0, "low"), high, planned("S3", 30, level="low")))
    assert gate_ahead(cohorts, high).opens_on == d(59), "S3 is observed to D58"


def test_the_first_of_each_level_is_found_once_and_is_the_same():
    many = tuple(
        course(f"S{n:03}", (n * 37) % 100, "low" if n % 3 else "high", replaced=n % 7 == 0) for n in range(90)
    )
    cohorts = Cohorts((LONGER_FIRST,), courses=many)
    for one in many:
        peers = [peer for peer in many if peer.level == one.level and not peer.replaced]
        assert cohorts.found.by_infusion[one.level][0] == min(
            peers, key=lambda peer: (peer.infusion, peer.begins)
        )


@pytest.mark.parametrize(
    ("had", "ahead", "before", "after"),
    [
        (0, 0, 0, 0),
        (SHOWN, 0, 0, 0),
        (SHOWN + 3, 0, 3, 0),
        (0, SHOWN + 3, 0, 3),
        (10, 60, 0, 10),
        (100, 100, 100 - LAST_BEGUN, 100 - (SHOWN - LAST_BEGUN)),
        (100, 5, 45, 0),
    ],
)
def test_of_a_large_level_those_around_today_are_shown(had, ahead, before, after):
    """Those who began last and those who are to begin next; one who was to begin long ago is among these."""
    begun = [course(f"B{number:03}", number - had) for number in range(had)]
    to_come = [course(f"C{number:03}", number - 300, begun=False) for number in range(ahead)]
    found = nearest([*to_come, *begun], {one.subject for one in begun})
    assert (found.begun_before, found.planned_after) == (before, after)
    shown = {one.subject for one in found.courses}
    assert shown == {one.subject for one in (*begun[before:], *to_come[: ahead - after])}
    assert [one.begins for one in found.courses] == sorted(one.begins for one in found.courses)
    assert len(found.courses) == min(SHOWN, had + ahead)
