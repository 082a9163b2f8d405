"""Enrolling somebody and planning their visits: one use case in one transaction."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from participants.domain.errors import SubjectCodeTaken
from participants.models import Participant
from participants.selectors.participants import subject_codes_in_use
from participants.services import Registration, register
from schedules.domain.errors import EnrolmentRefused
from schedules.domain.plan.recorded_anchors import recorded_anchor
from schedules.domain.plan.values import Plan
from schedules.selectors.readiness.board import is_gated
from schedules.services.enrolment.consenting import dated_by_consent
from schedules.services.enrolment.history import await_histories, draft_histories
from schedules.services.enrolment.refusals import Enrolment, Ground, plan_enrolment
from schedules.services.readiness.gates import Candidate, refusal_of_start
from schedules.services.store.plan_rows import rows_of
from schedules.services.store.site_locks import lock_sites
from trials.audit.acts import recorded
from trials.models import User
from trials.zones import zone_of

__all__ = ["Enrolment", "enrol", "preview_enrolment"]


def preview_enrolment(enrolment: Enrolment) -> Plan:
    """The plan that an enrolment would make, without writing; raises EnrolmentRefused as `enrol` does."""
    enrolment = dated_by_consent(enrolment)
    plan = plan_enrolment(enrolment, Ground.of([enrolment]))
    with transaction.atomic():  # the trial is locked while its gate is looked at
        refuse_closed_gate(enrolment, plan)
    if subject_codes_in_use(enrolment.trial, [enrolment.subject_code]):
        raise code_taken(enrolment)
    return plan


def enrol(*, enrolment: Enrolment, by: User | None) -> Participant:
    """A participant on record with anchors, visits, protocol windows and a calendar: all of it or nothing.

    Raises EnrolmentRefused, which says by field what would mend it, also where another was
    quicker with the same subject code, and where neither a consent form nor a reason is given. What is
    said to have happened against the protocol is taken with a reason and drafted as deviations; the reason
    is kept in the audit trail. The number of queries does not depend on the visits.
    """
    return _enrol(enrolment=enrolment, by=by, reason=enrolment.reason)


@recorded
def _enrol(*, enrolment: Enrolment, by: User | None, reason: str) -> Participant:
    lock_sites([enrolment.site.pk])
    enrolment = dated_by_consent(enrolment)
    plan = plan_enrolment(enrolment, Ground.of([enrolment]))
    refuse_closed_gate(enrolment, plan)
    try:
        participant = register(registration=registration_of(enrolment), by=by)
    except SubjectCodeTaken as error:
        raise code_taken(enrolment) from error
    rows_of(plan, participant.pk, zone_of(enrolment.site)).load()
    draft_histories([(participant.pk, enrolment, plan)])
    participant.history_since = await_histories([(participant.pk, enrolment)])
    return participant


def registration_of(enrolment: Enrolment) -> Registration:
    """What is kept in the audit trail of the participant themselves."""
    zone = zone_of(enrolment.site)
    return Registration(
        trial=enrolment.trial,
        site=enrolment.site,
        version=enrolment.version,
        subject_code=enrolment.subject_code,
        anchors=[recorded_anchor(code, anchor, zone) for code, anchor in enrolment.anchors.items()],
        traits=sorted(enrolment.traits),
        cohort=enrolment.cohort,
        comes_of_age_on=enrolment.comes_of_age_on,
        consent=enrolment.consent,
        no_consent_reason="" if enrolment.consent else enrolment.no_consent_reason.strip(),
    )


def refuse_closed_gate(enrolment: Enrolment, plan: Plan) -> None:
    """Raise EnrolmentRefused where the start that was planned meets a closed gate; in a transaction."""
    if not is_gated(plan.protocol):
        return
    level = enrolment.cohort.code if enrolment.cohort else None
    candidate = Candidate(enrolment.subject_code, enrolment.trial.pk, enrolment.site, level, enrolment.now)
    refusal = refusal_of_start(plan, candidate)
    if refusal:
        raise EnrolmentRefused({"anchors": [refusal]})


def code_taken(enrolment: Enrolment) -> EnrolmentRefused:
    """The refusal of a subject code that is in use."""
    words = _("Subject code %(code)s is taken in this trial.") % {"code": enrolment.subject_code}
    return EnrolmentRefused({"subject_code": [words]})
