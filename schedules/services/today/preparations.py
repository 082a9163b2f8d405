"""What is prepared for a visit before it comes: the doctor's slot, the orders, the bed."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from schedules.models import PREPARATIONS, Visit, VisitPreparation
from schedules.services.store.visit_writing import lock_participant
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import User


@recorded
def prepare_visit(
    *, visit: Visit, kind: str, done: bool, by: User | None, now: datetime, reason: str = ""
) -> None:
    """Tick or untick one preparation of a visit; ticking twice does it once.

    Raises Refused for a visit that has ended.
    """
    assert kind in PREPARATIONS, kind
    lock_participant(visit.participant_id)
    visit = Visit.objects.get(pk=visit.pk)
    if visit.performed_on or visit.missed_on or visit.cancelled_on:
        raise Refused({"": [_("This visit is recorded already: there is nothing to prepare.")]})
    standing = VisitPreparation.objects.filter(visit=visit, kind=kind)
    if not done:
        standing.delete()
    elif not standing.exists():
        VisitPreparation.objects.create(visit=visit, kind=kind, done_at=now, done_by=by)
