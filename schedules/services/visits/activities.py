"""What was done at a visit, corrected by itself: the visit stays done, and what counts from it follows."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from schedules.domain.errors import ReplanningRefused, VisitRefused
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.values import Answer
from schedules.models import Visit, VisitActivity
from schedules.selectors.store.course import standing_of, visit_under
from schedules.services.replanning.moves import follow_visit
from schedules.services.store.deviation_drafts import draft_of_visits
from schedules.services.store.visit_writing import lock_visit, write_visit
from schedules.services.visits.completion import lends
from trials.audit.acts import recorded
from trials.models import User
from trials.spoken import require_reason, sentence


@recorded
def record_activity(
    *, visit: Visit, version: int, code: str, answer: Answer, by: User | None, reason: str, now: datetime
) -> Visit:
    """Put on record whether an activity was done at a visit that was; another answer needs a reason.

    What counts from the activity is planned again. Raises VisitRefused for a visit that is not done, a code
    that is none of its activities or one left without a word, and Stale.
    """
    visit = lock_visit(visit.pk, visit.participant_id, version)
    standing = standing_of(visit.participant)
    stood = VisitActivity.objects.filter(visit=visit, code=code).first()
    asked = activities_of(
        standing.protocol, visit.rule_code, visit.occurrence, frozenset(visit.participant.traits)
    )
    known = {one.code: one.label for one in asked} | ({stood.code: stood.label} if stood else {})
    _refuse(visit, code, answer, known)
    if stood:
        require_reason(reason, VisitRefused)
    row = stood or VisitActivity(visit=visit, participant=visit.participant, code=code, label=known[code])
    row.done, row.reason = answer.done, "" if answer.done else answer.reason.strip()
    row.done_at = (answer.at or visit.performed_at) if answer.done else None
    row.save()
    write_visit(visit, "changed", now)
    if lends(standing.protocol, visit_under(visit, standing.protocol)):
        try:
            follow_visit(participant=visit.participant, dated=frozenset(), now=now, by=by, reason=reason)
        except ReplanningRefused as refused:
            raise VisitRefused({"": [str(refused)]}) from refused
    draft_of_visits([visit.pk], now)
    visit.refresh_from_db()
    return visit


def _refuse(visit: Visit, code: str, answer: Answer, known: dict[str, str]) -> None:
    if visit.performed_on is None:
        raise VisitRefused({"": [_("It is not on record as done: record the visit with its activities.")]})
    if code not in known:
        message = _("%(activity)s is no activity of this visit; it has %(activities)s.")
        words = {"activity": code, "activities": _(", ").join(known) or "–"}
        raise VisitRefused({"activities": [sentence(message, words)]})
    if not answer.done and not answer.reason.strip():
        message = _("Enter why %(activity)s was not done.")
        raise VisitRefused({f"activity-{code}": [sentence(message, {"activity": known[code]})]})
