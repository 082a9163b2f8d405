"""Enrolling somebody: one transaction, refused in words."""

import pytest

from participants.models import Anchor, Participant
from schedules.models import CalendarState, ProtocolWindow, Visit
from schedules.services.bulk import bulk_enrol
from schedules.services.planning import enrol, preview_enrolment
from tests.cast import an_enrolment

pytestmark = pytest.mark.django_db


def test_enrolling_puts_everything_on_record() -> None:
    enrolment = an_enrolment()
    plan = preview_enrolment(enrolment)
    participant = enrol(enrolment=enrolment, by=None)
    stored = Participant.objects.get()
    assert stored == participant
    assert list(Visit.objects.values_list("code", "opens", "target", "closes")) == [
        (visit.code, *visit.window) for visit in plan.visits
    ]
    assert ProtocolWindow.objects.count() == len(plan.windows)
    assert CalendarState.objects.get().participant == stored
    assert list(Anchor.objects.values_list("code", flat=True)) == ["infusion"]


def test_bulk() -> None:
    one = an_enrolment()
    from dataclasses import replace

    ids = bulk_enrol(enrolments=[one, replace(one, subject_code="S01-002")], by=None)
    assert list(Participant.objects.order_by("pk").values_list("pk", flat=True)) == ids
