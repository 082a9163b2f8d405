"""Milestones of a product put on record or expected: an unlikely day is asked about once."""

from __future__ import annotations

from datetime import datetime

from participants.domain.errors import ProductRefused
from participants.models import Participant, ProductStep
from participants.services.product import MilestoneRecord, expect_milestone, record_milestone
from schedules.selectors.store.course import clock_at, first_consent
from schedules.services.store.unlikely_days import questions_about
from trials.audit.acts import recorded
from trials.models import User
from trials.services.sites.plausible_days import ask_once


@recorded
def put_milestone(
    *,
    participant: Participant,
    record: MilestoneRecord,
    expecting: bool,
    by: User | None,
    now: datetime,
    reason: str = "",
    sure: bool = False,
) -> ProductStep:
    """Put a milestone on record as having come, or with `expecting` the day on which it is expected.

    Raises ProductRefused by field, also for a day before the consent or long after the last window that
    nobody has said is meant (`sure`), or that is meant and has no reason.
    """
    today = clock_at(participant.site, now).today
    write = expect_milestone if expecting else record_milestone
    step = write(participant=participant, record=record, by=by, today=today, reason=reason)
    unlikely = questions_about(participant, [record.on], consented=first_consent(participant))
    ask_once(unlikely, ProductRefused, sure=sure, reason=reason)
    return step
