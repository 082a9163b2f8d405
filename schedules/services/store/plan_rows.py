"""A plan as rows of the database: the one form of it, for one participant and for thousands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from schedules.domain.plan.explanations import because_window
from schedules.domain.plan.values import Plan, PlannedVisit, PlannedWindow
from schedules.models import CalendarState, ProtocolWindow, Visit
from trials.domain.language import kept
from trials.domain.protocols.protocol import AtOffset
from trials.services.store.loading import Row, load_rows

VISIT_COLUMNS = (
    "participant_id", "code", "rule_code", "occurrence", "label", "epoch", "timing", "place", "anchor_code",
    "anchor_on", "anchor_at", "anchor_kind", "offset", "opens", "target", "closes", "target_at", "suggested",
    "why_shifted", "timing_basis", "tolerance_basis",
)  # fmt: skip
WINDOW_COLUMNS = (
    "participant_id", "code", "label", "kind", "starts_on", "starts_at", "ends_on", "ends_at", "basis",
    "because",
)  # fmt: skip
STATE_COLUMNS = ("participant_id",)
_WHY_SHIFTED = 120


@dataclass(slots=True)
class PlanRows:
    """The rows of plans: visits, protocol windows and the first revision of each calendar."""

    visits: list[Row] = field(default_factory=list)
    windows: list[Row] = field(default_factory=list)
    states: list[Row] = field(default_factory=list)

    def add(self, plan: Plan, participant: int, zone: ZoneInfo) -> None:
        """Take in the plan of the participant with this id; `zone` is the site's."""
        self.visits.extend(visit_row(visit, participant) for visit in plan.visits)
        self.windows.extend(window_row(window, plan, participant, zone) for window in plan.windows)
        self.states.append((participant,))

    def load(self) -> None:
        """Write all of it, with one statement for each table."""
        load_rows(Visit, VISIT_COLUMNS, self.visits)
        load_rows(ProtocolWindow, WINDOW_COLUMNS, self.windows)
        load_rows(CalendarState, STATE_COLUMNS, self.states)


def rows_of(plan: Plan, participant: int, zone: ZoneInfo) -> PlanRows:
    """The rows of one participant's plan."""
    rows = PlanRows()
    rows.add(plan, participant, zone)
    return rows


def visit_row(visit: PlannedVisit, participant: int) -> Row:
    """One visit in the order of VISIT_COLUMNS."""
    rule, base, timing = visit.rule, visit.base, visit.rule.timing
    opens, target, closes = visit.window
    tolerance = timing.tolerance.basis.kind.value if isinstance(timing, AtOffset) else ""
    return (
        participant, visit.code, rule.code, visit.occurrence, kept(visit.label), rule.epoch,
        timing.kind.value, rule.place.value, rule.counts_from.code, base.day, base.at, base.kind.value,
        visit.offset.iso, opens, target, closes, visit.at, visit.suggested, visit.why_shifted[:_WHY_SHIFTED],
        rule.basis.kind.value, tolerance,
    )  # fmt: skip


def window_row(window: PlannedWindow, plan: Plan, participant: int, zone: ZoneInfo) -> Row:
    """One protocol window in the order of WINDOW_COLUMNS; the days of instants are those of the zone."""
    rule = window.rule
    starts, ends = _on_and_at(window.starts, zone), _on_and_at(window.ends, zone)
    basis = "assumed" if rule.assumed else "stated"
    because = because_window(plan.protocol, window)
    return (participant, rule.code, kept(rule.label), rule.kind.value, *starts, *ends, basis, because)


def _on_and_at(point: date | datetime | None, zone: ZoneInfo) -> tuple[date | None, datetime | None]:
    if isinstance(point, datetime):
        return point.astimezone(zone).date(), point
    return point, None
