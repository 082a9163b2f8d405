"""A day that is corrected among the anchors is corrected at the visit that put it on record, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from schedules.domain.errors import ReplanningRefused
from schedules.domain.visits.order import anchors_of_rule
from schedules.models import Visit
from schedules.selectors.store.records import Record, anchors_on_record
from trials.selectors.records import protocol_of
from trials.spoken import say, sentence


def with_corrected_visits(record: Record, anchors: Mapping[str, RecordedAnchor]) -> Record:
    """The record as it is with the visits on the days to which their anchors are corrected.

    Raises ReplanningRefused where a day is taken away that a visit stands for.
    """
    days = _corrections(record, anchors)
    if not days:
        return record
    visits = [
        visit._replace(**_performed(days[visit.pk])) if visit.pk in days else visit for visit in record.visits
    ]
    return replace(record, visits=visits)


def correct_visits(record: Record, anchors: Mapping[str, RecordedAnchor], now: datetime) -> None:
    """Write those days; the caller holds the lock and the transaction. Raises as `with_corrected_visits`.

    The plan that is written next tells of it and judges it: before that, it would be outside its window.
    """
    for pk, anchor in _corrections(record, anchors).items():
        Visit.objects.filter(pk=pk).update(
            **_performed(anchor),
            version=F("version") + 1,
            sequence=F("sequence") + 1,
            changed_at=now,
        )


def _corrections(record: Record, anchors: Mapping[str, RecordedAnchor]) -> dict[int, RecordedAnchor]:
    """The anchor that each visit is dated by again, by the visit's id."""
    rules = protocol_of(record.participant.protocol_version).visit_by_code
    found: dict[int, RecordedAnchor] = {}
    for code, anchor in anchors_on_record(record, anchors).items():
        before = record.anchors.get(code)
        if before is None or before.actual_on is None or _when(before) == _when(anchor):
            continue
        for visit in record.visits:
            rule = rules.get(visit.rule_code)
            if visit.performed_on != before.actual_on or code not in anchors_of_rule(rule, visit.occurrence):
                continue
            if anchor.actual_on is None:
                words = {"visit": say(visit.label), "day": before.actual_on}
                message = _("The visit %(visit)s is on record for %(day)s: take the visit back instead.")
                raise ReplanningRefused(sentence(message, words))
            found[visit.pk] = anchor
    return found


def _performed(anchor: RecordedAnchor) -> dict[str, Any]:
    return {
        "performed_on": anchor.actual_on,
        "performed_at": anchor.actual_at,
        "performed_zone": anchor.actual_zone,
    }


def _when(anchor: RecordedAnchor) -> tuple[date | None, datetime | None]:
    return anchor.actual_on, anchor.actual_at
