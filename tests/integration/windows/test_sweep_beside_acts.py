"""A sweep beside somebody who acts on the same participant: neither waits for the other for ever.

SQLite has one writer at a time: there is nothing to cross.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection, connections, transaction

from schedules.models import Flag
from schedules.services.enrolment.enrolling import enrol
from schedules.services.reminders.sweeping import sweep_reminders
from schedules.services.store.evaluation_marks import mark_for_evaluation
from schedules.services.store.visit_writing import lock_participant
from schedules.services.windows import evaluation
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.flags import snooze_flag
from tests.cast import an_enrolment
from tests.integration.windows.conftest import noon
from trials.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time"),
]


@pytest.mark.parametrize("sweep", [sweep_windows, sweep_reminders])
def test_a_sweep_that_writes_of_somebody_does_not_wait_for_who_acts_on_them(
    sweep: Callable[..., int],
) -> None:
    """Its new rows name the participant, whose lock was one against being named: it held what the act was
    to write next, the act held the participant, and one of both was killed (a 500 for the coordinator).
    """
    person, written = enrol(enrolment=an_enrolment(), by=None), list[int]()

    def run() -> None:
        try:
            written.append(sweep(now=noon(12, 7)))
        finally:
            connections.close_all()

    beside = threading.Thread(target=run)
    with transaction.atomic():
        lock_participant(person.pk)
        beside.start()
        beside.join(timeout=5)
        assert not beside.is_alive(), "it waits for the participant"
        mark_for_evaluation([person.pk], noon(12, 7, 13))
    assert written[0] > 0


def test_who_snoozes_a_flag_that_a_sweep_is_changing_waits_for_it_and_is_kept(
    monkeypatch: pytest.MonkeyPatch, coordinator: User
) -> None:
    """The one held the window and wanted the flag, the other held the flag and wanted the window."""
    enrol(enrolment=an_enrolment(), by=None)
    sweep_windows(now=noon(12, 6))
    flag = Flag.objects.get(window__code="stay-near-site", cleared_at=None)
    failed, read = list[Exception](), evaluation._dockets

    def snooze() -> None:
        try:
            snooze_flag(flag=flag, until=date(2026, 12, 11), by=coordinator, now=noon(12, 7))
        except Exception as error:  # noqa: BLE001  the main thread says what it was
            failed.append(error)
        finally:
            connections.close_all()

    beside = threading.Thread(target=snooze)

    def between(ids: list[int]) -> object:
        beside.start()
        until = time.monotonic() + 30
        while beside.is_alive() and not _somebody_waits_for_us():
            assert time.monotonic() < until, "it neither waits nor ends"
        return read(ids)

    monkeypatch.setattr(evaluation, "_dockets", between)
    sweep_windows(now=noon(12, 7))
    beside.join(timeout=10)
    assert not failed
    flag.refresh_from_db()
    assert (flag.severity, flag.snoozed_until) == ("warning", date(2026, 12, 11))


def _somebody_waits_for_us() -> bool:
    """Say it by the locks alone: who is there at all is read once for a transaction, so that whoever comes
    later is never seen in it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return cursor.fetchone() is not None
