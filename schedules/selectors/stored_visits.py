"""Stored visits as the values that the domain speaks of."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from participants.models import Participant
from participants.selectors import anchor_days
from schedules.domain.plan import AnchorDay, AnchorKind, PlannedVisit
from schedules.domain.recorded_anchors import anchor_day
from schedules.domain.status import VisitFacts
from schedules.domain.windows import VisitWindow
from schedules.models import Visit, VisitTiming
from trials.domain.offsets import Offset
from trials.domain.protocol import Protocol

RANGES = (VisitTiming.WITHIN, VisitTiming.OVER)
"""The timings that have no single due day."""


def window_of(visit: Visit) -> VisitWindow:
    """The days on which a stored visit counts as on time."""
    return VisitWindow(visit.opens, visit.target, visit.closes)


def facts_of(visit: Visit) -> VisitFacts:
    """What a stored visit's status follows from."""
    return VisitFacts(
        window_of(visit),
        is_range=visit.timing in RANGES,
        performed_on=visit.performed_on,
        missed=visit.missed_on is not None,
        cancelled=visit.cancelled_on is not None,
    )


def planned_visit(visit: Visit, protocol: Protocol, zone: ZoneInfo) -> PlannedVisit:
    """The visit as it was planned, so that it can explain itself; hours in the site's zone."""
    base_at = visit.anchor_at.astimezone(zone) if visit.anchor_at else None
    return PlannedVisit(
        rule=protocol.visit_by_code[visit.rule_code],
        occurrence=visit.occurrence,
        code=visit.code,
        offset=Offset.parse(visit.offset),
        base=AnchorDay(visit.anchor_on, AnchorKind(visit.anchor_kind), base_at),
        window=window_of(visit),
        at=visit.target_at.astimezone(zone) if visit.target_at else None,
        suggested=visit.suggested,
        why_shifted=visit.why_shifted,
    )


def day_zero_of(participant: Participant, protocol: Protocol, zone: ZoneInfo) -> date | None:
    """The day that a participant's day numbers count from, from the anchors on record; None while unknown."""
    recorded = anchor_days(participant).get(protocol.day_zero)
    day = anchor_day(recorded, zone) if recorded else None
    return day.day if day else None
