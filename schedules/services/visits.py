"""The life of a visit, as people report it."""

from __future__ import annotations

from datetime import date

from django.db.models import F
from django.db.models.functions import Now

from participants.models import Participant
from schedules.models import CalendarState, Visit
from trials.acts import recorded
from trials.domain.errors import Stale
from trials.models import User


@recorded
def record_performed(*, visit: Visit, performed_on: date, by: User | None) -> Visit:
    """Put on record that a visit was done on this day of its site, as the given version of it knows it.

    The calendars that show it get a new revision. Raises Stale where somebody changed or
    ended the visit since it was read.
    """
    Participant.objects.select_for_update().get(pk=visit.participant_id)
    as_read = Visit.objects.filter(
        pk=visit.pk, version=visit.version, performed_on=None, missed_on=None, cancelled_on=None
    )
    changed = as_read.update(
        performed_on=performed_on, version=F("version") + 1, sequence=F("sequence") + 1, changed_at=Now()
    )
    if not changed:
        raise Stale("schedules.visit", visit.pk, visit.version, visit.version + 1)
    CalendarState.objects.filter(participant=visit.participant_id).update(
        revision=F("revision") + 1, changed_at=Now()
    )
    visit.refresh_from_db()
    return visit
