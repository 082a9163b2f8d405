"""Somebody of CART-SLE: 7 days in hospital, 28 near the site, 28 observed, from Monday 2026-12-07."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.services.enrolment.enrolling import enrol
from tests.cast import an_enrolment
from trials.models import Membership, Role, User

INFUSION = date(2026, 12, 7)


def noon(month: int, day: int, hour: int = 12) -> datetime:
    """Noon of a day in Shanghai, of the winter of 2026 to 2027."""
    return datetime(2026 if month > 6 else 2027, month, day, hour - 8, 0, tzinfo=UTC)


@pytest.fixture
def participant() -> Participant:
    return enrol(enrolment=an_enrolment(), by=None)


@pytest.fixture
def infused() -> Participant:
    """The infusion took place on its planned day."""
    anchors = {"infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(anchors=anchors, subject_code="S01-009"), by=None)


def a_user(role: Role, name: str = "", **where: object) -> User:
    user = User.objects.create_user(name or role.value)
    Membership.objects.create(user=user, role=role, starts_on=date(2026, 1, 1), **where)
    return user


@pytest.fixture
def coordinator() -> User:
    return a_user(Role.COORDINATOR)


@pytest.fixture
def investigator() -> User:
    return a_user(Role.INVESTIGATOR)
