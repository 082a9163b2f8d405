"""Two who mute a participant, name who looks after one, or ask for an export, at the same moment."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection

from participants.models import Participant, ParticipantCoordinator
from schedules.domain.reminders import CLOSING
from schedules.models import Reminder, ReminderDelivery, ReminderPause
from schedules.services.enrolment.enrolling import enrol
from schedules.services.reminders.decisions import mute_participant
from schedules.services.reminders.settings import name_coordinator
from tests.cast import an_enrolment, at_once
from trials.domain.errors import Refused
from trials.models import Job, User
from trials.services.jobs import jobs

NOON = datetime.fromisoformat("2026-12-07T12:00:00+08:00")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time"),
]


@pytest.fixture
def participant() -> Participant:
    return enrol(enrolment=an_enrolment(), by=None)


def a_delivery(participant: Participant, to: User) -> ReminderDelivery:
    reminder = Reminder.objects.create(
        key=f"of {to}", kind=CLOSING, participant=participant, due_on=NOON.date(), created_at=NOON
    )
    return ReminderDelivery.objects.create(reminder=reminder, recipient=to, address="a@example.org")


def test_of_two_who_mute_a_participant_one_is_told(participant: Participant) -> None:
    people = [User.objects.create_user(f"somebody{place}") for place in (0, 1)]
    failed = [a_delivery(participant, person) for person in people]
    ends = at_once(
        lambda place: mute_participant(
            delivery=failed[place], by=people[place], now=NOON, reason="she is told by phone"
        )
    )
    assert ends == [Refused.__name__, "saved"]
    assert ReminderPause.objects.count() == 1


def test_of_two_who_name_a_coordinator_both_leave_one(participant: Participant) -> None:
    people = [User.objects.create_user(f"somebody{place}") for place in (0, 1)]
    ends = at_once(lambda place: name_coordinator(participant=participant, user=people[place], by=None))
    assert ends == ["saved", "saved"]
    assert ParticipantCoordinator.objects.get(participant=participant).user in people


def test_of_two_exports_of_one_trial_one_is_made(
    participant: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ring", lambda _task, _number: None)
    keeper = User.objects.create_superuser("keeper")
    ends = at_once(lambda _place: jobs.ask_for_export(trial=participant.trial, by=keeper, now=NOON))
    assert ends == ["saved", "saved"]
    assert Job.objects.count() == 1
