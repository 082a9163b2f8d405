"""Of one thing a receiver hears once, however many workers hold a message about it."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import date, timedelta

import pytest
from django.db import connection, transaction

from schedules.domain.reminders.grouping import Message
from schedules.models import Reminder, ReminderDelivery, Visit
from schedules.services.reminders import addressing, ledger, sweeping
from tests.cast import a_site
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator, a_visit, at_once

pytestmark = pytest.mark.django_db
CLOSES = date(2026, 11, 24)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def two_of_each(number: int) -> list[Visit]:
    """Visits whose window closes soon and of which half is gone, unbooked: two messages of each, at once."""
    site = a_site()
    with transaction.atomic():
        a_coordinator("here")
        visits = [a_visit(site, CLOSES) for _ in range(number)]
        sweeping.sweep_closing(now=NOON)
        for less in Reminder.objects.select_related("visit"):
            assert less.visit is not None
            less.pk, less.key, less.kind = None, f"half:{less.visit.uid}:{CLOSES.isoformat()}", "half"
            less.save()
        Visit.objects.update(opens=TODAY - timedelta(days=4))
        while addressing.address_reminders(now=NOON, at=NOON):
            pass
    assert ReminderDelivery.objects.count() == 2 * number
    return visits


def said(message: Message) -> list[str]:
    return [notice.thing for notice in message.notices]


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_send_at_the_same_moment_say_one_thing_once() -> None:
    """Each held one of two messages about it, and neither saw the other's."""
    (visit,) = two_of_each(1)
    told: list[str] = []
    both = threading.Barrier(2)

    def send(message: Message) -> None:
        with suppress(threading.BrokenBarrierError):  # both have looked once more, where both hold one
            both.wait(2)
        told.extend(said(message))

    def work() -> None:
        for place in range(20):
            rows = ledger.claim_messages(at=NOON + place * SECOND, most=1)
            with ledger.Batch(NOON, NOON + place * SECOND) as batch:
                for held, one in zip(rows, batch.judge(rows), strict=True):
                    if one.said and (now := batch.look_again([held])[0]).message is not None:
                        send(now.message)
                        batch.keep_sent(now)

    at_once(2, work)
    assert told == [f"v{visit.pk}"]
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists(), "nor does one wait"


@pytest.mark.django_db(transaction=True)
def test_many_workers_say_each_of_many_things_once() -> None:
    visits = two_of_each(30)
    told: list[str] = []

    def work() -> None:
        for _ in range(200):
            ledger.deliver_reminders(now=NOON, send=lambda message: told.extend(said(message)))
            if not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists():
                return

    at_once(4, work)
    assert sorted(told) == sorted(f"v{visit.pk}" for visit in visits)
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()


def test_what_a_worker_may_have_sent_before_it_died_goes_first_under_its_key() -> None:
    """Another message of the thing left meanwhile, and then that one again."""
    (visit,) = two_of_each(1)
    took: list[tuple[str, str]] = []

    def send(message: Message) -> None:
        took.append((message.key, *said(message)))

    (one,) = ledger.Batch(NOON, NOON).judge(ledger.claim_messages(at=NOON, most=1))
    assert one.message is not None
    send(one.message)  # and dies before it can be kept
    for later in (SECOND, MINUTE, 20 * MINUTE, 21 * MINUTE, 40 * MINUTE):
        ledger.deliver_reminders(now=NOON + later, send=send)
    assert len(set(took)) == 1, "who drops repeated keys hears it once"
    assert took[0][1] == f"v{visit.pk}"
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()


def test_what_waits_for_another_worker_stops_nothing_behind_it() -> None:
    visits = two_of_each(3)
    held = ledger.claim_messages(at=NOON, most=2)
    rest = ledger.claim_messages(at=NOON + SECOND, most=20)
    things = [{row.reminder.visit_id for rows in some for row in rows} for some in (held, rest)]
    assert things == [{visits[0].pk, visits[1].pk}, {visits[2].pk}]
    for rows in held:
        ledger.let_go(rows, NOON)
    assert len(ledger.claim_messages(at=NOON + 2 * SECOND, most=20)) == 2, "of each thing one"


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_finds_nothing_does_not_take_the_lock_of_writers() -> None:
    """On SQLite, which keeps no order of who waits: workers that asked in vain kept out the one that sent.

    That ended in "database is locked" after 20 seconds where the machine was busy.
    """
    two_of_each(1)
    assert len(ledger.claim_messages(at=NOON, most=1)) == 1, "the other of its thing waits for this one"
    held, done = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            Reminder.objects.update(due_on=TODAY)
            held.set()
            assert done.wait(60)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert held.wait(60)
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 0")
        assert not ledger.claim_messages(at=NOON + SECOND, most=20)
        assert not addressing.address_reminders(now=NOON, at=NOON + SECOND, again=False)
    finally:
        done.set()
        writer.join()
        connection.close()


def test_two_claims_that_an_earlier_release_left_wait_for_no_end() -> None:
    two_of_each(1)
    ReminderDelivery.objects.update(claimed_at=NOON - timedelta(hours=1))
    took: list[str] = []
    for _ in range(3):
        ledger.deliver_reminders(now=NOON, send=lambda message: took.extend(said(message)))
    assert len(took) == 1
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()
