"""Between the anchors on a participant's record and the anchors that a plan is made of.

Where the hour is known the day is that of the hour in the site's zone, whatever zone it came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.anchors import RecordedAnchor
from schedules.domain.plan import AnchorDay, AnchorKind


def anchor_days(anchors: Mapping[str, RecordedAnchor | AnchorDay], zone: ZoneInfo) -> dict[str, AnchorDay]:
    """The anchors that have a day, by their codes; the actual day before the planned."""
    return {code: day for code, anchor in anchors.items() if (day := anchor_day(anchor, zone))}


def anchor_day(anchor: RecordedAnchor | AnchorDay, zone: ZoneInfo) -> AnchorDay | None:
    """The day that a plan counts from; None for an anchor without any."""
    if isinstance(anchor, AnchorDay):
        return _day_in(zone, anchor.day, anchor.at, anchor.kind)
    if anchor.actual_on is not None:
        return _day_in(zone, anchor.actual_on, anchor.actual_at, AnchorKind.ACTUAL)
    if anchor.planned_on is not None:
        return _day_in(zone, anchor.planned_on, anchor.planned_at, AnchorKind.PLANNED)
    return None


def recorded_anchor(code: str, anchor: RecordedAnchor | AnchorDay, zone: ZoneInfo) -> RecordedAnchor:
    """The anchor as it goes on record."""
    if isinstance(anchor, RecordedAnchor):
        planned = _local_day(zone, anchor.planned_on, anchor.planned_at)
        actual = _local_day(zone, anchor.actual_on, anchor.actual_at)
        return RecordedAnchor(code, planned, anchor.planned_at, actual, anchor.actual_at)
    day = _local_day(zone, anchor.day, anchor.at)
    if anchor.kind is AnchorKind.ACTUAL:
        return RecordedAnchor(code, actual_on=day, actual_at=anchor.at)
    return RecordedAnchor(code, planned_on=day, planned_at=anchor.at)


def _day_in(zone: ZoneInfo, day: date, at: datetime | None, kind: AnchorKind) -> AnchorDay:
    return AnchorDay.at_instant(at.astimezone(zone), kind) if at else AnchorDay(day, kind)


def _local_day(zone: ZoneInfo, day: date | None, at: datetime | None) -> date | None:
    return at.astimezone(zone).date() if at else day
