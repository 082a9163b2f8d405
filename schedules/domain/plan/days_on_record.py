"""Days that are over stay as they were recorded, whatever zone reads their instants today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from schedules.domain.plan.values import Plan, PlannedVisit
from schedules.domain.plan.visit_windows import VisitWindow


def keep_days(plan: Plan, gone: Mapping[str, tuple[datetime, VisitWindow]]) -> Plan:
    """Return a plan in which a target in hours that has gone by keeps the days that it had.

    `gone` maps visit codes to the instant and the days on record. Only the zone in which such a target
    is read can move its day while its instant stays, and that changes nothing that is over.
    """
    visits = tuple(
        visit._replace(window=gone[visit.code][1])
        if visit.at and visit.code in gone and _other_day(visit, *gone[visit.code])
        else visit
        for visit in plan.visits
    )
    return replace(plan, visits=visits) if gone else plan


def _other_day(visit: PlannedVisit, at: datetime, window: VisitWindow) -> bool:
    same = visit.at is not None and visit.at.astimezone(UTC) == at.astimezone(UTC)
    return same and visit.window.target != window.target
