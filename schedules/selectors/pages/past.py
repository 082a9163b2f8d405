"""What lies behind on a participant's page: what was changed last, by whom and why."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.db.models import Q

from participants.models import Participant
from schedules.selectors.pages.replanning import ANCHOR, TOLD, acts_of
from schedules.selectors.store.changes import Change
from trials.models import AuditEntry
from trials.selectors.records import protocol_of
from trials.spoken import say

ACTS = 8
_ENTRIES = 60  # an act writes several entries; so many give ACTS of them with little read


def last_acts(participant: Participant, zone: ZoneInfo) -> Sequence[Change]:
    """What was done last about a participant, the newest first, an act with its reason.

    Few queries, whose number does not grow, where visits and anchors of the participant are prefetched.
    """
    entries = AuditEntry.objects.filter(participant_id=participant.pk, model__in=TOLD)
    enrolled = Q(action="create", model__in=("schedules.visit", "participants.participant"))
    shown = list(entries.exclude(enrolled).order_by("-id")[:_ENTRIES])[::-1]
    anchors = protocol_of(participant.protocol_version).anchor_by_code
    known = {
        "schedules.visit": {str(one.pk): say(one.label) for one in participant.visits.all()},
        ANCHOR: {
            str(one.pk): say(anchors[one.code].label) if one.code in anchors else one.code
            for one in participant.anchors.all()
        },
    }
    acts = [change for _person, change in acts_of(shown, {participant.pk: zone}, known)]
    told = [change for change in acts if change.fields]
    return told[::-1][:ACTS]
