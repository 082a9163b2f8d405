"""What a day that happened against the protocol writes by itself: a deviation, a flag to plan again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F, QuerySet

from schedules.domain.deviations.drafts import DeviationKind, Lapse
from schedules.domain.replanning.protocol_departures import (
    REPLAN_FLAG,
    departure_sentence,
    draft_of,
    keys_that_hold,
    standing_to_plan_anew,
)
from schedules.models import Deviation, Flag, Severity
from schedules.selectors.store.course import ending_step
from schedules.services.replanning.previews import Preview
from schedules.services.store.deviation_drafts import draft_deviation
from trials.selectors.together import Asked, read_together

KIND = REPLAN_FLAG
_KINDS = (DeviationKind.BLOCK, DeviationKind.ORDER, DeviationKind.GATE, DeviationKind.START)


def follow_departures(preview: Preview, *, now: datetime, reason: str) -> None:
    """Draft what a preview that has just become true departs in, and mark what is no longer so.

    The caller holds the participant's lock.
    """
    person, protocol = preview.record.participant, preview.plan.protocol
    for one in preview.departures:
        if one.drafts:
            draft_deviation(participant=person, draft=draft_of(one, protocol, person.pk, reason), now=now)
    drafted, flags = read_together(_drafted_of(person.pk), Asked.of(_flags_of, [person.pk]))
    _lapse(preview, drafted)
    _follow([preview], flags, now)


def follow_many(previews: Sequence[Preview], now: datetime) -> None:
    """Flag anyone who has a planned day that no longer fits one on record; clear the flag of all others.

    One query, and a write only where something changes.
    """
    _follow(previews, _flags_of([preview.record.participant.pk for preview in previews]), now)


def _flags_of(participants: Sequence[int]) -> QuerySet[Flag]:
    return Flag.objects.filter(participant__in=participants, kind=KIND)


def _follow(previews: Sequence[Preview], flags: Iterable[Flag], now: datetime) -> None:
    messages = {
        preview.record.participant.pk: message for preview in previews if (message := _message(preview))
    }
    standing = {flag.participant_id: flag for flag in flags}
    over = [flag.pk for pk, flag in standing.items() if pk not in messages and flag.cleared_at is None]
    if over:
        Flag.objects.filter(pk__in=over).update(cleared_at=now)
    for pk, message in messages.items():
        _raise(pk, message, standing.get(pk), now)


def settle_planned(participant: int, now: datetime) -> None:
    """Clear the flag of a planned day that no longer fits: the course is over, nothing is planned."""
    Flag.objects.filter(participant=participant, kind=KIND, cleared_at=None).update(cleared_at=now)


def _message(preview: Preview) -> str:
    """What no longer fits, in English; nothing for nothing, and nothing of a course that is over."""
    if not preview.contradictions or ending_step(preview.record.steps):
        return ""
    found = standing_to_plan_anew(preview.contradictions, preview.case)
    sentences = dict.fromkeys(departure_sentence(one, preview.plan.protocol) for one in found)
    return " ".join(["A planned day no longer fits.", *sentences]) if sentences else ""


def _raise(participant: int, message: str, standing: Flag | None, now: datetime) -> None:
    """Raise the flag; one that somebody cleared comes back only where something else no longer fits."""
    evidence = hashlib.sha256(message.encode()).hexdigest()[:40]
    if standing is None:
        Flag.objects.create(
            participant_id=participant,
            key=f"{KIND}:{participant}",
            kind=KIND,
            severity=Severity.WARNING,
            message=message,
            evidence=evidence,
            raised_at=now,
        )
    elif standing.evidence != evidence or (standing.cleared_at and standing.cleared_by_id is None):
        fresh = {"cleared_at": None, "cleared_by": None, "cleared_reason": ""}
        Flag.objects.filter(pk=standing.pk).update(message=message, evidence=evidence, raised_at=now, **fresh)


def _drafted_of(participant: int) -> QuerySet[Deviation]:
    """The drafts of no single visit that stand."""
    drafted = Deviation.objects.filter(participant=participant, kind__in=_KINDS, visit=None, lapsed_on=None)
    return drafted.filter(withdrawn_on=None).exclude(lapsed_because=Lapse.UPHELD)


def _lapse(preview: Preview, standing: Sequence[Deviation]) -> None:
    """Mark the drafts whose days are no longer on record, or no longer contradict each other."""
    pk = preview.record.participant.pk
    if standing:
        hold = keys_that_hold(preview.contradictions, preview.case, pk)
        _mark((one for one in standing if one.key not in hold), preview)


def _mark(gone: Iterable[Deviation], preview: Preview) -> None:
    for one in gone:
        abouts = one.key.split(":")[2:-1]
        kept = all(preview.case.happened(code) for code in abouts if code in preview.plan.anchors)
        because = Lapse.KEPT if kept else Lapse.RECORD_WITHDRAWN
        Deviation.objects.filter(pk=one.pk).update(
            lapsed_on=preview.today, lapsed_because=because, version=F("version") + 1
        )
