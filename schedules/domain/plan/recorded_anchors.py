"""Between the anchors on a participant's record and the anchors that a plan is made of.

A planned hour has the day that it is then in the site's zone, whatever zone it came in. An actual day
is a fact: it stays as it was recorded, also where the site's zone is another one today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.anchors import RecordedAnchor
from participants.domain.moments import day_of, on_record, zone_on_record
from schedules.domain.plan.values import AnchorDay, AnchorKind
from trials.domain.sites.wall_clock import HourError, refusal_of


def anchor_days(anchors: Mapping[str, RecordedAnchor | AnchorDay], zone: ZoneInfo) -> dict[str, AnchorDay]:
    """The anchors that have a day, by their codes; the actual day before the planned."""
    return {code: day for code, anchor in anchors.items() if (day := anchor_day(anchor, zone))}


def anchor_day(anchor: RecordedAnchor | AnchorDay, zone: ZoneInfo) -> AnchorDay | None:
    """The day that a plan counts from; None for an anchor without any."""
    if isinstance(anchor, AnchorDay):
        return _day_in(zone, anchor.day, anchor.at, anchor.kind)
    if anchor.actual_on is not None:
        at = on_record(anchor.actual_at, anchor.actual_zone, zone)
        return AnchorDay(anchor.actual_on, AnchorKind.ACTUAL, at)
    if anchor.planned_on is not None:
        return _day_in(zone, anchor.planned_on, anchor.planned_at, AnchorKind.PLANNED)
    return None


def recorded_anchor(code: str, anchor: RecordedAnchor | AnchorDay, zone: ZoneInfo) -> RecordedAnchor:
    """The anchor as it is kept in the audit trail at a site in the zone."""
    if isinstance(anchor, AnchorDay):
        if anchor.kind is AnchorKind.ACTUAL:
            anchor = RecordedAnchor(code, actual_on=anchor.day, actual_at=anchor.at)
        else:
            anchor = RecordedAnchor(code, planned_on=anchor.day, planned_at=anchor.at)
    planned = _local_day(zone, anchor.planned_on, anchor.planned_at)
    if anchor.actual_zone:
        actual, named = anchor.actual_on, anchor.actual_zone
    else:
        actual = _local_day(zone, anchor.actual_on, anchor.actual_at)
        named = zone_on_record(anchor.actual_at, zone)
    return RecordedAnchor(code, planned, anchor.planned_at, actual, anchor.actual_at, named)


def hours_that_are_none(
    anchors: Mapping[str, RecordedAnchor | AnchorDay],
) -> Iterator[tuple[str, HourError]]:
    """Yield the anchors whose hour no clock of its zone ever shows, each with why."""
    for code, anchor in anchors.items():
        hours = [anchor.at] if isinstance(anchor, AnchorDay) else [anchor.planned_at, anchor.actual_at]
        for at in hours:
            error = refusal_of(at) if at else None
            if error:
                yield code, error


def put_on_record(anchor: RecordedAnchor, stands: RecordedAnchor | None, zone: ZoneInfo) -> RecordedAnchor:
    """Return the anchor with the zone of its record: that of what stands and says the same, else `zone`."""
    if anchor.actual_zone and anchor.actual_at:
        return anchor
    same = stands and (stands.actual_on, stands.actual_at) == (anchor.actual_on, anchor.actual_at)
    named = stands.actual_zone if stands and same else zone_on_record(anchor.actual_at, zone)
    return replace(anchor, actual_zone=named)


def _day_in(zone: ZoneInfo, day: date, at: datetime | None, kind: AnchorKind) -> AnchorDay:
    return AnchorDay.at_instant(at.astimezone(zone), kind) if at else AnchorDay(day, kind)


def _local_day(zone: ZoneInfo, day: date | None, at: datetime | None) -> date | None:
    return day_of(at, zone) if at else day
