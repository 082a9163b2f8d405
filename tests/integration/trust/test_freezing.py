"""A freeze and the writes that are under way when it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction

from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import TODAY, a_site, a_version, an_enrolment
from trials.domain.errors import TrialFrozen
from trials.models import Trial, User
from trials.services.protocols.closure import freeze_trial

PATIENCE = 20.0
SOON = 0.7


def in_its_own_session(act: Callable[[], Any]) -> Any:
    """Run something with a connection of its own, closed afterwards."""
    try:
        return act()
    finally:
        connections.close_all()


def by_service(trial: Trial, by: User) -> None:
    freeze_trial(trial=trial, today=TODAY, by=by, reason="last visit done")


def by_hand(trial: Trial, by: User) -> None:
    Trial.objects.filter(pk=trial.pk).update(frozen_on=TODAY, retain_until=TODAY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("freeze", [by_service, by_hand])
def test_a_write_that_began_before_a_freeze_does_not_commit_after_it(
    freeze: Callable[[Trial, User], None],
) -> None:
    """Two sessions: one has written and not committed, the other freezes, and waits for the first."""
    person = enrol(enrolment=an_enrolment(), by=None)
    chief = User.objects.create_superuser("chief")
    written, frozen = threading.Event(), threading.Event()

    def write() -> bool:
        with transaction.atomic():
            Visit.objects.filter(participant=person).update(booked_place="Room 4")
            written.set()
            return frozen.wait(SOON)

    def freeze_then() -> None:
        assert written.wait(PATIENCE)
        freeze(person.trial, chief)
        frozen.set()

    with ThreadPoolExecutor(2) as sessions:
        first, second = (
            sessions.submit(in_its_own_session, write),
            sessions.submit(in_its_own_session, freeze_then),
        )
        assert first.result(PATIENCE) is False, "frozen while a write was under way"
        second.result(PATIENCE)
    assert Visit.objects.filter(booked_place="Room 4").exists()
    assert Trial.objects.get(pk=person.trial_id).frozen_on == TODAY


@pytest.mark.django_db(transaction=True)
def test_a_write_that_needs_the_trials_row_and_a_freeze_do_not_block_each_other() -> None:
    """Enrolling refers to the trial's row, which a freeze locks: the freeze waits before it has it."""
    version = a_version()
    chief = User.objects.create_superuser("chief")
    person = enrol(enrolment=an_enrolment(version), by=None)
    began, freezing = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            Visit.objects.filter(participant=person).update(booked_place="Room 4")
            began.set()
            freezing.wait(PATIENCE)
            threading.Event().wait(SOON)  # the freeze waits by now
            enrol(enrolment=an_enrolment(version, subject_code="S01-002"), by=None)

    def freeze() -> None:
        assert began.wait(PATIENCE)
        freezing.set()
        by_service(person.trial, chief)

    with ThreadPoolExecutor(2) as sessions:
        for session in [sessions.submit(in_its_own_session, act) for act in (write, freeze)]:
            session.result(PATIENCE)
    assert Visit.objects.values("participant").distinct().count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_write_that_waited_for_the_freeze_is_refused() -> None:
    person = enrol(enrolment=an_enrolment(site=a_site()), by=None)
    chief = User.objects.create_superuser("chief")
    frozen = threading.Event()

    def freeze() -> None:
        with transaction.atomic():
            by_service(person.trial, chief)
            frozen.set()
            threading.Event().wait(SOON)

    def write() -> None:
        assert frozen.wait(PATIENCE)
        enrol(enrolment=an_enrolment(person.protocol_version, subject_code="S01-002"), by=None)

    with ThreadPoolExecutor(2) as sessions:
        first, second = (sessions.submit(in_its_own_session, act) for act in (freeze, write))
        first.result(PATIENCE)
        with pytest.raises(TrialFrozen):
            second.result(PATIENCE)
