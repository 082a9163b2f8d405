"""Of one thing the most urgent message of those that are due together leaves, whichever is claimed first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from schedules.domain.reminders.grouping import Message
from schedules.models import Reminder, ReminderDelivery, ReminderSetting, Visit
from schedules.services.reminders import addressing, ledger, sweeping
from tests.cast import a_site
from tests.integration.reminders.test_channels import AT, Robot, a_channel
from tests.integration.reminders.test_channels import rung as rung_by_channel
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator, a_visit, at_once
from trials.domain.channels.failures import UNWRITTEN

pytestmark = pytest.mark.django_db
CLOSES = date(2026, 11, 24)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def a_digest_and_an_urgent_word(others: int = 1, *, digest_first: bool = True) -> Visit:
    """A visit of which half the window is gone (a digest, with `others`) and that closes soon (at once)."""
    site = a_site()
    visits = [a_visit(site, CLOSES) for _ in range(1 + others)]
    ReminderSetting.objects.get_or_create(trial=visits[0].participant.trial, kind="half", manner="digest")
    sweeping.sweep_closing(now=NOON)
    urgent = Reminder.objects.get(visit=visits[0])
    digests = []
    for less in Reminder.objects.select_related("visit"):
        assert less.visit is not None
        less.pk, less.key, less.kind = None, f"half:{less.visit.uid}:{CLOSES.isoformat()}", "half"
        less.manner, less.not_before = "digest", NOON
        less.save()
        digests.append(less.pk)
    Reminder.objects.exclude(pk__in=[urgent.pk, *digests]).delete()
    Visit.objects.update(opens=TODAY - timedelta(days=4))
    late = [urgent.pk] if digest_first else digests
    Reminder.objects.filter(pk__in=late).update(due_on=TODAY + timedelta(days=9))
    addressed(NOON)
    Reminder.objects.filter(pk__in=late).update(due_on=TODAY)
    addressed(NOON)
    assert ReminderDelivery.objects.filter(recipient__isnull=False).count() == 2 + others
    return visits[0]


def addressed(at: datetime) -> None:
    while addressing.address_reminders(now=at, at=at):
        pass


def kinds_of(visit: Visit, messages: Sequence[Message]) -> list[list[str]]:
    """Of what kind each message speaks of a visit."""
    said = [[one.kind for one in message.notices if one.thing == f"v{visit.pk}"] for message in messages]
    return [one for one in said if one]


def rings(sent: list[Message], minutes: int = 4) -> None:
    for minute in range(minutes):
        while ledger.deliver_reminders(now=NOON + minute * MINUTE, send=sent.append):
            pass


@pytest.mark.parametrize("digest_first", [True, False])
def test_a_digest_leaves_out_what_an_urgent_word_says_that_is_due_with_it(digest_first: bool) -> None:
    """The digest left with the lesser word, and the urgent one after it, at once."""
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(digest_first=digest_first)
    sent: list[Message] = []
    rings(sent)
    assert kinds_of(visit, sent) == [["closing"]]
    assert sorted(len(one.notices) for one in sent) == [1, 1], "the digest says the rest"
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists(), "nor does one wait"


def test_a_digest_of_that_thing_alone_does_not_leave() -> None:
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(0)
    sent: list[Message] = []
    rings(sent)
    assert kinds_of(visit, sent) == [["closing"]]
    assert len(sent) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("digest_first", [True, False])
def test_nor_where_two_workers_hold_them_at_the_same_moment(digest_first: bool) -> None:
    with transaction.atomic():
        a_coordinator("here")
        visit = a_digest_and_an_urgent_word(3, digest_first=digest_first)
    sent: list[Message] = []
    both = threading.Barrier(2)

    def send(message: Message) -> None:
        with suppress(threading.BrokenBarrierError):
            both.wait(1)
        sent.append(message)

    def work() -> None:
        for place in range(12):
            ledger.deliver_reminders(now=NOON + place * 10 * SECOND, send=send)

    at_once(2, work)
    assert kinds_of(visit, sent) == [["closing"]]
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()


def test_what_leaves_later_that_day_is_waited_for_and_what_leaves_tomorrow_is_not() -> None:
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(0)
    urgent = ReminderDelivery.objects.filter(reminder__kind="closing")
    urgent.update(not_before=NOON + 2 * HOUR)
    sent: list[Message] = []
    ledger.deliver_reminders(now=NOON, send=sent.append)
    ledger.deliver_reminders(now=NOON + HOUR, send=sent.append)
    assert not sent
    urgent.update(not_before=NOON + 20 * HOUR)
    ledger.deliver_reminders(now=NOON + 3 * HOUR, send=sent.append)
    assert kinds_of(visit, sent) == [["half"]]


def test_what_is_said_no_more_gives_way_to_the_lesser_word() -> None:
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(0)
    urgent = ReminderDelivery.objects.filter(reminder__kind="closing")
    urgent.update(not_before=NOON + MINUTE)
    sent: list[Message] = []
    ledger.deliver_reminders(now=NOON, send=sent.append)
    urgent.update(lapsed_at=NOON)
    ledger.deliver_reminders(now=NOON + 2 * MINUTE, send=sent.append)
    assert kinds_of(visit, sent) == [["half"]]


def test_an_urgent_word_that_cannot_be_written_holds_back_no_lesser_one() -> None:
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(0)
    ReminderDelivery.objects.filter(reminder__kind="closing").update(
        attempts=1, tried_at=NOON, reason=UNWRITTEN
    )
    sent: list[Message] = []
    ledger.deliver_reminders(now=NOON, send=sent.append)
    assert kinds_of(visit, sent) == [["half"]]


def test_one_that_the_mail_server_put_off_goes_first_all_the_same() -> None:
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(0)
    ReminderDelivery.objects.filter(reminder__kind="closing").update(attempts=1, tried_at=NOON, reason="450")
    sent: list[Message] = []
    rings(sent)
    assert kinds_of(visit, sent) == [["closing"]]


@pytest.mark.parametrize("digest_first", [True, False])
def test_a_server_that_lost_only_the_urgent_one_is_asked_again_before_the_lesser_word(
    digest_first: bool,
) -> None:
    """The digest left in the same ring with the lesser word, and a minute later the urgent one."""
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(digest_first=digest_first)
    asked: list[Message] = []
    sent: list[Message] = []

    def send(message: Message) -> None:
        asked.append(message)
        if len(asked) == 1:
            raise ConnectionError(message.key)
        sent.append(message)

    for minute in range(4):
        while ledger.deliver_reminders(now=NOON + minute * MINUTE, send=send):
            pass
    assert [one.kind for one in asked[0].notices] == ["closing"]
    assert kinds_of(visit, sent) == [["closing"]]
    assert sorted(len(one.notices) for one in sent) == [1, 1], "the rest of the digest waits for nothing"
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()


def test_of_three_the_most_urgent_leaves_alone() -> None:
    """Whichever of them is looked at first."""
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(0)
    third = Reminder.objects.get(kind="half")
    third.pk, third.key, third.kind = None, third.key.replace("half", "book"), "book"
    third.manner, third.due_on = "at-once", TODAY
    third.save()
    addressed(NOON)
    sent: list[Message] = []
    rings(sent)
    assert kinds_of(visit, sent) == [["closing"]]


def test_what_is_less_urgent_is_not_waited_for() -> None:
    a_coordinator("here")
    visit = a_digest_and_an_urgent_word(0)
    Reminder.objects.filter(kind="closing").update(kind="book", manner="at-once")
    sent: list[Message] = []
    ledger.deliver_reminders(now=NOON, send=sent.append)
    assert kinds_of(visit, sent) == [["half"]]


def test_nor_does_a_robot_hear_both() -> None:
    person = a_coordinator("here")
    site = a_site()
    mine = a_channel(person, None, name="me", key="one")
    ward = a_channel(person, site, name="ward", key="one")
    visit = a_visit(site, CLOSES)
    sweeping.sweep_closing(now=AT)
    addressed(AT)
    ReminderDelivery.objects.exclude(channel=mine.way).delete()
    less = Reminder.objects.get()
    less.pk, less.key, less.kind = None, f"half:{visit.uid}:{CLOSES.isoformat()}", "half"
    less.manner, less.not_before, less.claimed_at = "digest", AT, None
    less.save()
    Visit.objects.update(opens=TODAY - timedelta(days=4))
    addressed(AT)
    ReminderDelivery.objects.filter(reminder__kind="half").exclude(channel=ward.way).delete()
    rows = ReminderDelivery.objects.values_list("reminder__kind", "channel")
    assert set(rows) == {("closing", mine.way), ("half", ward.way)}
    robot = Robot()
    for minute in range(4):
        rung_by_channel(ward, AT + minute * MINUTE, robot)
        rung_by_channel(mine, AT + minute * MINUTE, robot)
    (packet,) = robot.took
    assert packet.key.startswith("closing")
