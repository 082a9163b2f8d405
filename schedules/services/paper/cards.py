"""Put on record that a visit card was handed out."""

from __future__ import annotations

from datetime import datetime

from participants.models import Participant
from schedules.models import VisitCardGiven
from schedules.selectors.paper.cards import VisitCard
from trials.audit.acts import recorded
from trials.models import User


@recorded
def record_card_given(
    *,
    participant: Participant,
    card: VisitCard,
    language: str,
    by: User | None,
    now: datetime,
    reason: str = "",
) -> VisitCardGiven:
    """Put a card on record as handed out today; the same card given twice on a day is one row."""
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    last = VisitCardGiven.objects.filter(participant=participant).first()
    if last and (last.given_on, last.language, last.digest) == (card.printed, language, card.digest):
        return last
    return VisitCardGiven.objects.create(
        participant=participant,
        given_on=card.printed,
        language=language,
        digest=card.digest,
        given_at=now,
        given_by=by,
    )
