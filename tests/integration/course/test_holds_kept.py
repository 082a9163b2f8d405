"""What waits during a hold, and what a hold takes up again when something is withdrawn."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import pytest

from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking
from schedules.models import Deviation, Visit
from schedules.services.course.holds import Resumption, resume_infusion
from schedules.services.course.rehearsals import rehearse
from schedules.services.course.repetition import repeat_lymphodepletion
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.visits.appointments import cancel_visit, miss_visit, undo_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import a_version, an_approval, an_enrolment, document
from tests.integration.course.test_holds import acted, held, slipped
from tests.integration.replanning.amendments.conftest import second
from tests.integration.visits.test_visits import CONSENT, INFUSION, at, conditioned, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant() -> Participant:
    """Of CART-SLE: chemotherapy on 2 to 4 December 2026, for an infusion on Monday the 7th."""
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    conditioned(person)
    person.refresh_from_db()
    return person


def waits(person: Participant) -> set[str]:
    live = Visit.objects.filter(participant=person, performed_on=None, missed_on=None, cancelled_on=None)
    return set(live.filter(held_on__isnull=False).values_list("code", flat=True))


def undone(person: Participant) -> None:
    acted(undo_last_step, person, now=at(12, 6))


def resumed_and_taken_back(person: Participant) -> None:
    acted(resume_infusion, person, resumption=Resumption(date(2026, 12, 6)), now=at(12, 6))
    assert waits(person) == set()
    undone(person)


def withdrawn_and_taken_back(person: Participant) -> None:
    acted(take_step, person, request=StepRequest(Step.WITHDRAWAL, date(2026, 12, 6)), now=at(12, 6))
    assert waits(person) == set()
    undone(person)


def cancelled_and_taken_back(person: Participant) -> None:
    for act in (cancel_visit, undo_visit):
        d28 = visit(person, "d28")
        act(visit=d28, version=d28.version, by=None, reason="wrong chart", now=at(12, 6))


def brought_to_another_version(person: Participant) -> None:
    new = a_version(text=second(document()))
    an_approval(person.site, new)
    proposal = Proposal(version=new)
    preview = preview_replanning(participant=person, proposal=proposal, now=at(12, 6))
    commit_replanning(
        participant=person, proposal=proposal, digest=preview.digest, now=at(12, 6), by=None, reason="new"
    )
    assert "d7" in waits(person), "it came with the version"


def seen_in_between(person: Participant) -> None:
    asked = Unscheduled(Booking(date(2026, 12, 6)))
    add_unscheduled(participant=person, asked=asked, by=None, reason="fever", now=at(12, 6))


@pytest.mark.parametrize(
    "happens",
    [
        resumed_and_taken_back,
        withdrawn_and_taken_back,
        cancelled_and_taken_back,
        brought_to_another_version,
        seen_in_between,
    ],
)
def test_all_that_is_planned_to_come_waits_for_as_long_as_the_hold_lasts_and_nothing_else(
    participant: Participant, happens: Any
) -> None:
    held(participant)
    assert {"rest", "d0", "d28"} <= waits(participant)
    happens(participant)
    live = Visit.objects.filter(participant=participant, performed_on=None, missed_on=None, cancelled_on=None)
    assert waits(participant) == set(live.exclude(rule_code="unscheduled").values_list("code", flat=True))


def test_a_course_that_ends_leaves_nothing_on_hold(participant: Participant) -> None:
    """The infusion of the 7th waited until the end, whatever its window says, and is cancelled with it."""
    held(participant)
    acted(take_step, participant, request=StepRequest(Step.WITHDRAWAL, date(2026, 12, 20)), now=at(12, 20))
    d0 = Visit.objects.get(participant=participant, code="d0")
    assert (d0.cancelled_on, d0.held_on) == (date(2026, 12, 20), None)


def test_a_hold_takes_up_what_was_planned_while_the_course_was_said_to_have_ended(
    participant: Participant,
) -> None:
    slipped(participant, date(2026, 12, 9), at(12, 5))
    acted(take_step, participant, request=StepRequest(Step.WITHDRAWAL, date(2026, 12, 5)), now=at(12, 5))
    slipped(participant, date(2026, 12, 11), at(12, 6))
    undone(participant)
    assert Deviation.objects.get(kind="hold").days == 4


def test_a_day_of_chemotherapy_that_was_missed_is_to_come_again_in_the_block_that_is_repeated(
    participant: Participant,
) -> None:
    last = visit(participant, "ld-3")
    undo_visit(visit=last, version=last.version, by=None, reason="wrong chart", now=at(12, 4))
    last.refresh_from_db()
    miss_visit(visit=last, version=last.version, by=None, reason="fever", now=at(12, 5))
    held(participant)
    zero = date(2026, 12, 28)
    participant.refresh_from_db()
    said = {"participant": participant, "version": participant.version, "by": None, "reason": "fever"}
    again = partial(repeat_lymphodepletion, day_zero=zero, now=at(12, 10), **said)
    shown = rehearse(participant=participant, act=again, now=at(12, 10))
    assert {"ld-1", "ld-2", "ld-3"} <= {change.code for change in shown.visits if change.before is None}
    again()
    rows = Visit.objects.filter(participant=participant, code="ld-3").order_by("attempt")
    assert [(row.attempt, bool(row.missed_on)) for row in rows] == [(1, True), (2, False)]
