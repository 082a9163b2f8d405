"""May chemotherapy start on this day? Each line of the list, by a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from participants.domain.consents import ConsentStanding, ConsentState, FormEdition
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from participants.domain.lifecycle import Phase
from participants.domain.product import Milestone, MilestoneDay, Product
from schedules.domain.readiness.beds import Beds
from schedules.domain.readiness.checklist import readiness_on
from schedules.domain.readiness.gates import Cohorts, Course
from schedules.domain.readiness.start_context import Answer, Item, Person, sentences
from tests.unit.plan.small import (
    CONDITIONING,
    STATED,
    anchor,
    at,
    days,
    offset,
    protocol,
    repeated,
    visit,
    within,
)
from tests.unit.readiness.starting import (
    BEGINS,
    BLOOD,
    CALENDAR,
    READY,
    SCREENING,
    ZERO,
    a_person,
    a_start,
    asked,
    asked_on,
    beds,
    lines,
    performed,
    told,
)
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import ASSUMED, Gate, GateBefore, ProductRule
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Words

YES, NO, NOT_KNOWN = Answer.YES, Answer.NO, Answer.NOT_KNOWN


def nov(day: int) -> date:
    return date(2026, 11, day)


def dec(day: int) -> date:
    return date(2026, 12, day)


def test_the_whole_list_says_no_where_one_line_does_and_names_what_is_missing() -> None:
    readiness = asked_on()
    assert readiness.answer is NOT_KNOWN, "the test is not on record"
    assert [(line.item, line.answer) for line in readiness.lines] == [
        (Item.COURSE, YES),
        (Item.CONSENT, YES),
        (Item.VISIT, YES),
        (Item.TEST, NOT_KNOWN),
        (Item.PRODUCT, YES),
        (Item.BED, YES),
        (Item.HOLIDAYS, YES),
    ]
    assert lines(readiness)[Item.TEST].text() == (
        "Missing: a result of hcg. It counts from Monday 2026-11-30 to Wednesday 2026-12-02."
    )
    assert asked_on(person=a_person(phase=Phase.ON_HOLD)).answer is NO
    tested = Facts(tests=(Result("hcg", datetime(2026, 12, 1, 1, tzinfo=UTC), result="negative"),))
    assert asked_on(person=a_person(facts=tested)).answer is YES
    assert readiness.document()[0] == {
        "item": "course",
        "of": "",
        "answer": "yes",
        "why": "In screening: nothing has begun.",
    }


@pytest.mark.parametrize(
    ("phase", "answer"),
    [(Phase.SCREENING, YES), (Phase.REPEATING, YES), (Phase.ON_HOLD, NO), (Phase.WITHDRAWN, NO)],
)
def test_the_course(phase: Phase, answer: Answer) -> None:
    assert told(Item.COURSE, person=a_person(phase=phase))[0] is answer


FORM_2 = FormEdition(2, "2", nov(20), consent_again=True)


@pytest.mark.parametrize(
    ("standing", "answer", "words"),
    [
        (ConsentStanding(ConsentState.MISSING), NOT_KNOWN, "No consent is on record."),
        (
            ConsentStanding(ConsentState.WITHDRAWN, withdrawn_on=nov(20)),
            NO,
            "Consent was withdrawn on Friday 2026-11-20.",
        ),
        (
            ConsentStanding(ConsentState.AGAIN, FORM_2, nov(2), asked_by=FORM_2),
            NO,
            "Form 2 asks for consent again first.",
        ),
        (
            ConsentStanding(ConsentState.GIVEN, FORM_2, nov(21)),
            YES,
            "Consent to form 2 was given on Saturday 2026-11-21.",
        ),
    ],
)
def test_consent(standing: ConsentStanding, answer: Answer, words: str) -> None:
    assert told(Item.CONSENT, person=a_person(consent=standing)) == (answer, words)


def test_the_anchor_of_consent_counts_where_no_form_is_kept() -> None:
    missing = a_person(consent=ConsentStanding(ConsentState.MISSING))
    anchors = days(infusion="Mon 2026-12-07", consent="Mon 2026-11-02 actual")
    assert told(Item.CONSENT, person=missing, anchors=anchors) == (
        YES,
        "Consent was given on Monday 2026-11-02.",
    )


@pytest.mark.parametrize(
    ("day", "done", "answer", "words"),
    [
        (BEGINS, nov(9), YES, "Screening was on Monday 2026-11-09."),
        (
            dec(3),
            nov(9),
            NO,
            (
                "Screening on Monday 2026-11-09 has expired: its window opens on Tuesday 2026-11-10. "
                "To be repeated: Blood count."
            ),
        ),
        (
            BEGINS,
            None,
            NOT_KNOWN,
            (
                "Screening is not on record as done; "
                "it can be done from Monday 2026-11-09 to Tuesday 2026-12-01."
            ),
        ),
        (
            nov(23),
            None,
            NOT_KNOWN,
            "Screening is not on record as done, and its window closed on Sunday 2026-11-22.",
        ),
        (BEGINS, dec(1), YES, "Screening was on Tuesday 2026-12-01."),
        (
            dec(1),
            dec(1),
            NO,
            "Screening was on Tuesday 2026-12-01, after its window closed on Monday 2026-11-30.",
        ),
    ],
)
def test_what_is_done_before_the_start(day: date, done: date | None, answer: Answer, words: str) -> None:
    known = performed(screening=done) if done else performed()
    assert told(Item.VISIT, day, known=known) == (answer, words)


def test_what_others_are_asked_is_not_repeated() -> None:
    hcg = replace(BLOOD, code="hcg", label="Pregnancy test", applies_to=("childbearing_potential",))
    known, made = performed(screening=nov(2)), asked(activities=(BLOOD, hcg))
    for traits, what in (((), "Blood count"), (hcg.applies_to, "Blood count, Pregnancy test")):
        _answer, words = told(Item.VISIT, protocol=made, known=known, traits=frozenset(traits))
        assert words.endswith(f"To be repeated: {what}."), words


def test_what_is_asked_of_one_of_several_visits_is_repeated() -> None:
    """The second of two screenings is named by what a plan calls it."""
    twice = visit("screening", repeated(at("-P27D", "P2D"), "P7D", "-P20D"))
    made = protocol(twice, *CONDITIONING, activities=(replace(BLOOD, visits=("screening-2",)),))
    known = performed(**{"screening-1": nov(10), "screening-2": nov(10)})
    _answer, words = told(Item.VISIT, protocol=made, known=known)
    assert words.endswith("To be repeated: Blood count."), words


def test_a_screening_that_was_missed_says_no() -> None:
    person = a_person(ended=frozenset({"screening"}))
    assert told(Item.VISIT, known=performed(), person=person) == (NO, "Screening was missed or cancelled.")


@pytest.mark.parametrize(
    ("taken", "result", "answer", "why"),
    [
        (dec(1), "negative", YES, "the day before"),
        (nov(29), "negative", NO, "a day too early: it counts from 30 November"),
        (dec(1), "positive", NO, "the wrong result"),
        (dec(1), None, NOT_KNOWN, "no result yet"),
    ],
)
def test_a_test_counts_within_its_window(taken: date, result: str | None, answer: Answer, why: str) -> None:
    at = datetime(taken.year, taken.month, taken.day, 1, tzinfo=UTC)
    person = a_person(facts=Facts(tests=(Result("hcg", at, result=result),)))
    assert told(Item.TEST, person=person)[0] is answer, why


@pytest.mark.parametrize(
    ("product", "day", "answer", "words"),
    [
        (Product(), BEGINS, NOT_KNOWN, "Missing: Received at the site. Missing: Released."),
        (
            Product((MilestoneDay(Milestone.COLLECTION, done_on=nov(16)),)),
            BEGINS,
            NOT_KNOWN,
            (
                "Missing: Received at the site. Missing: Released. "
                "Expected to be ready on Thursday 2026-12-03, after the start."
            ),
        ),
        (
            Product(
                (
                    MilestoneDay(Milestone.COLLECTION, done_on=nov(16)),
                    MilestoneDay(Milestone.RECEIVED, expected_on=dec(2)),
                    MilestoneDay(Milestone.RELEASED, expected_on=dec(3)),
                )
            ),
            BEGINS,
            NO,
            (
                "Missing: Received at the site. Missing: Released. "
                "Expected to be ready on Thursday 2026-12-03, after the start."
            ),
        ),
        (
            Product((MilestoneDay(Milestone.COLLECTION, done_on=nov(16)),)),
            dec(3),
            NOT_KNOWN,
            "Missing: Received at the site. Missing: Released. Expected to be ready on Thursday 2026-12-03.",
        ),
        (
            Product((MilestoneDay(Milestone.RECEIVED, done_on=nov(16)),)),
            nov(23),
            NO,
            "Missing: Released.",
        ),
        (
            Product((MilestoneDay(Milestone.FAILED, done_on=nov(16)),)),
            BEGINS,
            NO,
            "Attempt 1 failed and is not made again yet.",
        ),
        (
            Product((*READY.days, MilestoneDay(Milestone.OUT_OF_SPECIFICATION, done_on=nov(22)))),
            BEGINS,
            NO,
            "Out of specification, and not released since.",
        ),
        (
            Product((*READY.days, MilestoneDay(Milestone.OUT_OF_SPECIFICATION, done_on=nov(21)))),
            BEGINS,
            YES,
            "Out of specification, and released all the same on Saturday 2026-11-21.",
        ),
        (
            Product((*READY.days, MilestoneDay(Milestone.REMADE, 2, done_on=nov(22)))),
            dec(31),
            NOT_KNOWN,
            (
                "Missing: Received at the site. Missing: Released. "
                "Expected to be ready on Thursday 2026-12-10."
            ),
        ),
    ],
)
def test_the_product(product: Product, day: date, answer: Answer, words: str) -> None:
    assert told(Item.PRODUCT, day, person=a_person(product=product)) == (answer, words)


def test_a_closed_gate_says_when_it_opens_and_that_it_is_assumed() -> None:
    gate = Gate("next", "Next", GateBefore.PARTICIPANT, ASSUMED, interval=Offset.parse("P14D"))
    before = Course("S01-000", None, nov(23), nov(28))
    cohorts = Cohorts((gate,), (), (before,))
    protocol = asked(gates=(gate,))
    assert told(Item.GATE, cohorts=cohorts, protocol=protocol) == (
        NO,
        (
            "The gate (assumed) opens on Monday 2026-12-07. "
            "14 days from the infusion of S01-000: no infusion before Saturday 2026-12-12."
        ),
    )
    assert told(Item.GATE, dec(7), cohorts=cohorts, protocol=protocol)[0] is YES


@pytest.mark.parametrize(
    ("found", "answer", "words"),
    [
        (Beds(), NOT_KNOWN, "Missing: how many ward beds the site has."),
        (beds(), YES, "A bed is free on every day (of 1)."),
        (beds((nov(1), dec(1))), YES, "A bed is free on every day (of 1)."),
        (beds((nov(1), dec(2))), NO, "No bed (of 1) is free from Wednesday 2026-12-02 on; days in all: 1."),
        (beds((dec(12), dec(20))), NO, "No bed (of 1) is free from Saturday 2026-12-12 on; days in all: 3."),
        (beds((nov(1), dec(4)), ward_beds=2), YES, "A bed is free on every day (of 2)."),
    ],
)
def test_a_bed_from_chemotherapy_to_the_end_of_the_stay(found: Beds, answer: Answer, words: str) -> None:
    assert told(Item.BED, beds=found) == (answer, words)


@pytest.mark.parametrize(
    ("taken", "answer"),
    [(((dec(7), dec(8)),), YES), (((dec(7), dec(8)), (dec(7), dec(9))), NO)],
)
def test_so_many_infusions_a_day(taken: tuple[tuple[date, date], ...], answer: Answer) -> None:
    assert told(Item.SLOT, beds=beds(*taken, ward_beds=None, slots=2))[0] is answer


FESTIVAL = WorkingDays("Clinic", "made up", holidays={dec(4): "A feast"}, official_years=frozenset({2026}))


@pytest.mark.parametrize(
    ("calendar", "answer", "words"),
    [
        (None, NOT_KNOWN, "Missing: the site's table of working days."),
        (CALENDAR, YES, "None from Wednesday 2026-12-02 to Monday 2026-12-07."),
        (FESTIVAL, NO, "Friday 2026-12-04 is a public holiday (A feast)."),
        (
            WorkingDays("Clinic", "made up"),
            NOT_KNOWN,
            "Missing: the official calendar of 2026, which is not out.",
        ),
    ],
)
def test_no_public_holiday_in_the_critical_days(
    calendar: WorkingDays | None, answer: Answer, words: str
) -> None:
    assert told(Item.HOLIDAYS, calendar=calendar) == (answer, words)


def test_without_chemotherapy_the_infusion_is_the_point_of_no_return() -> None:
    plain = tuple(rule for rule in asked().visits if rule.code in {"screening", "d0", "d14"})
    protocol = asked(visits=plain, anchors=(anchor("consent"), anchor("infusion", point_of_no_return=True)))
    readiness = asked_on(ZERO, protocol=protocol)
    assert (readiness.anchor, readiness.plan.day_zero) == ("infusion", ZERO)
    assert lines(readiness)[Item.HOLIDAYS].text() == "None from Monday 2026-12-07 to Monday 2026-12-07."


def test_a_newcomer_is_asked_only_what_the_site_and_the_gates_tell() -> None:
    items = {line.item for line in asked_on(person=None).lines}
    assert items == {Item.BED, Item.HOLIDAYS}


def test_the_same_question_has_the_same_answer() -> None:
    start = a_start()
    assert readiness_on(start, BEGINS) == readiness_on(start, BEGINS)
    assert readiness_on(start, BEGINS).plan.day_zero == ZERO
    assert isinstance(start.person, Person)
    assert readiness_on(replace(start, person=None), dec(9)).plan.day_zero == dec(14)


def test_cells_made_in_ten_minutes_are_not_refused_by_days_that_are_assumed() -> None:
    """NCT07331467 and its like: collected and given on one day, and no milestone between is recorded."""
    step = offset("P0D")
    bedside = replace(a_start().protocol, product=ProductRule(step, step, step, step, ASSUMED))
    person = a_person(product=Product((MilestoneDay(Milestone.COLLECTION, done_on=BEGINS),)))
    answer, _words = told(Item.PRODUCT, BEGINS, protocol=bedside, person=person, today=BEGINS)
    assert answer is NOT_KNOWN


def test_usual_days_that_a_record_states_are_no_assumption() -> None:
    steps = [offset(text) for text in ("P14D", "P1D", "P1D", "P1D")]
    stated = replace(a_start().protocol, product=ProductRule(*steps, STATED))
    person = a_person(product=Product((MilestoneDay(Milestone.COLLECTION, done_on=nov(16)),)))
    assert told(Item.PRODUCT, BEGINS, protocol=stated, person=person)[0] is NO


@pytest.mark.parametrize(
    ("day", "begun", "expired", "why"),
    [
        (nov(8), False, True, "the day before its window now opens"),
        (nov(9), False, False, "the first of its 28 days"),
        (nov(8), True, False, "chemotherapy has begun: it is not repeated"),
    ],
)
def test_a_screening_before_its_window_has_expired(day: date, begun: bool, expired: bool, why: str) -> None:
    given = days(infusion="Mon 2026-12-07", **({"ld": "Wed 2026-12-02 actual"} if begun else {}))
    start = a_start(known=performed(screening=day), anchors=given)
    assert readiness_on(start, BEGINS).screening_expired(start) is expired, why


def test_a_visit_that_may_still_be_on_the_day_of_the_start_has_not_expired() -> None:
    eve = visit("eve", within("-P6D", "-P5D"))
    trial = protocol(SCREENING, *CONDITIONING, eve)
    start = a_start(protocol=trial, known=performed(screening=nov(16), eve=nov(30)))
    assert not readiness_on(start, BEGINS).screening_expired(start)


def test_a_day_of_a_block_does_not_expire() -> None:
    start = a_start(known=performed(**{"screening": nov(16), "ld-1": nov(8)}))
    assert not readiness_on(start, ZERO).screening_expired(start)


def test_the_reasons_of_a_line_are_said_in_the_readers_language() -> None:
    reasons = [Words.of("%(what)s since %(day)s.", {"what": "fever", "day": nov(9)})]
    said = sentences(reasons, lambda text: {"fever": "发热"}.get(text, text))
    assert said == "发热 since Monday 2026-11-09."
