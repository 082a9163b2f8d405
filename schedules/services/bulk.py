"""Enrolling many at once, for imports and migrations."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from participants.domain.errors import SubjectCodeTaken
from participants.services import register_many
from schedules.services.enrolments import Enrolment, Ground, plan_enrolment
from schedules.services.plan_rows import PlanRows
from schedules.services.planning import code_taken, registration_of
from trials.acts import recorded
from trials.models import User


@recorded
def bulk_enrol(*, enrolments: Sequence[Enrolment], by: User | None) -> list[int]:
    """The ids of many participants enrolled as by `enrol`, in the order given: all of them or none.

    One COPY (executemany on SQLite) for each table, however many there are. Raises
    EnrolmentRefused for the first that is refused.
    """
    ground = Ground.of(enrolments)
    plans = [plan_enrolment(enrolment, ground) for enrolment in enrolments]
    try:
        ids = register_many(registrations=[registration_of(one) for one in enrolments], by=by)
    except SubjectCodeTaken as error:
        raise code_taken(error) from error
    rows = PlanRows()
    for plan, participant, enrolment in zip(plans, ids, enrolments, strict=True):
        rows.add(plan, participant, ZoneInfo(enrolment.site.zone))
    rows.load()
    return ids
