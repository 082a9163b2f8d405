"""A plan as rows of the database: the one form of it, for one participant and for thousands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from schedules.domain.plan.explanations import because_window
from schedules.domain.plan.values import Plan, PlannedWindow
from schedules.domain.visits.visit import PLAN_COLUMNS, plan_row
from schedules.models import CalendarState, ProtocolWindow, Visit
from trials.domain.language import kept
from trials.services.store.loading import Row, load_rows

WINDOW_COLUMNS = (
    "participant_id", "code", "label", "kind", "starts_on", "starts_at", "ends_on", "ends_at", "basis",
    "because",
)  # fmt: skip
STATE_COLUMNS = ("participant_id",)


@dataclass(slots=True)
class PlanRows:
    """The rows of plans: visits, protocol windows and the first revision of each calendar."""

    visits: list[Row] = field(default_factory=list)
    windows: list[Row] = field(default_factory=list)
    states: list[Row] = field(default_factory=list)

    def add(self, plan: Plan, participant: int, zone: ZoneInfo) -> None:
        """Take in the plan of the participant with this id; `zone` is the site's."""
        self.visits.extend(plan_row(visit, participant) for visit in plan.visits)
        self.windows.extend(window_row(window, plan, participant, zone) for window in plan.windows)
        self.states.append((participant,))

    def load(self) -> None:
        """Write all of it, with one statement for each table."""
        load_rows(Visit, PLAN_COLUMNS, self.visits)
        load_rows(ProtocolWindow, WINDOW_COLUMNS, self.windows)
        load_rows(CalendarState, STATE_COLUMNS, self.states)


def rows_of(plan: Plan, participant: int, zone: ZoneInfo) -> PlanRows:
    """The rows of one participant's plan."""
    rows = PlanRows()
    rows.add(plan, participant, zone)
    return rows


def window_row(window: PlannedWindow, plan: Plan, participant: int, zone: ZoneInfo) -> Row:
    """One protocol window in the order of WINDOW_COLUMNS; the days of instants are those of the zone."""
    rule = window.rule
    starts, ends = _on_and_at(window.starts, zone), _on_and_at(window.ends, zone)
    basis = "assumed" if rule.assumed else "stated"
    because = because_window(plan.protocol_of(window), window)
    return (participant, rule.code, kept(rule.label), rule.kind.value, *starts, *ends, basis, because)


def _on_and_at(point: date | datetime | None, zone: ZoneInfo) -> tuple[date | None, datetime | None]:
    if isinstance(point, datetime):
        return point.astimezone(zone).date(), point
    return point, None
