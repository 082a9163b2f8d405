"""Values on which an EDC and Dayzero do not agree: both kept, neither written over, settled by a person."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.models import Settlement, ValueDifference, Visit
from schedules.selectors.exchange.agreements import what_differs, words_of_both
from schedules.services.store.visit_writing import lock_participant
from trials.audit.acts import recorded
from trials.domain.errors import DomainError, Refused
from trials.domain.words import run_on
from trials.models import User
from trials.spoken import require_reason, say


@dataclass(frozen=True, slots=True)
class Reported:
    """A value that a client reports: of which visit or anchor, and where it comes from.

    `item` is the code of the activity, test, window or event that it is of; empty for a day.
    """

    field: str
    value: str
    client: str
    visit: Visit | None = None
    anchor: str = ""
    source: dict[str, Any] = dataclasses.field(default_factory=dict)
    item: str = ""


class ValuesDiffer(DomainError):
    """What an EDC reports differs from what is on record; `differences` keep both, value by value."""

    def __init__(self, *differences: ValueDifference) -> None:
        self.differences = differences
        super().__init__(run_on((_told(one) for one in differences), say))


@recorded
def keep_difference(
    *, participant: Participant, ours: str, reported: Reported, now: datetime, by: User | None
) -> ValueDifference:
    """Keep both values, once for each visit or anchor, field and client while the difference is open."""
    lock_participant(participant.pk)
    found = ValueDifference.objects.filter(settled_at=None).filter(**_of(participant, reported)).first()
    row = found or ValueDifference(noticed_at=now, **_of(participant, reported))
    if found is None or (found.ours, found.theirs, found.source) != (ours, reported.value, reported.source):
        row.ours, row.theirs, row.source = ours, reported.value, reported.source
        row.save()
    return row


@recorded
def agree(*, participant: Participant, reported: Reported, now: datetime, by: User | None) -> None:
    """Settle what was open of a value on which both agree again."""
    found = ValueDifference.objects.filter(settled_at=None).filter(**_of(participant, reported))
    for row in found:
        row.settled_at, row.settled_by = now, by
        row.settlement = Settlement.AGREED
        row.save(update_fields=["settled_at", "settled_by", "settlement"])


@recorded
def settle_difference(
    *,
    difference: ValueDifference,
    now: datetime,
    by: User | None,
    reason: str,
    settlement: Settlement = Settlement.OURS,
    theirs: str | None = None,
) -> ValueDifference:
    """Settle a difference, with a reason; what is on record stays as it is.

    `theirs` is the EDC's value as the person saw it. Raises Refused for a difference that is settled, and
    where the EDC has reported another value since.
    """
    require_reason(reason)
    row = open_difference(difference, theirs)
    row.settled_at, row.settled_by, row.settled_reason = now, by, reason.strip()[:300]
    row.settlement = settlement
    row.save(update_fields=["settled_at", "settled_by", "settled_reason", "settlement"])
    return row


def open_difference(difference: ValueDifference, theirs: str | None = None) -> ValueDifference:
    """The difference as it is now, under its participant's lock.

    Raises Refused for one that is settled, and for another value than `theirs`, which a person was shown.
    """
    lock_participant(difference.participant_id)
    row = ValueDifference.objects.get(pk=difference.pk)
    if row.settled_at:
        raise Refused({"": [_("This difference is settled already.")]})
    if theirs is not None and row.theirs != theirs:
        raise Refused({"": [_("The EDC has reported another value since you looked. Look at it again.")]})
    return row


def _told(one: ValueDifference) -> str:
    """Both values in a sentence, and of what they are."""
    ours, theirs = (words.text(say) for words in words_of_both(one))
    words = _(
        "%(of)s: the EDC reports “%(theirs)s”, Dayzero has “%(ours)s” on record. "
        "Both values are kept until somebody settles the difference."
    )
    if not one.ours:
        words = _(
            "%(of)s: the EDC reports “%(theirs)s”, Dayzero has nothing on record. "
            "The value is kept until somebody settles the difference."
        )
    return words % {"of": what_differs(one).text(say), "ours": ours, "theirs": theirs}


def _of(participant: Participant, reported: Reported) -> dict[str, Any]:
    return {
        "participant": participant,
        "visit": reported.visit,
        "anchor": reported.anchor,
        "field": reported.field,
        "item": reported.item,
        "client": reported.client,
    }
