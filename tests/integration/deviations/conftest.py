"""Somebody of CART-SLE, infused on Monday 7 December 2026: D14 on the 21st, from the 19th to the 23rd."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.values import Answer, Completion
from schedules.models import Deviation, Visit
from schedules.selectors.store.course import standing_of
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import complete_visit, undo_visit
from tests.cast import a_version, an_enrolment
from trials.models import Membership, Role, User

SHANGHAI = ZoneInfo("Asia/Shanghai")
INFUSION = date(2026, 12, 7)


def at(month: int, day: int, hour: int = 10) -> datetime:
    """Ten in the morning in Shanghai, of the winter of 2026 to 2027."""
    return datetime(2026 if month > 6 else 2027, month, day, hour, 0, tzinfo=SHANGHAI)


@pytest.fixture
def participant() -> Participant:
    anchors = {
        "infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


@pytest.fixture
def asked() -> Participant:
    """The same of a trial whose visits have activities."""
    anchors = {"infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL)}
    return enrol(
        enrolment=an_enrolment(a_version("NCT07193667"), anchors=anchors, subject_code="S01-007"), by=None
    )


def a_user(role: Role, name: str = "", **where: Any) -> User:
    user = User.objects.create_user(name or role.value, first_name="Dr. Chen", last_name="Yu")
    Membership.objects.create(user=user, role=role, starts_on=date(2026, 1, 1), **where)
    return user


def visit(code: str, participant: Participant) -> Visit:
    return Visit.objects.get(code=code, participant=participant)


def done(shown: Visit, day: date, now: datetime, why: str = "", left: dict[str, str] | None = None) -> Visit:
    """Put a visit on record as done; `left` are the activities that were not, with their reasons."""
    standing = standing_of(shown.participant)
    asked = activities_of(
        standing.protocol, shown.rule_code, shown.occurrence, frozenset(shown.participant.traits)
    )
    answers = {
        each.code: Answer(each.code not in (left or {}), (left or {}).get(each.code, "")) for each in asked
    }
    completion = Completion(day, activities=answers, outside_reason=why)
    return complete_visit(visit=shown, version=shown.version, completion=completion, by=None, now=now)


def undone(shown: Visit, now: datetime) -> Visit:
    return undo_visit(visit=shown, version=shown.version, by=None, reason="wrong chart", now=now)


@pytest.fixture
def late(participant: Participant) -> Deviation:
    """D14 was done three days after its window."""
    done(visit("d14", participant), date(2026, 12, 26), at(12, 26), "a storm closed the road")
    return Deviation.objects.get()
