"""Enrolling many at once, for imports and migrations."""

from __future__ import annotations

from collections.abc import Sequence

from participants.domain.errors import SubjectCodeTaken
from participants.services import register_many
from schedules.domain.errors import EnrolmentRefused, EnrolmentsRefused
from schedules.domain.plan.values import Plan
from schedules.services.enrolment.consenting import dated_by_consent
from schedules.services.enrolment.enrolling import code_taken, registration_of
from schedules.services.enrolment.history import await_histories, draft_histories
from schedules.services.enrolment.refusals import Enrolment, Ground, plan_enrolment
from schedules.services.store.plan_rows import PlanRows
from schedules.services.store.site_locks import lock_sites
from trials.audit.acts import recorded
from trials.models import User
from trials.zones import zone_of


@recorded
def bulk_enrol(*, enrolments: Sequence[Enrolment], by: User | None) -> list[int]:
    """The ids of many participants enrolled as by `enrol`, in the order given: all of them or none.

    One COPY (executemany on SQLite) for each table, however many there are. Raises
    EnrolmentsRefused, which says of everybody who is refused what would mend it.
    """
    enrolments = [dated_by_consent(one) for one in enrolments]
    plans = _plans(enrolments)
    try:
        ids = register_many(registrations=[registration_of(one) for one in enrolments], by=by)
    except SubjectCodeTaken as error:
        raise _codes_taken(enrolments, error) from error
    rows = PlanRows()
    for plan, participant, enrolment in zip(plans, ids, enrolments, strict=True):
        rows.add(plan, participant, zone_of(enrolment.site))
    rows.load()
    draft_histories(zip(ids, enrolments, plans, strict=True))
    await_histories(zip(ids, enrolments, strict=True))
    return ids


def _plans(enrolments: Sequence[Enrolment]) -> list[Plan]:
    lock_sites({one.site.pk for one in enrolments})
    ground = Ground.of(enrolments)
    plans: list[Plan] = []
    refused: dict[int, EnrolmentRefused] = {}
    for place, enrolment in enumerate(enrolments):
        try:
            plans.append(plan_enrolment(enrolment, ground))
        except EnrolmentRefused as error:
            refused[place] = error
    if refused:
        raise EnrolmentsRefused(refused)
    return plans


def _codes_taken(enrolments: Sequence[Enrolment], error: SubjectCodeTaken) -> EnrolmentsRefused:
    taken = set(error.codes)
    return EnrolmentsRefused(
        {place: code_taken(one) for place, one in enumerate(enrolments) if one.subject_code in taken}
    )
