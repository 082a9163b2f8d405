"""A plan as plain data: what `manage.py plan --format json` prints. Keys may be added, never removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from schedules.domain.plan.explanations import because_visit, because_window
from schedules.domain.plan.values import AnchorDay, Plan, PlannedVisit, PlannedWindow
from trials.domain.protocols.protocol import AtOffset, study_day
from trials.domain.words import Say, plain

Document = dict[str, Any]


def plan_document(plan: Plan, digest: str, say: Say = plain) -> Document:
    """The whole plan; `digest` is that of the protocol document it was made from."""
    return {
        "trial": plan.protocol.trial,
        "version": plan.protocol.version,
        "digest": digest,
        "zone": plan.protocol.zone,
        "calendar": plan.calendar,
        "anchors": {code: anchor_document(day) for code, day in plan.anchors.items()},
        "visits": [visit_document(plan, visit, say) for visit in plan.visits],
        "windows": [window_document(plan, window, say) for window in plan.windows],
        "warnings": [{"code": warning.code, "message": warning.message} for warning in plan.warnings],
    }


def anchor_document(anchor: AnchorDay) -> Document:
    """An anchor's day, how it is known, the instant where the hour is known, whether it is assumed."""
    return {
        "date": point_text(anchor.day),
        "kind": anchor.kind.value,
        "at": point_text(anchor.at),
        "assumed": anchor.assumed,
    }


def visit_document(plan: Plan, visit: PlannedVisit, say: Say = plain) -> Document:
    """One planned visit; `tolerance` of its basis is None for ranges, which have none."""
    rule, window = visit.rule, visit.window
    timing = rule.timing
    tolerance = timing.tolerance.basis.kind.value if isinstance(timing, AtOffset) else None
    return {
        "code": visit.code,
        "label": visit.label,
        "epoch": rule.epoch,
        "timing": timing.kind.value,
        "offset": visit.offset.iso,
        "day": visit.day,
        "anchor": rule.counts_from.code,
        "place": rule.place.value,
        "opens": point_text(window.opens),
        "target": point_text(window.target),
        "closes": point_text(window.closes),
        "at": point_text(visit.at),
        "suggested": point_text(visit.suggested),
        "basis": {"timing": rule.basis.kind.value, "tolerance": tolerance},
        "block": rule.block,
        "because": because_visit(plan.protocol, visit, say),
        **_day_numbers(plan, window.target),
    }


def window_document(plan: Plan, window: PlannedWindow, say: Say = plain) -> Document:
    """One protocol window; its basis is *assumed* where the window or one of its ends is assumed."""
    rule = window.rule
    return {
        "code": rule.code,
        "label": rule.label,
        "kind": rule.kind.value,
        "starts": point_text(window.starts),
        "ends": point_text(window.ends),
        "basis": "assumed" if rule.assumed else "stated",
        "days_assumed": window.days_assumed,
        "terms": terms_document(rule.terms),
        "waivable": rule.waivable,
        "because": because_window(plan.protocol, window, say),
    }


def terms_document(terms: object) -> Mapping[str, Any]:
    """The parameters of a window's terms by name."""
    values = {name: getattr(terms, name) for name in getattr(terms, "__dataclass_fields__", ())}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def point_text(point: date | datetime | None) -> str | None:
    """A day as YYYY-MM-DD, an instant with its zone, None as None."""
    if isinstance(point, datetime):
        return point.isoformat(timespec="minutes")
    return point.isoformat() if point else None


def _day_numbers(plan: Plan, target: date) -> Document:
    """The protocol's own day label and the CDISC study day, both counted from day zero."""
    zero = plan.day_zero
    if zero is None:
        return {"day_label": None, "study_day": None}
    return {"day_label": plan.protocol.day_label((target - zero).days), "study_day": study_day(target, zero)}
