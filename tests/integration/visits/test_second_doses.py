"""A visit that sets its anchor whatever its tolerance, and a base that is booked before it has happened."""

from datetime import UTC, date, datetime

import pytest

from participants.domain.lifecycle import Step
from participants.models import Anchor
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Deviation, Visit
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import replan_many
from schedules.services.visits.appointments import book_visit, complete_visit, undo_visit
from tests.cast import a_version, an_enrolment

pytestmark = pytest.mark.django_db

DOCUMENT = """
format: 1
trial: TWO-DOSES
version: "1"
title: Two doses
zone: Asia/Shanghai
day_zero: dose-1
epochs: [{code: treatment, label: Treatment}]
anchors:
  - {code: signed, label: Signature, role: consent, not_after: [dose-1]}
  - {code: dose-1, label: First dose}
  - {code: dose-2, label: Second dose, derived: {anchor: dose-1, offset: P21D, basis: assumed}}
visits:
  - {code: first, label: First dose, epoch: treatment, from: dose-1, at: P0D, basis: assumed,
     tolerance: {before: P0D, after: P0D, basis: assumed}}
  - {code: second, label: Second dose, epoch: treatment, from: dose-2, at: P0D, basis: assumed,
     sets: dose-2, tolerance: {before: P2D, after: P2D, basis: assumed}}
  - {code: after, label: Day 28 after the second dose, epoch: treatment, from: dose-2, at: P28D,
     basis: assumed, tolerance: {before: P1D, after: P1D, basis: assumed}}
  - {code: call, label: Call, epoch: treatment, from: {visit: after}, at: P7D,
     basis: assumed, tolerance: {before: P0D, after: P0D, basis: assumed}}
"""
FIRST = date(2026, 11, 2)  # a Monday; the second dose on 23 November, day 21


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


@pytest.fixture
def undosed():
    asked = an_enrolment(
        a_version(text=DOCUMENT),
        anchors={
            "dose-1": AnchorDay(FIRST),
            "signed": AnchorDay(date(2026, 10, 30), AnchorKind.ACTUAL),
        },
    )
    return enrol(enrolment=asked, by=None)


@pytest.fixture
def person(undosed):
    done(undosed, "first", FIRST)
    return undosed


def visit(person, code):
    return Visit.objects.get(participant=person, code=code)


def done(person, code, day, why=""):
    found, completion = visit(person, code), Completion(day, None, outside_reason=why)
    return complete_visit(visit=found, version=found.version, completion=completion, by=None, now=noon(day))


def test_a_second_dose_given_two_days_late_moves_what_counts_from_it(person):
    done(person, "second", date(2026, 11, 25))
    assert Anchor.objects.get(participant=person, code="dose-2").actual_on == date(2026, 11, 25)
    assert visit(person, "second").target == date(2026, 11, 23)
    assert visit(person, "after").target == date(2026, 12, 23)
    done(person, "after", date(2026, 12, 23))
    assert not Deviation.objects.filter(participant=person).exists()


def test_a_late_dose_that_moves_others_is_saved_once_its_preview_was_shown(person):
    found = visit(person, "second")

    def give(seen):
        completion = Completion(date(2026, 11, 25), None, seen=seen)
        now = noon(date(2026, 11, 25))
        return complete_visit(visit=found, version=found.version, completion=completion, by=None, now=now)

    with pytest.raises(VisitRefused, match="The calendar moves with it") as asked:
        give("")
    assert visit(person, "second").performed_on is None
    assert give(asked.value.preview.digest).performed_on == date(2026, 11, 25)


def test_a_dose_outside_its_tolerance_is_a_deviation_although_it_sets_the_day(person):
    done(person, "second", date(2026, 11, 27), "The participant had a cold.")
    assert Deviation.objects.filter(participant=person, visit__code="second").count() == 1
    assert visit(person, "after").target == date(2026, 12, 25)


def test_taking_the_dose_back_gives_its_anchor_back_to_its_rule(person):
    given = done(person, "second", date(2026, 11, 25))
    undo_visit(
        visit=given, version=given.version, by=None, reason="Another person.", now=noon(date(2026, 11, 25))
    )
    assert visit(person, "after").target == date(2026, 12, 21)


def test_a_visit_follows_the_booking_of_what_it_counts_from_and_stays_open_for_its_other_days(person):
    base = visit(person, "after")
    assert (visit(person, "call").opens, visit(person, "call").closes) == (
        date(2026, 12, 27),
        date(2026, 12, 29),
    )
    book_visit(
        visit=base, version=base.version, booking=Booking(date(2026, 12, 22)), by=None, now=noon(FIRST)
    )
    call = visit(person, "call")
    assert (call.opens, call.target, call.closes) == (
        date(2026, 12, 27),
        date(2026, 12, 29),
        date(2026, 12, 29),
    )


@pytest.mark.parametrize("code", ["second", "after"])
def test_nothing_that_follows_from_the_first_dose_happens_before_it(undosed, code):
    """Whoever gave a reason could record a second dose before the first."""
    with pytest.raises(VisitRefused, match="counts from First dose, which is not on record yet"):
        done(undosed, code, date(2026, 11, 1), "There was no other day.")
    done(undosed, "first", FIRST)
    with pytest.raises(VisitRefused, match="counts from First dose on Monday 2026-11-02"):
        done(undosed, code, date(2026, 11, 1), "There was no other day.")


def test_an_end_that_cancels_a_visit_plans_again_what_counts_from_it(person):
    """The window was that of a visit still awaited until somebody planned again for another reason."""
    done(person, "second", date(2026, 11, 23))
    assert (visit(person, "call").opens, visit(person, "call").closes) == (
        date(2026, 12, 27),
        date(2026, 12, 29),
    )
    done(person, "call", date(2026, 12, 27), "before the visit that it counts from")
    person.refresh_from_db()
    request = StepRequest(Step.EARLY_TERMINATION, date(2026, 12, 2))
    take_step(
        participant=person, version=person.version, request=request, by=None, reason="moves away",
        now=noon(date(2026, 12, 27)),
    )  # fmt: skip
    found = visit(person, "call")
    assert (found.opens, found.closes) == (date(2026, 12, 28), date(2026, 12, 28))
    replan_many(ids=[person.pk], proposals={}, now=noon(date(2026, 12, 27)), by=None, reason="once more")
    again = visit(person, "call")
    assert (again.opens, again.closes, again.version) == (found.opens, found.closes, found.version)
