"""An end says what it ends; what takes place after it is recorded.

In the records of a finished trial 83 of 306 people had visits after their disposition, up to 266 days
later. They were refused, and dating the end later would have falsified it.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Extent, Phase, Step
from participants.models import CourseStep, Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Answer, Booking, Completion
from schedules.models import Deviation, Visit
from schedules.selectors.paper.cards import visit_card
from schedules.selectors.store.course import course_of, standing_of
from schedules.selectors.windows.evaluation import windows_of_participants
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import book_visit, complete_visit, miss_visit, undo_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import a_version, an_enrolment, document
from tests.integration.course.test_course import live, phase, step, undo
from tests.integration.visits.test_visits import CONSENT, INFUSION, at, infused

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
END = date(2026, 12, 15)
_D28 = "  - code: d28\n    label: Day 28\n    epoch: follow-up\n    from: infusion\n"
_SAMPLE = "\nactivities:\n  - {code: smear, label: Smear, visits: [d14], basis: assumed}\n"
STAYING = "  - code: m24\n", "  - code: m24\n    stays_after_early_end: true\n"


@pytest.fixture
def participant() -> Participant:
    text = document()
    assert STAYING[0] in text
    version = a_version(text=text.replace(*STAYING))
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(version, anchors=anchors), by=None)
    infused(person)
    return person


def took_place(
    visit: Visit, on: date, reason: str = "Retrieval visit: she came for the safety check."
) -> Visit:
    visit.refresh_from_db()
    said = Completion(on, activities=None, outside_reason=reason)
    now = at(on.month, on.day, 12, on.year)
    return complete_visit(
        visit=visit, version=visit.version, completion=said, by=None, reason=reason, now=now
    )


@pytest.mark.parametrize(
    ("ends", "left", "expected"),
    [
        (Extent.TREATMENT, "all", Phase.OFF_TREATMENT),
        (Extent.VISITS, "staying", Phase.TERMINATED),
        (None, "staying", Phase.TERMINATED),
        (Extent.CONTACT, "none", Phase.TERMINATED),
    ],
)
def test_an_early_end_leaves_what_it_does_not_end(
    participant: Participant, ends: Extent | None, left: str, expected: Phase
) -> None:
    before = live(participant)
    step(participant, Step.EARLY_TERMINATION, END, ends=ends)
    assert phase(participant) is expected
    assert live(participant) == {"all": before, "staying": ["m24"], "none": []}[left]
    undo(participant)
    assert (phase(participant), live(participant)) == (Phase.FOLLOW_UP, before)


def test_the_end_of_treatment_and_the_end_of_the_study_are_two_days(participant: Participant) -> None:
    step(participant, Step.EARLY_TERMINATION, END, ends=Extent.TREATMENT)
    step(participant, Step.EARLY_TERMINATION, date(2027, 3, 1), ends=Extent.CONTACT)
    course = course_of(standing_of(participant))
    assert (course.treatment_ended_on, course.study_ended_on) == (END, date(2027, 3, 1))
    assert live(participant) == ["d14", "d28"], "closed before the second end, and still to be recorded"


@pytest.mark.parametrize("ends", [Extent.VISITS, Extent.CONTACT])
def test_a_visit_that_took_place_after_the_end_is_recorded_with_a_reason(
    participant: Participant, ends: Extent
) -> None:
    step(participant, Step.EARLY_TERMINATION, END, ends=ends)
    d28 = Visit.objects.get(code="d28")
    with pytest.raises(VisitRefused, match="took place after Early termination"):
        took_place(d28, d28.target, reason="")
    took_place(d28, d28.target)
    d28.refresh_from_db()
    assert (d28.performed_on, d28.cancelled_on, d28.cancelled_by) == (d28.target, None, None)
    assert d28.outside_reason.startswith("Retrieval")
    assert not Deviation.objects.filter(visit=d28).exists(), "it was in its window"
    undo_visit(visit=d28, version=d28.version, by=None, reason="wrong chart", now=at(1, 5, 12, 2027))
    d28.refresh_from_db()
    assert d28.performed_on is None
    assert d28.cancelled_by == CourseStep.objects.get(), "it ends with the course again"
    assert "d28" not in live(participant)
    undo(participant, now=at(1, 6, 12, 2027))
    assert "d28" in live(participant)


def test_a_visit_that_took_place_after_the_end_is_judged_by_the_days_that_hold_now(
    participant: Participant,
) -> None:
    """The infusion was two days later than was on record: Day 28 on 9 January is its last day."""
    step(participant, Step.EARLY_TERMINATION, END, ends=Extent.VISITS)
    later = RecordedAnchor("infusion", actual_on=INFUSION + 2 * DAY)
    record_anchor(participant=participant, anchor=later, by=None, reason="by the chart", now=at(12, 20))
    seen = took_place(Visit.objects.get(code="d28"), date(2027, 1, 9))
    assert (seen.opens, seen.target, seen.closes) == tuple(date(2027, 1, day) for day in (3, 6, 9))
    assert not Deviation.objects.filter(visit=seen).exists(), "it was in its window"


@pytest.mark.parametrize(
    ("which", "ends", "comes"),
    [
        (Step.DEATH, None, False),
        (Step.WITHDRAWAL, None, False),
        (Step.EARLY_TERMINATION, Extent.VISITS, False),
        (Step.EARLY_TERMINATION, Extent.TREATMENT, True),
    ],
)
def test_what_is_recorded_after_an_end_brings_no_new_visit(
    which: Step, ends: Extent | None, comes: bool
) -> None:
    """Day 28 of the protocol is counted from a sample that was taken at Day 14, and recorded afterwards."""
    assert _D28 in document()
    text = document().replace(_D28, _D28.replace("infusion", "{activity: smear}"))
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(a_version(text=text + _SAMPLE), anchors=anchors), by=None)
    infused(person)
    assert "d28" not in live(person)
    d14, end = Visit.objects.get(code="d14"), END + 9 * DAY
    step(person, which, end, ends=ends)
    said = Completion(d14.target, activities={"smear": Answer(True)})
    d14 = complete_visit(visit=d14, version=d14.version, completion=said, by=None, now=at(12, 26))
    assert ("d28" in live(person)) is comes
    undo(person, now=at(12, 27))
    assert Visit.objects.get(code="d28").target == d14.performed_on + 28 * DAY


def test_a_visit_of_the_protocol_with_the_name_of_an_early_end_comes_back_with_the_others() -> None:
    text = document().replace("  - code: m24\n", "  - code: early-termination\n")
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(a_version(text=text), anchors=anchors), by=None)
    infused(person)
    before = live(person)
    assert "early-termination" in before
    step(person, Step.EARLY_TERMINATION, END, ends=Extent.VISITS, seen_by=END + 9 * DAY)
    assert live(person) == ["early-termination-2"]
    undo(person)
    assert live(person) == before


def test_a_visit_that_was_to_come_after_the_end_is_to_come_again(participant: Participant) -> None:
    """One that was added after the end; done and taken back it came back cancelled with the course."""
    step(participant, Step.EARLY_TERMINATION, END, ends=Extent.VISITS)
    asked, now = Unscheduled(Booking(END + 9 * DAY)), at(12, 30)
    added = add_unscheduled(participant=participant, asked=asked, by=None, reason="a cough", now=now)
    seen = took_place(added, END + 9 * DAY, reason="")
    back = undo_visit(visit=seen, version=seen.version, by=None, reason="wrong chart", now=now)
    assert (back.performed_on, back.cancelled_on) == (None, None)
    over = miss_visit(visit=back, version=back.version, by=None, reason="did not come", now=now)
    back = undo_visit(visit=over, version=over.version, by=None, reason="wrong chart", now=now)
    assert (back.missed_on, back.cancelled_on) == (None, None)


def test_a_visit_done_before_the_end_is_cancelled_with_it_once_it_is_taken_back(
    participant: Participant,
) -> None:
    d28 = Visit.objects.get(code="d28")
    took_place(d28, d28.target, reason="")
    participant.refresh_from_db()
    step(participant, Step.EARLY_TERMINATION, END)
    d28.refresh_from_db()
    back = undo_visit(visit=d28, version=d28.version, by=None, reason="wrong chart", now=at(1, 5, 12, 2027))
    assert back.cancelled_by == CourseStep.objects.get()


@pytest.mark.parametrize(("after_closing", "goes"), [(0, True), (1, False)])
def test_a_visit_taken_back_goes_with_an_end_until_its_window_closes(
    participant: Participant, after_closing: int, goes: bool
) -> None:
    """On the last day of its window it was to come; the day after, what was missed of it is recorded."""
    d14 = Visit.objects.get(code="d14")
    took_place(d14, d14.target, reason="")
    participant.refresh_from_db()
    taken = step(participant, Step.EARLY_TERMINATION, d14.closes + after_closing * DAY)
    d14.refresh_from_db()
    back = undo_visit(visit=d14, version=d14.version, by=None, reason="wrong chart", now=at(12, 28))
    assert (back.cancelled_by, back.cancelled_on is not None) == (taken if goes else None, goes)


def test_a_visit_booked_outside_its_window_is_to_come_until_that_day(participant: Participant) -> None:
    """Of somebody who had died it stayed booked, and its day was reminded of."""
    d14, on = Visit.objects.get(code="d14"), date(2026, 12, 28)  # its window closes on the 23rd
    said = {"by": None, "reason": "travels at Christmas", "now": at(12, 21)}
    d14 = book_visit(visit=d14, version=d14.version, booking=Booking(on), **said)
    card = visit_card(participant, at(12, 24))
    assert [line.on for line in card.lines if "d14" in line.codes] == [on]
    participant.refresh_from_db()
    step(participant, Step.DEATH, date(2026, 12, 24))
    d14.refresh_from_db()
    assert (d14.cancelled_by, "d14" in live(participant)) == (CourseStep.objects.get(), False)
    undo(participant)
    d14.refresh_from_db()
    assert (d14.booked_on, d14.outside_reason, d14.cancelled_on) == (on, "travels at Christmas", None)


def test_what_took_place_after_a_second_end_is_cancelled_with_that_again(participant: Participant) -> None:
    """A visit that stays after the first end came back to come, after the end of all contact."""
    step(participant, Step.EARLY_TERMINATION, END, ends=Extent.VISITS)
    second = step(participant, Step.WITHDRAWAL, END + DAY)
    m24 = Visit.objects.get(code="m24")
    assert m24.cancelled_by == second
    took_place(m24, m24.target)
    m24.refresh_from_db()
    back = undo_visit(visit=m24, version=m24.version, by=None, reason="wrong chart", now=at(12, 9, 12, 2028))
    assert back.cancelled_by == second
    undo(participant, now=at(12, 9, 12, 2028))
    assert live(participant) == ["m24"]


def test_a_visit_that_stays_needs_no_reason(participant: Participant) -> None:
    step(participant, Step.EARLY_TERMINATION, END, ends=Extent.VISITS)
    m24 = Visit.objects.get(code="m24")
    assert took_place(m24, m24.target, reason="").performed_on == m24.target


@pytest.mark.parametrize(
    ("which", "ends", "days", "refusal"),
    [
        (Step.EARLY_TERMINATION, Extent.VISITS, 266, ""),
        (Step.EARLY_TERMINATION, Extent.CONTACT, 266, ""),
        (Step.WITHDRAWAL, None, 30, ""),
        (Step.LOST, None, 30, ""),
        (Step.DEATH, None, 1, "no visit is added then"),
    ],
)
def test_a_visit_that_nobody_planned_is_recorded_after_an_end(
    participant: Participant, which: Step, ends: Extent | None, days: int, refusal: str
) -> None:
    step(participant, which, END, ends=ends)
    on = END + days * DAY
    later = at(on.month, on.day, 18, on.year) + DAY
    asked = Unscheduled(Booking(on))
    if refusal:
        with pytest.raises(VisitRefused, match=refusal):
            add_unscheduled(participant=participant, asked=asked, by=None, reason="seen", now=later)
        return
    visit = add_unscheduled(participant=participant, asked=asked, by=None, reason="seen", now=later)
    said = Completion(on, activities=None)
    done = complete_visit(visit=visit, version=visit.version, completion=said, by=None, now=later)
    assert done.performed_on == on


def test_nothing_is_planned_to_come_after_an_end_of_all_contact(participant: Participant) -> None:
    step(participant, Step.WITHDRAWAL, END)
    ahead = Unscheduled(Booking(END + 9 * DAY))
    with pytest.raises(VisitRefused, match="All contact has ended"):
        add_unscheduled(participant=participant, asked=ahead, by=None, reason="seen", now=at(12, 16))


def test_an_end_is_dated_before_the_visits_that_took_place_after_it(participant: Participant) -> None:
    """A history is entered in the order of the forms: the visits first, the disposition last."""
    for code in ("d14", "d28"):
        visit = Visit.objects.get(code=code)
        took_place(visit, visit.target, reason="")
    participant.refresh_from_db()
    taken = step(participant, Step.EARLY_TERMINATION, END)
    assert taken.happened_on == END
    assert Visit.objects.get(code="d28").performed_on


def test_no_treatment_is_recorded_after_the_course_has_ended(participant: Participant) -> None:
    other = enrol(
        enrolment=an_enrolment(
            participant.protocol_version,
            subject_code="S01-002",
            anchors={"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)},
        ),
        by=None,
    )
    step(other, Step.SCREEN_FAILURE, date(2026, 11, 25))
    d0 = Visit.objects.get(participant=other, code="d0")
    with pytest.raises(VisitRefused, match="undo that step first"):
        took_place(d0, INFUSION)


def test_a_corrected_infusion_moves_what_stays_and_leaves_what_ended(participant: Participant) -> None:
    step(participant, Step.EARLY_TERMINATION, END, ends=Extent.VISITS)
    m24, d28 = Visit.objects.get(code="m24"), Visit.objects.get(code="d28")
    anchor = RecordedAnchor("infusion", planned_on=INFUSION, actual_on=INFUSION + DAY)
    record_anchor(
        participant=participant, anchor=anchor, now=at(12, 20), by=None, reason="It was given a day later."
    )
    assert Visit.objects.get(code="m24").target == m24.target + DAY
    after = Visit.objects.get(code="d28")
    assert (after.cancelled_by, after.target) == (d28.cancelled_by, d28.target)


def test_a_death_that_becomes_known_later_ends_the_course_on_its_day(participant: Participant) -> None:
    """Nobody answered on 20 January; in February it becomes known that the participant died on 2 January."""
    lost, died = date(2027, 1, 20), date(2027, 1, 2)
    step(participant, Step.LOST, lost)
    assert Visit.objects.get(code="d28").cancelled_on is None, "its window, to 7 January, is to be recorded"
    participant.refresh_from_db()
    take_step(
        participant=participant,
        version=participant.version,
        request=StepRequest(Step.DEATH, died),
        by=None,
        reason="",
        now=at(2, 10, 12, 2027),
    )
    d28 = Visit.objects.get(code="d28")
    assert (d28.cancelled_on is not None, phase(participant)) == (True, Phase.DIED)
    (read,) = windows_of_participants([participant.pk])
    assert read.facts.ended_at == died
    with pytest.raises(VisitRefused, match="no visit can have been done then"):
        took_place(d28, date(2027, 1, 4))
