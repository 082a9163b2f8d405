"""The course of a participant: each step, what it does to the visits to come, and how it is withdrawn."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import CourseRefused
from participants.domain.lifecycle import Phase, Step, phase_of
from participants.models import Absence, Anchor, CourseStep, Participant
from participants.services.absences import Away
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.status import (
    Appointment,
    WindowPosition,
    appointment,
    clinic_days,
    window_position,
)
from schedules.domain.visits.values import Booking
from schedules.models import CalendarState, Visit
from schedules.selectors.store.course import course_of, standing_of
from schedules.selectors.store.stored_visits import record_of
from schedules.services.availability.absences import add_absence, close_absence
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import book_visit, miss_visit, undo_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import a_site, an_approval, an_enrolment
from tests.integration.visits.test_visits import (
    CONSENT,
    INFUSION,
    at,
    conditioned,
    done,
    infused,
    visit,
)
from trials.domain.errors import Stale
from trials.models import TrialSite
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant() -> Participant:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


def step(
    participant: Participant, which: Step, on: date, reason: str = "as told", **values: Any
) -> CourseStep:
    participant.refresh_from_db()
    return take_step(
        participant=participant,
        version=participant.version,
        request=StepRequest(which, on, **values),
        by=None,
        reason=reason,
        now=at(on.month, on.day, 12, on.year),
    )


def undo(participant: Participant, reason: str = "wrong chart", now: Any = None) -> CourseStep:
    participant.refresh_from_db()
    return undo_last_step(
        participant=participant,
        version=participant.version,
        by=None,
        reason=reason,
        now=now or at(12, 31),
    )


def phase(participant: Participant) -> Phase:
    participant.refresh_from_db()
    return phase_of(course_of(standing_of(participant)))


def position(shown: Visit, day: date) -> WindowPosition:
    return window_position(record_of(shown), clinic_days(day, None))


def live(participant: Participant) -> list[str]:
    rows = Visit.objects.filter(performed_on=None, missed_on=None, cancelled_on=None)
    return list(rows.filter(participant=participant).order_by("target").values_list("code", flat=True))


def test_withdrawal_cancels_what_follows_and_can_be_taken_back(participant: Participant) -> None:
    infused(participant)
    before, revision = live(participant), CalendarState.objects.get().revision
    step(participant, Step.WITHDRAWAL, date(2026, 12, 15))
    assert (phase(participant), live(participant)) == (Phase.WITHDRAWN, [])
    assert CalendarState.objects.get().revision == revision + 1
    given = Visit.objects.get(code="d28")
    assert appointment(record_of(given), date(2027, 1, 4)) is Appointment.CANCELLED
    with pytest.raises(VisitRefused) as refused:
        undo_visit(visit=given, version=given.version, by=None, reason="x", now=at(12, 16))
    assert "undo that step first" in str(refused.value)
    undo(participant)
    assert (phase(participant), live(participant)) == (Phase.FOLLOW_UP, before)


def test_screen_failure_and_screening_again(participant: Participant) -> None:
    """Screened on 16 November, failed on the 18th, screened again for an infusion on 11 January 2027."""
    done(visit(participant, "screening"), date(2026, 11, 16), at(11, 16))
    uid = visit(participant, "d28").uid
    step(participant, Step.SCREEN_FAILURE, date(2026, 11, 18))
    assert phase(participant) is Phase.SCREEN_FAILED
    assert position(Visit.objects.get(code="d28"), date(2026, 11, 18)) is WindowPosition.NOT_APPLICABLE
    step(participant, Step.RESCREENING, date(2026, 11, 20), day_zero=date(2027, 1, 11))
    assert phase(participant) is Phase.SCREENING
    screenings = list(Visit.objects.filter(code="screening").order_by("attempt"))
    assert [(v.attempt, v.performed_on) for v in screenings] == [(1, date(2026, 11, 16)), (2, None)]
    again = screenings[1]
    assert (again.opens, again.closes) == (date(2026, 12, 14), date(2027, 1, 5))  # D-28 to D-6
    assert (screenings[0].opens, screenings[0].closes) == (date(2026, 11, 9), date(2026, 12, 1))
    follow_up = visit(participant, "d28")
    assert (follow_up.target, follow_up.uid, follow_up.attempt) == (date(2027, 2, 8), uid, 2)
    assert not Anchor.objects.filter(code="screening").exists()
    done(again, date(2026, 12, 14), at(12, 14))
    assert Visit.objects.filter(code="screening").count() == 2
    first = screenings[0]
    with pytest.raises(VisitRefused, match="earlier attempt"):
        undo_visit(visit=first, version=first.version, by=None, reason="x", now=at(12, 15))


def test_a_visit_in_between_is_numbered_after_those_that_came_from_an_earlier_attempt(
    participant: Participant,
) -> None:
    """The first of two was done before the failure; the second goes on to the next attempt by its number."""
    for day in (22, 25):
        asked = Unscheduled(Booking(date(2026, 11, day)))
        add_unscheduled(participant=participant, asked=asked, by=None, reason="rash", now=at(11, 21))
    done(visit(participant, "unscheduled-1"), date(2026, 11, 22), at(11, 22))
    step(participant, Step.SCREEN_FAILURE, date(2026, 11, 23))
    step(participant, Step.RESCREENING, date(2026, 11, 23), day_zero=date(2027, 1, 11))
    asked = Unscheduled(Booking(date(2026, 11, 27)))
    add_unscheduled(participant=participant, asked=asked, by=None, reason="rash", now=at(11, 24))
    rows = Visit.objects.filter(unscheduled=True).order_by("pk").values_list("code", "attempt")
    assert list(rows) == [("unscheduled-1", 1), ("unscheduled-2", 2), ("unscheduled-3", 2)]


def test_a_visit_added_after_a_failure_is_to_come_though_screening_begins_again(
    participant: Participant,
) -> None:
    """It stayed with the attempt that was over, of which nobody is reminded."""
    step(participant, Step.SCREEN_FAILURE, date(2026, 11, 18))
    asked = Unscheduled(Booking(date(2026, 11, 27)))
    added = add_unscheduled(participant=participant, asked=asked, by=None, reason="rash", now=at(11, 18))
    step(participant, Step.RESCREENING, date(2026, 11, 20), day_zero=date(2027, 1, 11))
    added.refresh_from_db()
    assert (added.attempt, added.cancelled_on, added.booked_on) == (2, None, date(2026, 11, 27))


def test_a_rescreening_needs_a_day_zero_to_come(participant: Participant) -> None:
    step(participant, Step.SCREEN_FAILURE, date(2026, 11, 22))
    with pytest.raises(CourseRefused) as refused:
        step(participant, Step.RESCREENING, date(2026, 11, 23))
    assert "new planned day" in refused.value.fields["day_zero"][0]


def test_early_termination_brings_its_own_visit(participant: Participant) -> None:
    infused(participant)
    step(participant, Step.EARLY_TERMINATION, date(2026, 12, 15), seen_by=date(2026, 12, 29))
    assert (phase(participant), live(participant)) == (Phase.TERMINATED, ["early-termination"])
    last = visit(participant, "early-termination")
    assert (last.opens, last.closes) == (date(2026, 12, 15), date(2026, 12, 29))
    assert position(last, date(2026, 12, 20)) is WindowPosition.OPEN
    with pytest.raises(CourseRefused, match="1 visits are neither done"):
        step(participant, Step.COMPLETION, date(2026, 12, 16))
    done(last, date(2026, 12, 22), at(12, 22))
    step(participant, Step.COMPLETION, date(2026, 12, 22), reason="")
    assert phase(participant) is Phase.COMPLETED


def test_taking_an_early_termination_back_cancels_its_visit(participant: Participant) -> None:
    infused(participant)
    before = live(participant)
    step(participant, Step.EARLY_TERMINATION, date(2026, 12, 15), seen_by=date(2026, 12, 29))
    undo(participant, now=at(12, 16))
    assert live(participant) == before
    step(participant, Step.EARLY_TERMINATION, date(2026, 12, 16), seen_by=date(2027, 1, 8))
    assert live(participant) == ["early-termination-2"]


def test_hold_shows_and_ends_with_the_infusion(participant: Participant) -> None:
    conditioned(participant)
    step(participant, Step.HOLD, date(2026, 12, 5))
    assert phase(participant) is Phase.ON_HOLD
    for code in ("d0", "d28"):
        assert position(visit(participant, code), date(2026, 12, 5)) is WindowPosition.WAITING
    done(visit(participant, "d0"), date(2026, 12, 9), at(12, 9), outside_reason="fever until yesterday")
    assert phase(participant) is Phase.FOLLOW_UP
    assert not Visit.objects.filter(held_on__isnull=False).exists()


def test_resumption_ends_a_hold(participant: Participant) -> None:
    conditioned(participant)
    step(participant, Step.HOLD, date(2026, 12, 5))
    step(participant, Step.RESUMPTION, date(2026, 12, 6))
    assert phase(participant) is Phase.CONDITIONING
    assert not Visit.objects.filter(held_on__isnull=False).exists()


def test_never_infused(participant: Participant) -> None:
    conditioned(participant)
    step(participant, Step.NEVER_INFUSED, date(2026, 12, 6), reason="product out of specification")
    assert (phase(participant), live(participant)) == (Phase.NEVER_INFUSED, [])
    given = Visit.objects.get(code="d0")
    assert (given.applies, given.cancelled_reason) == (False, "product out of specification")


REFUSED = [
    ("a death before the last visit that was done", Step.DEATH, date(2026, 12, 6), "before"),
    ("a withdrawal tomorrow", Step.WITHDRAWAL, date(2026, 12, 21), "in the future"),
    ("a screen failure of somebody infused", Step.SCREEN_FAILURE, date(2026, 12, 20), "Possible:"),
    ("completion with visits to come", Step.COMPLETION, date(2026, 12, 20), "visits are neither done"),
]


@pytest.mark.parametrize(("why", "which", "on", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_steps(participant: Participant, why: str, which: Step, on: date, message: str) -> None:
    infused(participant)
    participant.refresh_from_db()
    with pytest.raises(CourseRefused) as refused:
        take_step(
            participant=participant,
            version=participant.version,
            request=StepRequest(which, on),
            by=None,
            reason="x",
            now=at(12, 20),
        )
    assert message in str(refused.value), why
    assert not CourseStep.objects.exists()


def test_nobody_is_seen_after_death(participant: Participant) -> None:
    infused(participant)
    day = date(2026, 12, 18)  # closed before, and not recorded yet: the step leaves it
    Visit.objects.filter(code="d14").update(opens=day, target=day, closes=day)
    step(participant, Step.DEATH, date(2026, 12, 19))
    with pytest.raises(VisitRefused, match="no visit can have been done then"):
        done(visit(participant, "d14"), date(2026, 12, 20), at(12, 21), outside_reason="x")


def test_the_second_of_two_steps_is_told(participant: Participant) -> None:
    participant.refresh_from_db()
    shown = participant.version
    step(participant, Step.SCREEN_FAILURE, date(2026, 11, 22))
    with pytest.raises(Stale):
        take_step(
            participant=participant,
            version=shown,
            request=StepRequest(Step.WITHDRAWAL, date(2026, 11, 22)),
            by=None,
            reason="x",
            now=at(11, 22),
        )


# --- another site ----------------------------------------------------------------------------------
def transfer(participant: Participant, on: date = date(2026, 12, 20), **values: Any) -> CourseStep:
    return step(participant, Step.TRANSFER, on, **values)


def test_transfer_asks_for_an_approved_site_and_about_bookings(participant: Participant) -> None:
    infused(participant)
    there = a_site("NJ")
    for same in (None, participant.site):
        with pytest.raises(CourseRefused, match="Give a site other than the present one"):
            transfer(participant, site=same)
    with pytest.raises(CourseRefused, match="does not run at"):
        transfer(participant, site=there)
    TrialSite.objects.create(trial=participant.trial, site=there)
    with pytest.raises(CourseRefused, match="has no approval in use"):
        transfer(participant, site=there)
    version = participant.protocol_version
    an_approval(there, version)
    booked = visit(participant, "d28")
    book_visit(
        visit=booked, version=booked.version, booking=Booking(date(2027, 1, 4)), by=None, now=at(12, 8)
    )
    late = visit(participant, "d14")
    outside = Booking(date(2026, 12, 28))  # its window closes on the 23rd
    book_visit(visit=late, version=late.version, booking=outside, by=None, reason="travels", now=at(12, 8))
    with pytest.raises(CourseRefused, match=r"Day 14 \(2026-12-28\), Day 28 \(2027-01-04\)"):
        transfer(participant, date(2026, 12, 24), site=there)
    transfer(participant, date(2026, 12, 24), site=there, release=True)
    participant.refresh_from_db()
    assert (participant.site, visit(participant, "d28").booked_on) == (there, None)
    released = visit(participant, "d14")
    assert (released.booked_on, released.outside_reason) == (None, "")
    assert phase(participant) is Phase.FOLLOW_UP


# --- in between -----------------------------------------------------------------------------------
def in_between(participant: Participant, on: date, reason: str = "rash") -> Visit:
    return add_unscheduled(
        participant=participant, asked=Unscheduled(Booking(on)), by=None, reason=reason, now=at(12, 8)
    )


def test_unscheduled_visits_are_numbered_between_their_neighbours(participant: Participant) -> None:
    infused(participant)
    labels = [in_between(participant, day).label for day in (date(2027, 1, 8), date(2027, 1, 9))]
    assert labels == ["Unscheduled 28.1", "Unscheduled 28.2"]
    assert in_between(participant, date(2026, 12, 9)).label == "Unscheduled 0.1"
    extra = visit(participant, "unscheduled-1")
    assert (extra.target, extra.booked_on, extra.epoch) == (
        date(2027, 1, 8), date(2027, 1, 8), visit(participant, "d28").epoch,
    )  # fmt: skip
    moved = book_visit(
        visit=extra,
        version=extra.version,
        booking=Booking(date(2027, 1, 12)),
        by=None,
        reason="travels",
        now=at(12, 8),
    )
    assert (moved.opens, moved.closes, moved.outside_reason) == (date(2027, 1, 12), date(2027, 1, 12), "")
    seen = done(moved, date(2027, 1, 13), at(1, 13, 12, 2027))
    assert appointment(record_of(seen), date(2027, 2, 1)) is Appointment.DONE
    with pytest.raises(VisitRefused, match="Enter "):
        in_between(participant, date(2027, 1, 20), reason=" ")


def booked(participant: Participant, code: str, on: date, reason: str = "") -> Visit:
    found = visit(participant, code)
    return book_visit(
        visit=found, version=found.version, booking=Booking(on), by=None, reason=reason, now=at(12, 8)
    )


def labels(participant: Participant) -> dict[date, str]:
    found = Visit.objects.filter(participant=participant, rule_code="unscheduled").order_by("target")
    return dict(found.values_list("target", "label"))


def test_an_unscheduled_visit_before_a_booked_one_is_not_numbered_after_it(participant: Participant) -> None:
    """D28 (target 4 January) is booked for the 6th: the 5th comes before it, whenever it was entered."""
    infused(participant)
    fifth = date(2027, 1, 5)
    assert in_between(participant, fifth).label == "Unscheduled 28.1"
    booked(participant, "d28", date(2027, 1, 6))
    assert labels(participant) == {fifth: "Unscheduled 14.1"}
    renamed = Visit.objects.get(participant=participant, rule_code="unscheduled")
    assert (renamed.version, renamed.epoch) == (2, visit(participant, "d14").epoch)
    in_between(participant, date(2027, 1, 7))
    assert labels(participant) == {fifth: "Unscheduled 14.1", date(2027, 1, 7): "Unscheduled 28.1"}
    booked(participant, "d28", date(2027, 1, 7), "travels")
    assert labels(participant)[date(2027, 1, 7)] == "Unscheduled 28.1", (
        "of one day the protocol's comes first"
    )
    third = in_between(participant, date(2027, 1, 2))
    assert (third.label, third.version) == ("Unscheduled 14.1", 1)
    assert labels(participant)[fifth] == "Unscheduled 14.2", "the second in the order of the days"


def test_unscheduled_labels_do_not_depend_on_the_order_of_entry(participant: Participant) -> None:
    infused(participant)
    days = [date(2027, 1, 9), date(2026, 12, 1), date(2026, 12, 9), date(2027, 1, 8), date(2026, 11, 30)]
    for day in days:
        in_between(participant, day)
    assert labels(participant) == {
        date(2026, 11, 30): "Unscheduled (before D0) 1",
        date(2026, 12, 1): "Unscheduled (before D0) 2",
        date(2026, 12, 9): "Unscheduled 0.1",
        date(2027, 1, 8): "Unscheduled 28.1",
        date(2027, 1, 9): "Unscheduled 28.2",
    }


def test_an_unscheduled_visit_is_renumbered_when_the_infusion_moves(participant: Participant) -> None:
    """Planned for the 7th and moved to the 9th: the 8th is before day zero then."""
    assert in_between(participant, date(2026, 12, 8)).label == "Unscheduled 0.1"
    commit = RecordedAnchor("infusion", planned_on=date(2026, 12, 9))
    record_anchor(participant=participant, anchor=commit, by=None, reason="no bed", now=at(11, 21))
    assert labels(participant) == {date(2026, 12, 8): "Unscheduled (before D0) 1"}


def test_a_skipped_visit_is_not_done_and_moves_nothing(participant: Participant) -> None:
    infused(participant)
    windows = list(Visit.objects.order_by("pk").values_list("code", "opens", "target", "closes"))
    skipped = visit(participant, "d14")
    miss_visit(visit=skipped, version=skipped.version, by=None, reason="did not come", now=at(12, 24))
    assert list(Visit.objects.order_by("pk").values_list("code", "opens", "target", "closes")) == windows


# --- away -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("whose", ["participant", "site"])
def test_days_are_suggested_around_absences(participant: Participant, whose: str) -> None:
    """D28 is Monday 4 January 2027 (1 to 7 January); away from Saturday 2 to Tuesday 5 January."""
    site = participant.site
    record_working_days(site=site, by=None, first_year=2026, last_year=2028)
    owner = {"participant": participant} if whose == "participant" else {"site": site}
    away = Away(date(2027, 1, 2), date(2027, 1, 5), **owner)
    absence = add_absence(away=away, by=None, now=at(11, 21))
    d28 = visit(participant, "d28")
    assert d28.suggested == date(2027, 1, 6)
    assert "away" in d28.why_shifted
    infused(participant)  # a re-planning keeps it
    assert visit(participant, "d28").suggested == date(2027, 1, 6)
    close_absence(absence=absence, by=None, reason="stays", now=at(12, 8))
    assert visit(participant, "d28").suggested == date(2027, 1, 4)
    assert Absence.objects.get().ended


def test_whoever_is_enrolled_meanwhile_is_planned_around_it_too(participant: Participant) -> None:
    record_working_days(site=participant.site, by=None, first_year=2026, last_year=2028)
    away = Away(date(2027, 1, 2), date(2027, 1, 5), site=participant.site)
    add_absence(away=away, by=None, now=at(11, 21))
    other = enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S01-002"), by=None)
    assert visit(other, "d28").suggested == date(2027, 1, 6)
