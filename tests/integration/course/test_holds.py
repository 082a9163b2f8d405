"""Between chemotherapy and infusion: delayed, resumed, repeated or given up; flags and deviations follow."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import CourseRefused
from participants.domain.lifecycle import Phase, Step, next_steps, phase_of
from participants.models import CourseStep, Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Completion
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import Deviation, Flag, Visit
from schedules.selectors.deviations.trial_logs import WantedLog, enrolment_log, screening_log
from schedules.selectors.readiness.holds import waiting_of_participant
from schedules.selectors.store.course import course_of, standing_of
from schedules.selectors.windows.verdicts import windows_of_participant
from schedules.services.course.holds import (
    Resumption,
    abandon_infusion,
    hold_infusion,
    record_fever,
    resume_infusion,
    sweep_holds,
)
from schedules.services.course.repetition import repeat_lymphodepletion
from schedules.services.course.status_changes import undo_last_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Preview, Proposal, commit_replanning, preview_replanning
from schedules.services.visits.appointments import complete_visit
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import an_enrolment
from tests.integration.visits.test_visits import (
    CONSENT,
    INFUSION,
    at,
    conditioned,
    done,
    visit,
)
from trials.domain.errors import Stale
from trials.domain.stored_sentences import facts_text
from trials.models import User
from trials.services.protocols.closure import freeze_trial

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def participant() -> Participant:
    """Of CART-SLE: chemotherapy on 2 to 4 December 2026, for an infusion on Monday the 7th."""
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    conditioned(person)
    person.refresh_from_db()
    return person


def infusion_on(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})


def slipped(person: Participant, day: date, now: datetime) -> Preview:
    preview = preview_replanning(participant=person, proposal=infusion_on(day), now=now)
    return commit_replanning(
        participant=person, proposal=preview.proposal, digest=preview.digest, now=now, by=None, reason="fever"
    )


def held(person: Participant, on: date = date(2026, 12, 5)) -> CourseStep:
    return acted(hold_infusion, person, on=on, now=at(on.month, on.day))


def acted(service: Any, person: Participant, **values: Any) -> CourseStep:
    person.refresh_from_db()
    values = {"by": None, "reason": "fever", **values}
    return service(participant=person, version=person.version, **values)


def verdicts(person: Participant, now: datetime) -> set[VerdictStatus]:
    """Of all windows; those of CART-SLE count from the infusion."""
    return {one.verdict.status for one in windows_of_participant(person).judged(now)}


def phase(person: Participant) -> Phase:
    person.refresh_from_db()
    return phase_of(course_of(standing_of(person)))


def test_a_hold_counts_its_days_and_the_deviation_writes_itself(participant: Participant) -> None:
    """Fever on D-2; on the 7th nobody knows the new day; on the 8th it is planned for the 10th."""
    held(participant)
    waiting = waiting_of_participant(participant)
    assert waiting
    assert (waiting.began, waiting.expected, waiting.late) == (date(2026, 12, 2), INFUSION, 0)
    assert not Deviation.objects.filter(kind="hold").exists(), "the day may still be kept"
    sweep_holds(now=at(12, 8))
    drafted = Deviation.objects.get(kind="hold")
    assert (drafted.planned_on, drafted.days, drafted.actual_on) == (INFUSION, 1, None)
    slipped(participant, date(2026, 12, 10), at(12, 8))
    drafted.refresh_from_db()
    assert (drafted.days, drafted.occurred_on) == (3, INFUSION)
    rest = visit(participant, "rest")
    assert (rest.opens, rest.closes) == (date(2026, 12, 5), date(2026, 12, 9)), "the rest days lengthen"
    done(visit(participant, "d0"), date(2026, 12, 10), at(12, 10), outside_reason="")
    drafted.refresh_from_db()
    assert (drafted.actual_on, drafted.days) == (date(2026, 12, 10), 3)
    assert Deviation.objects.filter(kind="hold").count() == 1


def test_on_hold_no_window_begins_by_the_day_that_was_planned(participant: Participant) -> None:
    """The infusion was planned for the 7th; on the 8th it waits, and nobody must stay for it."""
    held(participant)
    sweep_windows(now=at(12, 8))
    assert verdicts(participant, at(12, 8)) == {VerdictStatus.NOT_YET}
    assert not Flag.objects.filter(window__isnull=False, cleared_at=None).exists()
    slipped(participant, date(2026, 12, 10), at(12, 8))
    done(visit(participant, "d0"), date(2026, 12, 10), at(12, 10), outside_reason="")
    assert VerdictStatus.NOT_YET not in verdicts(participant, at(12, 11))


def test_a_slip_that_is_taken_back_leaves_no_deviation_standing(participant: Participant) -> None:
    slipped(participant, date(2026, 12, 9), at(12, 5))
    assert Deviation.objects.get(kind="hold").lapsed_on is None
    slipped(participant, INFUSION, at(12, 6))
    assert Deviation.objects.get(kind="hold").lapsed_on == date(2026, 12, 6)


def test_somebody_is_told_after_three_days_and_told_gravely_beyond_what_is_allowed(
    participant: Participant,
) -> None:
    held(participant)
    for day, severities in ((9, []), (10, ["warning"]), (11, ["warning"])):
        sweep_holds(now=at(12, day))
        assert list(Flag.objects.filter(kind="hold").values_list("severity", flat=True)) == severities, day
    flag = Flag.objects.get(kind="hold")
    assert flag.visit == visit(participant, "d0")
    assert "waits for 4 days" in flag.message
    acted(resume_infusion, participant, resumption=Resumption(date(2026, 12, 11)), now=at(12, 11))
    assert Flag.objects.get(kind="hold").cleared_at is not None
    acted(hold_infusion, participant, on=date(2026, 12, 11), now=at(12, 11))
    assert Flag.objects.get(kind="hold").cleared_at is None, "on hold again, the same day"


def test_the_clock_without_fever_must_be_full_unless_it_is_meant_otherwise(participant: Participant) -> None:
    """Last fever on Sunday the 6th at 15:00: 48 hours are full on Tuesday the 8th at 15:00."""
    held(participant)
    record_fever(
        participant=participant, at=datetime(2026, 12, 6, 15, tzinfo=SHANGHAI), by=None, now=at(12, 7)
    )
    waiting = waiting_of_participant(participant)
    assert waiting
    assert waiting.afebrile_at == datetime(2026, 12, 8, 15, tzinfo=SHANGHAI)
    assert waiting.hours_afebrile(datetime(2026, 12, 7, 12, tzinfo=SHANGHAI)) == 21
    assert waiting.terms.assumed == {"afebrile", "escalate_after"}
    soon = infusion_on(date(2026, 12, 7))
    with pytest.raises(CourseRefused, match="full on 2026-12-08 15:00"):
        resumed(participant, date(2026, 12, 7), soon)
    assert phase(participant) is Phase.ON_HOLD
    resumed(participant, date(2026, 12, 7), infusion_on(date(2026, 12, 9)))
    assert phase(participant) is Phase.CONDITIONING
    assert visit(participant, "d0").target == date(2026, 12, 9)
    assert visit(participant, "d0").held_on is None


def resumed(person: Participant, on: date, proposal: Proposal, *, despite: bool = False) -> CourseStep:
    now = at(on.month, on.day)
    preview = preview_replanning(participant=person, proposal=proposal, now=now)
    resumption = Resumption(on, proposal, preview.digest, despite=despite)
    return acted(resume_infusion, person, resumption=resumption, now=now)


def test_before_the_clock_is_full_it_is_allowed_with_a_word(participant: Participant) -> None:
    held(participant)
    record_fever(
        participant=participant, at=datetime(2026, 12, 6, 15, tzinfo=SHANGHAI), by=None, now=at(12, 7)
    )
    resumed(participant, date(2026, 12, 7), infusion_on(date(2026, 12, 7)), despite=True)
    assert phase(participant) is Phase.CONDITIONING


def test_given_up_after_chemotherapy_nothing_follows_and_the_chemotherapy_stays(
    participant: Participant,
) -> None:
    held(participant)
    slipped(participant, date(2026, 12, 14), at(12, 8))
    sweep_holds(now=at(12, 11))
    acted(abandon_infusion, participant, on=date(2026, 12, 12), now=at(12, 12), reason="sepsis")
    assert phase(participant) is Phase.NEVER_INFUSED
    assert list(Visit.objects.filter(performed_on__isnull=False).values_list("code", flat=True))
    assert not Visit.objects.filter(performed_on=None, cancelled_on=None).exists()
    drafted = Deviation.objects.get(kind="hold")
    assert facts_text(drafted.facts).endswith(". Abandoned: sepsis")
    assert Flag.objects.get(kind="hold").cleared_at is not None


def test_given_up_before_its_day_is_on_record_as_much_as_after_it(participant: Participant) -> None:
    """Chemotherapy from the 2nd for an infusion on the 7th, given up on the 6th: nothing is late yet."""
    held(participant)
    acted(abandon_infusion, participant, on=date(2026, 12, 6), now=at(12, 6), reason="sepsis")
    drafted = Deviation.objects.get(kind="hold")
    assert (drafted.planned_on, drafted.occurred_on, drafted.days) == (INFUSION, date(2026, 12, 6), None)
    assert facts_text(drafted.facts).endswith(". Abandoned: sepsis")


def test_lymphodepletion_is_repeated_as_a_block_of_its_own(participant: Participant) -> None:
    """Given up for January: infusion on Monday the 11th, chemotherapy again from the 6th."""
    held(participant)
    with pytest.raises(CourseRefused, match="before today"):
        repeated(participant, date(2026, 12, 16))
    repeated(participant, date(2027, 1, 11))
    rows = Visit.objects.filter(code="ld-1").order_by("attempt")
    assert [(row.attempt, row.target, row.performed_on) for row in rows] == [
        (1, date(2026, 12, 2), date(2026, 12, 2)),
        (2, date(2027, 1, 6), None),
    ]
    said = facts_text(Deviation.objects.get(kind="hold").facts)
    assert "as a new one. Chemotherapy 1: Wednesday 2026-12-02. Chemotherapy 2" in said, "and no screening"
    again = visit(participant, "d0")
    assert (again.attempt, again.target, again.held_on) == (2, date(2027, 1, 11), None)
    assert Visit.objects.filter(code="d28").count() == 1
    assert waiting_of_participant(participant) is None
    conditioned_again = rows[1]
    because = "screened again on the ward"  # the list says that screening of 16 November has expired
    begun = Completion(date(2027, 1, 6), activities=None)
    complete_visit(
        visit=conditioned_again,
        version=conditioned_again.version,
        completion=begun,
        by=None,
        reason=because,
        now=at(1, 6, year=2027),
    )
    waiting = waiting_of_participant(participant)
    assert waiting
    assert (waiting.began, waiting.expected) == (date(2027, 1, 6), date(2027, 1, 11))


def repeated(person: Participant, day_zero: date) -> CourseStep:
    return acted(repeat_lymphodepletion, person, day_zero=day_zero, now=at(12, 12))


def test_the_repeated_block_may_begin_today(participant: Participant) -> None:
    held(participant)
    repeated(participant, date(2026, 12, 17))
    assert Visit.objects.get(code="ld-1", attempt=2).target == date(2026, 12, 12)


def test_the_slower_of_two_is_told(participant: Participant) -> None:
    held(participant)
    with pytest.raises(Stale):
        hold_infusion(
            participant=participant, version=1, on=date(2026, 12, 5), by=None, reason="x", now=at(12, 5)
        )


def test_before_chemotherapy_there_is_nothing_to_resume() -> None:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors, subject_code="S01-9"), by=None)
    with pytest.raises(CourseRefused, match="between chemotherapy and infusion"):
        acted(abandon_infusion, person, on=date(2026, 11, 22), now=at(11, 22))


def test_a_frozen_trial_stays_as_it_is_and_stops_no_other(participant: Participant) -> None:
    held(participant)
    flags = Flag.objects.filter(participant=participant).count()
    by = User.objects.create_user("manager")
    freeze_trial(trial=participant.trial, today=date(2026, 12, 6), by=by, reason="stopped early")
    assert sweep_holds(now=at(12, 20)) == 0
    assert Flag.objects.filter(participant=participant).count() == flags


def test_between_two_blocks_of_chemotherapy_nobody_is_in_screening(participant: Participant) -> None:
    """What was given counts: no screen failure, no other site, and no undoing as of any other step."""
    held(participant)
    repeated(participant, date(2027, 1, 11))
    assert phase(participant) is Phase.REPEATING
    course = course_of(standing_of(participant))
    assert (course.conditioned_on, course.screenings) == (date(2026, 12, 2), 1)
    assert not {Step.SCREEN_FAILURE, Step.TRANSFER} & set(next_steps(course))
    with pytest.raises(CourseRefused, match="not undone"):
        acted(undo_last_step, participant, now=at(12, 12))
    reader = User.objects.create_superuser("reader")
    (screened,) = screening_log(reader, date(2026, 12, 12), WantedLog()).rows
    assert (screened.screened.attempt, screened.screened.outcome) == (1, "Enrolled")
    assert screening_log(reader, date(2026, 12, 12), WantedLog(outcome="enrolled")).rows
    assert not screening_log(reader, date(2026, 12, 12), WantedLog(outcome="in-screening")).rows
    (enrolled,) = enrolment_log(reader, date(2026, 12, 12), WantedLog(outcome="repeating")).rows
    assert enrolled.enrolled.on == date(2026, 12, 2)


def test_who_is_infused_after_the_repeated_block_is_in_follow_up(participant: Participant) -> None:
    held(participant)
    repeated(participant, date(2027, 1, 11))
    person = participant
    for code, day in (("ld-1", date(2027, 1, 6)), ("d0", date(2027, 1, 11))):
        one = Visit.objects.get(code=code, attempt=2)
        complete_visit(
            visit=one,
            version=one.version,
            completion=Completion(day, activities=None),
            by=None,
            reason="screened again",
            now=at(day.month, day.day, year=2027),
        )
        expected = Phase.CONDITIONING if code == "ld-1" else Phase.FOLLOW_UP
        assert phase(person) is expected
