"""The cast of the API: a participant, and an EDC system with a token that may read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from participants.models import Participant
from schedules.models import Visit
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, an_enrolment
from tests.readers import Ask
from trials.models import User
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import issue_api_token


@pytest.fixture
def frozen() -> Iterator[None]:
    """One moment, and nothing remembered of the test before."""
    cache.clear()
    with translation.override("en"), time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def participant() -> Participant:
    return enrol(enrolment=an_enrolment(), by=None)


@pytest.fixture
def edc(participant: Participant) -> User:
    user = User.objects.create_user("edc")
    grant_membership(user=user, role="data_manager", site=participant.site, starts_on=TODAY, by=None)
    return user


@pytest.fixture
def token(edc: User) -> str:
    return issue_api_token(user=edc, name="EDC")[1]


@pytest.fixture
def ask(token: str) -> Ask:
    def ask(address: str, at: datetime = NOW, **headers: str) -> Any:
        with time_machine.travel(at, tick=False):
            return Client().get(address, headers={"authorization": f"Bearer {token}", **headers})

    return ask


@pytest.fixture
def many(participant: Participant) -> int:
    version = participant.protocol_version
    bulk_enrol(enrolments=[an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, 9)], by=None)
    return Visit.objects.count()


@pytest.fixture
def time_machine_later() -> Callable[[timedelta], AbstractContextManager[Any]]:
    """The clock of the test put forward."""
    return lambda passed: time_machine.travel(NOW + passed, tick=False)
