"""The cast of the calendars: a participant, and somebody at the site who subscribes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.core.cache import cache

from participants.models import Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, an_enrolment
from tests.phones import a_coordinator
from trials.models import User


@pytest.fixture
def frozen() -> Iterator[None]:
    """One moment, and nothing remembered of the test before."""
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def participant() -> Participant:
    return enrol(enrolment=an_enrolment(), by=None)


@pytest.fixture
def owner(participant: Participant) -> User:
    return a_coordinator(site=participant.site)
