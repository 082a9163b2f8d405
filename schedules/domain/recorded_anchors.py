"""Between the anchors on a participant's record and the anchors that a plan is made of."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from participants.domain.anchors import RecordedAnchor
from schedules.domain.plan import AnchorDay, AnchorKind


def anchor_day(anchor: RecordedAnchor | AnchorDay, zone: ZoneInfo) -> AnchorDay | None:
    """The day that a plan counts from, the actual before the planned, hours in this zone; None without any."""
    if isinstance(anchor, AnchorDay):
        return anchor
    if anchor.actual_on is not None:
        at = anchor.actual_at
        return AnchorDay(anchor.actual_on, AnchorKind.ACTUAL, at.astimezone(zone) if at else None)
    if anchor.planned_on is not None:
        at = anchor.planned_at
        return AnchorDay(anchor.planned_on, AnchorKind.PLANNED, at.astimezone(zone) if at else None)
    return None


def anchor_days(anchors: Mapping[str, RecordedAnchor | AnchorDay], zone: ZoneInfo) -> dict[str, AnchorDay]:
    """The anchors that have a day, by their codes."""
    return {code: day for code, anchor in anchors.items() if (day := anchor_day(anchor, zone))}


def recorded_anchor(code: str, anchor: RecordedAnchor | AnchorDay) -> RecordedAnchor:
    """The anchor as it goes on record."""
    if isinstance(anchor, RecordedAnchor):
        return anchor
    if anchor.kind is AnchorKind.ACTUAL:
        return RecordedAnchor(code, actual_on=anchor.day, actual_at=anchor.at)
    return RecordedAnchor(code, planned_on=anchor.day, planned_at=anchor.at)
