"""A step of a course is shown before it is taken, and taken as it was shown or not at all.

Of CART-SLE: screening from 9 November to 1 December 2026, chemotherapy on Wednesday 2 to Friday 4 December
for an infusion on Monday the 7th, D28 on Monday 4 January 2027 (1 to 7 January).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import AbsenceRefused, CourseRefused
from participants.domain.lifecycle import Phase, Step, phase_of
from participants.models import Absence, Anchor, CourseStep, Participant
from participants.services.absences import Away
from schedules.domain.errors import BookingsOrphaned, ReplanningStale
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.visits.values import Booking
from schedules.models import CalendarState, Deviation, Flag, ProtocolWindow, Reminder, Visit
from schedules.selectors.readiness.holds import expected_before, waiting_of_participant
from schedules.selectors.store.course import course_of, standing_of
from schedules.services.availability.absence_previews import commit_end, preview_end
from schedules.services.availability.absences import add_absence, close_absence
from schedules.services.course.holds import sweep_holds
from schedules.services.course.rehearsals import Act, Rehearsal, perform_as_shown, rehearse
from schedules.services.course.repetition import repeat_lymphodepletion, withdraw_repetition
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.reminders.sweeping import sweep_closing
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import book_visit, miss_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from schedules.services.windows.evaluation import sweep_windows
from schedules.web.shared.preview_rows import preview_rows
from tests.cast import a_version, an_enrolment
from tests.integration.visits.test_visits import (
    CONSENT,
    INFUSION,
    at,
    conditioned,
    done,
    infused,
    visit,
)
from trials.domain.stored_sentences import facts_text
from trials.formats.protocols import library
from trials.models import AuditEntry
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
JANUARY = date(2027, 1, 11)
"""A Monday: chemotherapy again from Wednesday the 6th."""
DEC_12 = at(12, 12)


@pytest.fixture
def participant() -> Participant:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


@pytest.fixture
def waiting(participant: Participant) -> Participant:
    """Chemotherapy is given; on hold for a fever since Saturday 5 December."""
    conditioned(participant)
    take(participant, Step.HOLD, date(2026, 12, 5))
    return participant


def asking(person: Participant, which: Step, on: date, **values: Any) -> Act:
    return act(person, take_step, at(on.month, on.day, 12, on.year), request=StepRequest(which, on, **values))


def act(person: Participant, service: Any, now: datetime, **values: Any) -> Act:
    person.refresh_from_db()
    said = {"participant": person, "version": person.version, "by": None, "reason": "as told", "now": now}
    return partial(service, **{**said, **values})


def take(person: Participant, which: Step, on: date, **values: Any) -> CourseStep:
    step: CourseStep = asking(person, which, on, **values)()
    return step


def shown(person: Participant, what: Act) -> Rehearsal:
    return rehearse(participant=person, act=what, now=what.keywords["now"])


def kept(person: Participant, what: Act, digest: str, *, accept: bool = False) -> None:
    now = what.keywords["now"]
    perform_as_shown(participant=person, act=what, digest=digest, accept_unbookable=accept, now=now)


def effects(preview: Rehearsal) -> dict[str, tuple[Effect, ...]]:
    return {change.code: change.effects for change in preview.changed}


def phase(person: Participant) -> Phase:
    return phase_of(course_of(standing_of(person)))


def everything() -> list[Any]:
    tables = (
        Participant,
        Visit,
        CourseStep,
        Anchor,
        ProtocolWindow,
        Deviation,
        Flag,
        CalendarState,
        AuditEntry,
    )
    return [list(table.objects.order_by("pk").values()) for table in tables]


# --- shown first ----------------------------------------------------------------------------------
def test_a_rehearsal_writes_nothing_and_says_what_the_step_then_does(participant: Participant) -> None:
    infused(participant)
    before = everything()
    what = asking(participant, Step.WITHDRAWAL, date(2026, 12, 15))
    preview = shown(participant, what)
    assert everything() == before
    called_off = {code for code, found in effects(preview).items() if found == (Effect.CANCELLED_BY_COURSE,)}
    kept(participant, what, preview.digest)
    cancelled = Visit.objects.filter(cancelled_by=CourseStep.objects.get())
    assert called_off == set(cancelled.values_list("code", flat=True)) == set(effects(preview))


def test_what_changed_since_refuses_the_step_and_shows_it_again(
    participant: Participant,
) -> None:
    infused(participant)
    what = asking(participant, Step.DEATH, date(2026, 12, 15))
    preview = shown(participant, what)
    d28 = visit(participant, "d28")
    booking = Booking(date(2027, 1, 4))
    book_visit(visit=d28, version=d28.version, booking=booking, by=None, now=at(12, 15))
    before = everything()
    with pytest.raises(ReplanningStale) as stale:
        kept(participant, what, preview.digest)
    assert everything() == before, "refused as a whole"
    again = stale.value.preview
    assert isinstance(again, Rehearsal)
    assert next(change.booked_on for change in again.visits if change.code == "d28") == booking.on
    kept(participant, what, again.digest)
    assert phase(participant) is Phase.DIED


def test_another_step_than_was_shown_is_not_taken(participant: Participant) -> None:
    """Withdrawal and loss to follow-up cancel the same visits: what was shown is one of them."""
    infused(participant)
    preview = shown(participant, asking(participant, Step.WITHDRAWAL, date(2026, 12, 15)))
    with pytest.raises(ReplanningStale):
        kept(participant, asking(participant, Step.LOST, date(2026, 12, 15)), preview.digest)
    assert not CourseStep.objects.exists()


def test_a_rescreening_shows_what_comes_again_what_is_new_and_what_stays(participant: Participant) -> None:
    """Screened on 16 November, failed on the 18th, screened again for an infusion on 11 January 2027."""
    done(visit(participant, "screening"), date(2026, 11, 16), at(11, 16))
    d28 = visit(participant, "d28")
    book_visit(visit=d28, version=d28.version, booking=Booking(date(2027, 1, 4)), by=None, now=at(11, 17))
    take(participant, Step.SCREEN_FAILURE, date(2026, 11, 18))
    what = asking(participant, Step.RESCREENING, date(2026, 11, 20), day_zero=JANUARY)
    before = everything()
    preview = shown(participant, what)
    assert everything() == before
    screenings = {change.effects: change for change in preview.visits if change.code == "screening"}
    assert set(screenings) == {(Effect.ADDED,), (Effect.RETAINED,)}
    added = screenings[Effect.ADDED,].after
    assert added is not None
    assert (added.opens, added.closes) == (date(2026, 12, 14), date(2027, 1, 5))
    assert effects(preview)["d14"] == (Effect.RESTORED,)
    assert effects(preview)["d28"] == (Effect.BOOKING_OUTSIDE, Effect.RESTORED)
    moved = {window.code for window in preview.windows if window.effect is Effect.MOVED}
    assert "dlt-observation" in moved
    with pytest.raises(BookingsOrphaned, match=r"Day 28 \(2027-01-04\)"):
        kept(participant, what, preview.digest)
    assert phase(participant) is Phase.SCREEN_FAILED
    kept(participant, what, preview.digest, accept=True)
    again = visit(participant, "d28")
    assert (phase(participant), again.booked_on, again.target) == (
        Phase.SCREENING, date(2027, 1, 4), date(2027, 2, 8),
    )  # fmt: skip


def test_the_reminders_and_the_gates_of_others_are_shown_with_a_step() -> None:
    """A second participant is to begin on 5 January, once the first one's observation is over.

    The first infusion slipped to 17 December, so that it is not; then the first one withdraws.
    """
    consent = {"consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL)}
    gated = a_version(text=library.path("CART-SLE").read_text(encoding="utf-8"))
    one = an_enrolment(gated, anchors={"infusion": AnchorDay(INFUSION), **consent})
    first = enrol(enrolment=one, by=None)
    begun = {"infusion": AnchorDay(date(2027, 1, 10))}
    second = enrol(enrolment=replace(one, subject_code="S01-002", anchors={**begun, **consent}), by=None)
    slipped = RecordedAnchor("infusion", actual_on=date(2026, 12, 17))
    record_anchor(participant=first, anchor=slipped, now=at(12, 17), by=None)
    sweep_closing(now=at(12, 18), days=30)
    waiting = Reminder.objects.filter(visit__participant=first, visit__closes__gte=date(2026, 12, 18))
    preview = shown(first, asking(first, Step.WITHDRAWAL, date(2026, 12, 18)))
    assert preview.around.cancelled == waiting.count() > 0
    (gate,) = preview.around.gates
    assert (gate.subject, gate.before.open, gate.after.open) == ("S01-002", False, True)
    later = RecordedAnchor("infusion", planned_on=date(2027, 1, 25))
    record_anchor(participant=second, anchor=later, now=at(12, 18), by=None)
    with pytest.raises(ReplanningStale):
        kept(first, asking(first, Step.WITHDRAWAL, date(2026, 12, 18)), preview.digest)


def test_a_draft_that_is_none_any_more_is_shown_with_the_step(waiting: Participant) -> None:
    """Repeated on Sunday 6 December, the day before the infusion was due: withdrawn, nothing is late."""
    now = at(12, 6)
    repeating(waiting, now=now)()
    (broken,) = holds()
    preview = shown(waiting, taking_back(waiting, now=now))
    assert (preview.around.drafted, preview.around.lapsed) == ((), (("hold", broken.facts),))
    assert [heading for heading, _said in preview_rows(preview).warnings] == ["A deviation no longer applies"]
    kept(waiting, taking_back(waiting, now=now), preview.digest)
    assert holds()[0].lapsed_on == date(2026, 12, 6)


def test_a_rehearsal_asks_as_much_of_many_visits_as_of_few(participant: Participant) -> None:
    infused(participant)
    what = asking(participant, Step.WITHDRAWAL, date(2026, 12, 15))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(participant, what)
        return len(captured)

    def add(*days: int) -> None:
        for day in days:
            asked = Unscheduled(Booking(date(2027, 2, day)))
            add_unscheduled(participant=participant, asked=asked, by=None, reason="rash", now=at(12, 10))

    add(8)
    few = queries()
    add(11, 12, 13, 14)
    assert queries() == few


def test_days_are_suggested_without_an_absence_only_as_it_was_shown(participant: Participant) -> None:
    """D28 is Monday 4 January 2027; away from the 2nd to the 5th it is suggested for the 6th."""
    record_working_days(site=participant.site, by=None, first_year=2026, last_year=2028)
    away = Away(date(2027, 1, 2), date(2027, 1, 5), participant=participant)
    absence = add_absence(away=away, by=None, now=at(11, 21))
    before = everything()
    preview = preview_end(absence=absence, now=at(11, 22))
    assert everything() == before
    found = {change.code: (change.effects, change.suggested) for change in preview.changed}
    assert found["d28"] == ((Effect.SUGGESTED,), (date(2027, 1, 6), date(2027, 1, 4)))
    said = {"absence": absence, "by": None, "now": at(11, 22), "reason": "stays"}
    d28 = visit(participant, "d28")
    book_visit(visit=d28, version=d28.version, booking=Booking(date(2027, 1, 6)), by=None, now=at(11, 22))
    with pytest.raises(ReplanningStale) as stale:
        commit_end(digest=preview.digest, **said)
    assert not Absence.objects.get().ended
    commit_end(digest=stale.value.preview.digest, **said)  # type: ignore[attr-defined]
    stands = visit(participant, "d28")
    assert (stands.suggested, stands.booked_on) == (date(2027, 1, 4), date(2027, 1, 6)), "no booking moves"
    with pytest.raises(AbsenceRefused, match="ended already"):
        close_absence(absence=absence, by=None, now=at(11, 22), reason="twice")


# --- a repeated lymphodepletion -------------------------------------------------------------------
def repeating(person: Participant, day_zero: date = JANUARY, **values: Any) -> Act:
    return act(person, repeat_lymphodepletion, values.pop("now", DEC_12), day_zero=day_zero, **values)


def taking_back(person: Participant, day_zero: date = INFUSION, **values: Any) -> Act:
    return act(person, withdraw_repetition, values.pop("now", DEC_12), day_zero=day_zero, **values)


def holds() -> list[Deviation]:
    return list(Deviation.objects.filter(kind="hold").order_by("pk"))


def test_a_block_that_was_broken_off_drafts_itself_once_with_the_facts(waiting: Participant) -> None:
    """On Saturday 12 December it is five days late, and nobody has drafted the wait yet."""
    preview = shown(waiting, repeating(waiting, reason="the product was thawed"))
    assert [kind for kind, _facts in preview.around.drafted] == ["hold"]
    repeating(waiting, reason="the product was thawed")()
    (drafted,) = holds()
    assert (drafted.planned_on, drafted.occurred_on, drafted.actual_on, drafted.days, drafted.lapsed_on) == (
        INFUSION, date(2026, 12, 12), None, 5, None,
    )  # fmt: skip
    told = facts_text(drafted.facts)
    assert "given for the infusion on Monday 2026-12-07, which never followed" in told
    assert "Chemotherapy 1: Wednesday 2026-12-02." in told
    assert told.endswith("Reason given: the product was thawed")
    assert phase(waiting) is Phase.REPEATING
    assert waiting_of_participant(waiting) is None
    assert sweep_holds(now=at(12, 13)) == 0, "nobody waits any more"
    assert not Visit.objects.filter(held_on__isnull=False).exists()
    begin_again(waiting)
    infuse_again(waiting)
    assert [one.pk for one in holds()] == [drafted.pk], "the second block is kept, and the first stays broken"
    assert holds()[0].lapsed_on is None


def begin_again(person: Participant) -> None:
    for number in (1, 2, 3):
        on = date(2027, 1, 5 + number)
        again = Visit.objects.get(participant=person, code=f"ld-{number}", attempt=2)
        done(again, on, at(1, on.day, 12, 2027), outside_reason="screened again on the ward")


def infuse_again(person: Participant) -> None:
    again = Visit.objects.get(participant=person, code="d0", attempt=2)
    done(again, JANUARY, at(1, 11, 12, 2027), outside_reason="as planned")


def test_a_wait_that_is_drafted_becomes_the_block_that_was_broken_off(waiting: Participant) -> None:
    """One departure, one deviation; what a person has said of the wait stays beside it."""
    wait = rehearsed_wait(waiting)
    repeating(waiting)()
    (drafted,) = holds()
    assert (drafted.pk, "never followed" in facts_text(drafted.facts)) == (wait.pk, True)


def test_what_a_person_has_said_of_the_wait_stays_beside_the_broken_block(waiting: Participant) -> None:
    wait = rehearsed_wait(waiting)
    Deviation.objects.update(description="Fever of 39 degrees.")
    repeating(waiting)()
    first, second = holds()
    assert (first.pk, first.facts) == (wait.pk, wait.facts)
    assert "never followed" in facts_text(second.facts)


def rehearsed_wait(person: Participant) -> Deviation:
    """The draft of an infusion that waits, as the sweep of holds writes it."""
    sweep_holds(now=at(12, 10))
    (wait,) = holds()
    assert "never followed" not in facts_text(wait.facts)
    return wait


def test_chemotherapy_that_was_missed_is_planned_again_in_the_new_block(participant: Participant) -> None:
    """The second day was not given for a fever: the new block has all three."""
    done(visit(participant, "screening"), date(2026, 11, 16), at(11, 16))
    done(visit(participant, "ld-1"), date(2026, 12, 2), at(12, 2))
    second = visit(participant, "ld-2")
    miss_visit(visit=second, version=second.version, by=None, reason="fever", now=at(12, 3))
    repeating(participant)()
    block = Visit.objects.filter(code__startswith="ld-", attempt=2).order_by("code")
    assert [(v.code, v.missed_on, v.target) for v in block] == [
        (f"ld-{number}", None, date(2027, 1, 5 + number)) for number in (1, 2, 3)
    ]
    assert Visit.objects.get(code="ld-2", attempt=1).missed_on == date(2026, 12, 3)


def test_without_a_visit_that_says_what_was_given_nothing_is_repeated(participant: Participant) -> None:
    Anchor.objects.create(participant=participant, code="lymphodepletion-start", actual_on=date(2026, 12, 2))
    with pytest.raises(CourseRefused, match="chemotherapy was given on Wednesday 2026-12-02"):
        repeating(participant)()


def test_a_window_violated_around_the_first_block_stays_violated(waiting: Participant) -> None:
    """It moves with the new infusion and is kept there: that takes nothing back."""
    window = ProtocolWindow.objects.get(code="stay-near-site")
    about = {"key": f"window:{window.pk}:x", "kind": "window", "facts": "200 minutes away"}
    days = {"found_on": date(2026, 12, 9), "occurred_on": date(2026, 12, 8)}
    version = waiting.protocol_version
    violated = Deviation.objects.create(
        participant=waiting, window=window, protocol_version=version, **about, **days
    )
    repeating(waiting)()
    window.refresh_from_db()
    assert window.starts_on == JANUARY
    sweep_windows(now=at(12, 13))
    violated.refresh_from_db()
    assert (violated.lapsed_on, violated.withdrawn_on) == (None, None)


def test_what_holds_from_the_first_chemotherapy_on_goes_on_and_a_test_is_asked_for_anew() -> None:
    """NCT07339332: contraception from 28 days before lymphodepletion to a year after the infusion.

    Its partner's from lymphodepletion on; hCG within 48 hours before it.
    """
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    asked = an_enrolment(a_version("NCT07339332"), anchors=anchors, traits=["childbearing_potential"])
    person = enrol(enrolment=asked, by=None)
    done(Visit.objects.get(code="ld-1"), date(2026, 12, 2), at(12, 2), outside_reason="as listed")

    def starts() -> dict[str, date | None]:
        return dict(ProtocolWindow.objects.values_list("code", "starts_on"))

    repeating(person, now=at(12, 6))()
    assert starts()["contraception"] == date(2026, 11, 4)
    assert starts()["contraception-partner"] == date(2026, 12, 2)
    assert ProtocolWindow.objects.get(code="contraception").ends_on == date(2028, 1, 11)
    hcg = ProtocolWindow.objects.get(code="hcg-before-lymphodepletion")
    assert "2027-01-06" in hcg.because
    taking_back(person, now=at(12, 6))()
    assert starts()["contraception-partner"] == date(2026, 12, 2)


# --- withdrawn -----------------------------------------------------------------------------------
def test_a_mistaken_repetition_is_taken_back_and_the_hold_goes_on(waiting: Participant) -> None:
    def stands() -> list[Any]:
        columns = (
            "code",
            "uid",
            "attempt",
            "opens",
            "target",
            "closes",
            "performed_on",
            "held_on",
            "applies",
        )
        planned = Visit.objects.filter(participant=waiting, attempt__gte=1).order_by("code")
        anchors = Anchor.objects.order_by("code").values_list("code", "planned_on", "actual_on")
        return [*planned.values_list(*columns), *anchors]

    before, wait = stands(), waiting_of_participant(waiting)
    repeating(waiting)()
    assert expected_before(waiting) == INFUSION
    what = taking_back(waiting)
    preview = shown(waiting, what)
    assert phase(waiting) is Phase.REPEATING
    found = [(change.code, change.effects) for change in preview.changed]
    assert ("ld-1", (Effect.CANCELLED_BY_COURSE,)) in found
    assert effects(preview)["d28"] == (Effect.MOVED, Effect.HELD)
    kept(waiting, what, preview.digest)
    assert phase(waiting) is Phase.ON_HOLD
    assert stands() == before
    assert waiting_of_participant(waiting) == wait
    (drafted,) = holds()
    assert "never followed" not in facts_text(drafted.facts), "it waits again, and no block was broken off"
    assert "waits" in facts_text(drafted.facts)
    aside = Visit.objects.filter(attempt=0)
    assert set(aside.values_list("code", "cancelled_reason", "applies")) == {
        (f"ld-{number}", "as told", False) for number in (1, 2, 3)
    }


def test_repeated_again_the_new_block_takes_up_what_calendars_know_of_it(waiting: Participant) -> None:
    repeating(waiting)()
    first = set(Visit.objects.filter(code__startswith="ld-", attempt=2).values_list("uid", flat=True))
    taking_back(waiting)()
    repeating(waiting, date(2027, 1, 18))()
    block = Visit.objects.filter(code__startswith="ld-", attempt=2, cancelled_on=None).order_by("code")
    assert set(block.values_list("uid", flat=True)) == first
    assert [visit.target for visit in block] == [date(2027, 1, 12 + number) for number in (1, 2, 3)]
    taking_back(waiting)()
    assert phase(waiting) is Phase.ON_HOLD


REFUSED = [
    ("without a reason", {"reason": " "}, "Enter a reason"),
    ("for a day that chemotherapy cannot have been given for", {"day_zero": date(2026, 12, 4)}, "S01-001"),
]


@pytest.mark.parametrize(("why", "values", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_not_taken_back(waiting: Participant, why: str, values: Any, message: str) -> None:
    repeating(waiting)()
    with pytest.raises(CourseRefused, match=message):
        taking_back(waiting, **values)()
    assert phase(waiting) is Phase.REPEATING, why


def test_a_repetition_that_has_begun_is_not_taken_back(waiting: Participant) -> None:
    repeating(waiting)()
    begin_again(waiting)
    with pytest.raises(CourseRefused, match="was done on Wednesday 2027-01-06"):
        taking_back(waiting, now=at(1, 9, 12, 2027))()


def test_only_a_repetition_is_taken_back_so(waiting: Participant) -> None:
    with pytest.raises(CourseRefused, match="no repeated treatment"):
        taking_back(waiting)()


# --- what a step leaves on hold -------------------------------------------------------------------
@pytest.mark.parametrize("which", [Step.RESUMPTION, Step.WITHDRAWAL], ids=str)
def test_what_is_taken_back_into_a_hold_waits_again(waiting: Participant, which: Step) -> None:
    take(waiting, which, date(2026, 12, 6))
    assert not Visit.objects.filter(held_on__isnull=False).exists()
    act(waiting, undo_last_step, at(12, 6))()
    assert phase(waiting) is Phase.ON_HOLD
    assert visit(waiting, "d28").held_on == date(2026, 12, 5)


def test_taken_back_after_the_infusion_nothing_waits(waiting: Participant) -> None:
    done(visit(waiting, "d0"), date(2026, 12, 9), at(12, 9), outside_reason="fever until yesterday")
    take(waiting, Step.WITHDRAWAL, date(2026, 12, 10))
    act(waiting, undo_last_step, at(12, 10))()
    assert phase(waiting) is Phase.FOLLOW_UP
    assert not Visit.objects.filter(held_on__isnull=False).exists()


def test_an_infusion_given_up_from_the_page_of_the_course_says_so_in_its_deviation(
    waiting: Participant,
) -> None:
    rehearsed_wait(waiting)
    take(waiting, Step.NEVER_INFUSED, date(2026, 12, 12))
    (drafted,) = holds()
    assert "the infusion waits. Abandoned: as told" in facts_text(drafted.facts)
    assert phase(waiting) is Phase.NEVER_INFUSED
