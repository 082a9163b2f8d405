"""The page of operations says what has to be mended; what is decided there stands in the trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.test import Client

from config.celery import app
from schedules.domain.reminders import CLOSING
from schedules.models import Reminder, ReminderDecision, ReminderDelivery, ReminderPause
from schedules.web.operations.words import TASKS
from tests.cast import NOW, a_site
from tests.clocks import database_clock_at
from tests.integration.reminders.test_reminders import TODAY, a_coordinator, a_visit
from trials.models import AuditEntry, BackupRun, User
from trials.services.operations.runs import begin_run, end_run

pytestmark = pytest.mark.django_db
PAGE = "/operations/"


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("chief", "chief@example.org"))
    client.headers = {"accept-language": "en"}  # type: ignore[attr-defined]
    return client


@pytest.fixture(autouse=True)
def then() -> Any:
    # on PostgreSQL tests run as a superuser
    nothing = patch("schedules.web.operations.views.powers_of_this_role", return_value=[])
    with time_machine.travel(NOW, tick=False), database_clock_at(NOW), nothing:
        yield


@pytest.fixture
def delivery() -> ReminderDelivery:
    """A delivery that has failed twice."""
    visit = a_visit(a_site(), TODAY + timedelta(days=2))
    person = a_coordinator("here")
    reminder = Reminder.objects.create(
        key="k", kind=CLOSING, visit=visit, due_on=TODAY, claimed_at=NOW, created_at=NOW - timedelta(hours=1)
    )
    return ReminderDelivery.objects.create(
        reminder=reminder,
        recipient=person,
        address=person.email,
        attempts=2,
        tried_at=NOW,
        reason="451 try later",
    )


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_what_is_wrong_stands_first_and_what_is_well_is_said(chief: Client, settings: Any) -> None:
    text = text_of(chief.get(PAGE))
    assert "No task has run yet: is the beat started?" in text
    assert "There is no backup yet." in text
    for task in ("schedules.tasks.sweep", "schedules.tasks.deliver"):
        begin_run(task=task, queue="sweep", now=NOW, waited=0.2)
        end_run(task=task, now=NOW, seconds=0.1)
    BackupRun.objects.create(name="b", started_at=NOW, finished_at=NOW, size=10_000, last_link=3)
    assert "Everything runs as it should." in text_of(chief.get(PAGE))
    begin_run(task="schedules.tasks.sweep", queue="sweep", now=NOW - timedelta(minutes=9), waited=None)
    BackupRun.objects.update(finished_at=NOW - timedelta(days=2))
    settings.REMINDERS_LEAVE, settings.BROKER_URL = False, "redis://127.0.0.1:1/0"
    with database_clock_at(NOW - timedelta(minutes=3)):
        text = text_of(chief.get(PAGE))
    assert "Late: Write the reminders that are due." in text
    assert "The newest backup is 2 days old." in text
    assert "The server&#x27;s clock is 3 minutes ahead of the database&#x27;s." in text
    assert "E-mail does not leave" in text
    assert "The broker does not answer." in text
    with patch("schedules.web.operations.views.state.missing_migrations", return_value=["trials.9999"]):
        assert "run manage.py migrate" in text_of(chief.get(PAGE))


def test_what_a_clock_that_was_put_back_has_dated_ahead_hides_nothing(chief: Client) -> None:
    ahead = NOW + timedelta(days=1)
    begin_run(task="schedules.tasks.sweep", queue="sweep", now=ahead, waited=0.2)
    BackupRun.objects.create(name="b", started_at=ahead, finished_at=ahead, size=10_000, last_link=3)
    Reminder.objects.create(key="k", kind=CLOSING, due_on=TODAY, created_at=NOW + timedelta(hours=1))
    text = text_of(chief.get(PAGE))
    assert "Late: Write the reminders that are due." in text, "nobody has run it since"
    assert "The newest backup is dated 1 day ahead: a clock was put back." in text
    assert "1 reminder waits to be sent; the oldest for 0 seconds." in text


def test_the_page_names_no_participant_and_is_for_those_who_administer_everything(
    chief: Client, delivery: ReminderDelivery
) -> None:
    text = text_of(chief.get(PAGE))
    assert "451 try later" in text
    assert delivery.reminder.visit
    assert delivery.reminder.visit.participant.subject_code not in text
    chief.force_login(delivery.recipient)
    assert chief.get(PAGE).status_code == 403
    assert chief.post(f"{PAGE}deliveries/{delivery.pk}/", {"act": "retry", "reason": "x"}).status_code == 404


def test_a_decision_without_a_reason_changes_nothing(chief: Client, delivery: ReminderDelivery) -> None:
    answer = chief.post(f"{PAGE}deliveries/{delivery.pk}/", {"act": "give_up", "reason": "  "})
    assert answer.status_code == 422
    assert "Enter a reason." in text_of(answer)
    assert chief.post(f"{PAGE}deliveries/{delivery.pk}/", {"act": "other", "reason": "x"}).status_code == 404
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.refused_at) == (2, None)
    assert not ReminderDecision.objects.exists()


def test_what_an_administrator_does_to_a_delivery_stands_in_the_trail(
    chief: Client, delivery: ReminderDelivery
) -> None:
    def decide(act: str, reason: str) -> Any:
        return chief.post(f"{PAGE}deliveries/{delivery.pk}/", {"act": act, "reason": reason}, follow=True)

    assert "It is not tried again." in text_of(decide("give_up", "the ward has closed"))
    delivery.refresh_from_db()
    assert (delivery.refused_at, delivery.reason) == (NOW, "the ward has closed")
    assert "given up already" in text_of(decide("give_up", "again"))
    assert "tried again with the next ring" in text_of(decide("retry", "the ward is open again"))
    delivery.refresh_from_db()
    assert (delivery.refused_at, delivery.attempts, delivery.tried_at) == (None, 0, None)
    ReminderDelivery.objects.update(attempts=1)
    assert "Nothing is said of the participant for 7 days." in text_of(decide("mute", "moves house"))
    pause = ReminderPause.objects.get()
    assert (pause.last - pause.first).days == 6
    assert "paused already" in text_of(decide("mute", "once more"))
    entries = AuditEntry.objects.filter(model="schedules.reminderdecision").order_by("id")
    assert [(entry.actor, entry.reason) for entry in entries] == [
        ("chief", "the ward has closed"),
        ("chief", "the ward is open again"),
        ("chief", "moves house"),
    ]
    assert entries[0].participant_id
    delivery.refresh_from_db()
    ReminderDelivery.objects.update(sent_at=NOW)
    assert "ended meanwhile" in text_of(decide("retry", "late"))


def test_the_page_asks_as_much_for_one_failure_as_for_many(
    chief: Client, delivery: ReminderDelivery, django_assert_max_num_queries: Any
) -> None:
    chief.get(PAGE)
    with django_assert_max_num_queries(26):
        chief.get(PAGE)
    for number in range(10):
        person = a_coordinator(f"p{number}")
        ReminderDelivery.objects.create(
            reminder=delivery.reminder, recipient=person, address="a@example.org", attempts=1, tried_at=NOW
        )
    with django_assert_max_num_queries(26):
        chief.get(PAGE)


def test_the_page_is_written_in_chinese_too(chief: Client, delivery: ReminderDelivery) -> None:
    page = chief.get(PAGE, headers={"accept-language": "zh-hans"}).content.decode()
    assert "运行状况" in page
    assert "To be mended" not in page


def test_every_task_has_a_name_that_people_read() -> None:
    """`trials.tasks.ring_jobs` stood on the page as it is called in the code."""
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if name.startswith(("schedules.", "trials."))}
    assert ours == set(TASKS)
