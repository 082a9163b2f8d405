"""What somebody whose treatment does not go as planned means for the next one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from participants.models import Participant
from schedules.domain.errors import EnrolmentRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.selectors.readiness.board import courses_of
from schedules.services.course.repetition import repeat_lymphodepletion
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_version, an_enrolment
from tests.integration.visits.test_visits import CONSENT, INFUSION, conditioned
from trials.formats.protocols import library
from trials.selectors.records import protocol_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(db: None) -> Participant:
    """Of CART-SLE with its gate: chemotherapy on 2 to 4 December 2026, for an infusion on Monday the 7th."""
    version = a_version(text=library.path("CART-SLE").read_text(encoding="utf-8"))
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(version, anchors=anchors), by=None)
    conditioned(person)
    return person


def next_one(first: Participant, infusion: date, today: date) -> Participant:
    """Somebody else at the same site, planned for a day."""
    asked = an_enrolment(
        first.protocol_version,
        site=first.site,
        subject_code="S01-002",
        anchors={"infusion": AnchorDay(infusion)},
        today=today,
    )
    return enrol(enrolment=asked, by=None)


@pytest.mark.parametrize(
    ("today", "says"),
    [
        (date(2026, 12, 6), None),
        (date(2026, 12, 8), "When the observation of S01-001 ends is not known"),
    ],
    ids=["the infusion is to come", "its day is over"],
)
def test_nobody_follows_who_waits_for_the_infusion(first: Participant, today: date, says: str | None) -> None:
    """Planned for 11 January, chemotherapy on the 6th: two days after an observation that never began."""
    if says is None:
        next_one(first, date(2027, 1, 11), today)
        return
    with pytest.raises(EnrolmentRefused, match=says):
        next_one(first, date(2027, 1, 11), today)


def test_a_repeated_treatment_begins_on_its_new_day(first: Participant) -> None:
    """Lymphodepletion again for an infusion on 4 January: it begins on 30 December, not on the 2nd."""
    first.refresh_from_db()
    now = datetime(2026, 12, 10, 4, tzinfo=UTC)
    repeat_lymphodepletion(
        participant=first,
        version=first.version,
        day_zero=date(2027, 1, 4),
        by=None,
        reason="fever",
        now=now,
    )
    (course,) = courses_of(protocol_of(first.protocol_version), first.trial_id, now).courses
    assert (course.begins, course.infusion, course.begun) == (date(2026, 12, 30), date(2027, 1, 4), False)
