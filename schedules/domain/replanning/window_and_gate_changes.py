"""What a new plan means beside the visits: for protocol windows, and for the gates of other participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from schedules.domain.readiness.gates import Cohorts, Course, GateVerdict, gate_status
from schedules.domain.replanning.visit_effects import Effect


@dataclass(frozen=True, slots=True)
class WindowSpan:
    """The two ends of a protocol window as text that compares: days or instants, empty where not known."""

    code: str
    label: str
    starts: str
    ends: str


def span_of(
    code: str, label: str, starts: date | datetime | None, ends: date | datetime | None
) -> WindowSpan:
    """The span of a window, stored or planned; instants in UTC, so that they compare."""
    return WindowSpan(code, label, _text(starts), _text(ends))


def _text(point: date | datetime | None) -> str:
    if isinstance(point, datetime):
        return point.astimezone(UTC).isoformat()
    return point.isoformat() if point else ""


@dataclass(frozen=True, slots=True)
class WindowChange:
    """One protocol window before and after."""

    code: str
    label: str
    before: WindowSpan | None
    after: WindowSpan | None
    effect: Effect


def compare_windows(
    standing: Mapping[str, WindowSpan], planned: Mapping[str, WindowSpan]
) -> tuple[WindowChange, ...]:
    """Every protocol window that stands or is planned, with what becomes of it, in the plan's order."""
    codes = dict.fromkeys((*planned, *standing))
    return tuple(_window_change(code, standing.get(code), planned.get(code)) for code in codes)


def _window_change(code: str, before: WindowSpan | None, after: WindowSpan | None) -> WindowChange:
    if before is None or after is None:
        effect = Effect.CANCELLED if before else Effect.ADDED
    else:
        effect = Effect.UNCHANGED if before == after else Effect.MOVED
    label = (after or before or WindowSpan(code, code, "", "")).label
    return WindowChange(code, label, before, after, effect)


@dataclass(frozen=True, slots=True)
class GateChange:
    """The start of another participant whose gate opens otherwise than before; `site` where it is another."""

    subject: str
    begins: date
    before: GateVerdict
    after: GateVerdict
    site: str = ""

    @property
    def effect(self) -> Effect:
        """The effect, as visits have theirs."""
        return Effect.GATE_AFFECTED


def compare_gates(before: Cohorts, after: Cohorts, to_come: Sequence[Course]) -> tuple[GateChange, ...]:
    """The starts to come whose gate opens on another day, or not at all, or now does; the earliest first."""
    found = []
    for course in sorted(to_come, key=lambda one: (one.begins, one.subject)):
        was, now = gate_status(before, course), gate_status(after, course)
        if (was.open, was.opens_on) != (now.open, now.opens_on):
            found.append(GateChange(course.subject, course.begins, was, now))
    return tuple(found)
