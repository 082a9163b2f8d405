"""What can be read of participants: always within what the reader may see."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from trials.domain.access import Right
from trials.models import User
from trials.selectors import roles_of, within


def participants_visible_to(user: User, today: date) -> QuerySet[Participant]:
    """The participants at the sites and in the trials that a user may look into on this day."""
    return Participant.objects.filter(within(roles_of(user, today), Right.VIEW))


def anchor_days(participant: Participant) -> dict[str, RecordedAnchor]:
    """The anchors on record of a participant, by their codes; one query, or none where prefetched."""
    return {anchor.code: recorded(anchor) for anchor in participant.anchors.all()}


def recorded(anchor: Anchor) -> RecordedAnchor:
    """A stored anchor as a value."""
    return RecordedAnchor(
        anchor.code, anchor.planned_on, anchor.planned_at, anchor.actual_on, anchor.actual_at
    )
