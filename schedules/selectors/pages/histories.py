"""What a history can be entered of."""

from __future__ import annotations

from datetime import date

from django.db.models import Max

from participants.models import Participant
from schedules.domain.visits.allowed_actions import actions_of
from schedules.domain.visits.values import VisitAction
from schedules.models import Visit
from schedules.selectors.store.course import visit_under
from trials.selectors.records import protocol_of


def visits_of_history(participant: Participant, today: date) -> list[Visit]:
    """The visits that could have taken place by now and of which nothing is recorded; two queries.

    Those that ended with the course are among them: what took place all the same is recorded with a reason.
    """
    mine = Visit.objects.of(participant)
    latest = mine.aggregate(latest=Max("attempt"))["latest"]
    found = mine.filter(attempt=latest, opens__lte=today).order_by("target", "opens", "pk")
    protocol = protocol_of(participant.protocol_version)
    return [visit for visit in found if VisitAction.COMPLETE in actions_of(visit_under(visit, protocol))]
