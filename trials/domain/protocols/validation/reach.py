"""Warnings about windows that nobody reaches, never end, or reach past the trial."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from trials.domain.protocols.findings import Findings, listed, warning
from trials.domain.protocols.mentions import mentions
from trials.domain.protocols.occurrences import occurrence_offsets, occurrence_rules
from trials.domain.protocols.positions import Position, Positions
from trials.domain.protocols.protocol import (
    AtOffset,
    EventAfter,
    Freshness,
    Protocol,
    Reference,
    ReferenceKind,
    VisitRule,
    Washout,
)
from trials.domain.protocols.validation.timings import alternatives


def unreachable_windows(positions: Positions) -> Findings:
    """Windows that can hold for nobody: of another group's anchor, or over before anyone takes part."""
    yield from _other_groups(positions.protocol)
    yield from _over_before_first_visit(positions)


def open_windows(protocol: Protocol) -> Findings:
    """A window has an end, or an age, at which it begins or ends to matter."""
    for index, window in enumerate(protocol.windows):
        has_age = isinstance(window.terms, EventAfter) and window.terms.age is not None
        if window.starts is None and window.ends is None and not has_age:
            message = f"the window {window.code!r} has neither start nor end"
            remedy = "give starts or ends, assumed if no record says"
            yield warning("open-window", f"windows[{index}]", message, remedy)


def follow_up_past_end(protocol: Protocol) -> Findings:
    """Somebody whose day zero was the day of the newest source could still finish before the planned end.

    When the next participant's day zero will be is unknown; the newest copy's day is one that
    had certainly come when the document was written.
    """
    if protocol.planned_end is None or not protocol.sources:
        return
    latest = max(source.dated for source in protocol.sources)
    positions = Positions(protocol, (latest,))
    day_zero = Reference(ReferenceKind.ANCHOR, protocol.day_zero)
    ends = [
        (position.days[0], visit.code)
        for visit in protocol.visits
        if (position := _last_day(positions, visit)) and position.root == day_zero
    ]
    if not ends:
        return
    days, code = max(ends)
    last = latest + timedelta(days=int(days))
    if last > protocol.planned_end:
        message = (
            f"with day zero on {latest} the visit {code!r} may last until {last}, past {protocol.planned_end}"
        )
        remedy = "plan a later end, or shorten the follow-up"
        yield warning("follow-up-past-end", "planned_end", message, remedy)


def _other_groups(protocol: Protocol) -> Findings:
    """Rules for one group that count from an anchor, visit or activity of another group."""
    groups = {
        f"{section}[{index}]": item.applies_to
        for section in ("anchors", "visits", "activities", "windows")
        for index, item in enumerate(getattr(protocol, section))
    }
    targets: dict[tuple[str, str], tuple[str, ...]] = {
        **{("anchor", anchor.code): anchor.applies_to for anchor in protocol.anchors},
        **{("visit", code): rule.applies_to for code, rule in occurrence_rules(protocol.visits).items()},
        **{("activity", activity.code): activity.applies_to for activity in protocol.activities},
    }
    for mention in mentions(protocol):
        own = groups.get(mention.path.partition(".")[0], ())
        target = targets.get((mention.kind, mention.code), ())
        if ".not_after" in mention.path or ".moments[" in mention.path:
            continue  # an order binds those who have both; of several moments one is enough
        if alternatives(protocol, own, target):
            message = (
                f"it is for {listed(own)}, but the {mention.kind} {mention.code!r} is for {listed(target)}"
            )
            remedy = "let both apply to the same participants, or name another"
            yield warning("unreachable-window", mention.path, message, remedy)


def _over_before_first_visit(positions: Positions) -> Findings:
    """Windows that end before the first visit opens; looking back is for freshness and washout only."""
    protocol = positions.protocol
    first_days = list(_first_days(positions))
    for index, window in enumerate(protocol.windows):
        if window.ends is None or isinstance(window.terms, Freshness | Washout):
            continue
        ends = positions.bound(window.ends)
        roots = [position for position in first_days if ends and position.root == ends.root]
        if not ends or not roots:
            continue
        if all(max(ends.days) < min(position.days) for position in roots):
            message = f"the window {window.code!r} is over before the first visit opens"
            yield warning("unreachable-window", f"windows[{index}].ends", message, "let it end later")


def _first_days(positions: Positions) -> Iterator[Position]:
    """Where each visit opens first."""
    for visit in positions.protocol.visits:
        timing = visit.timing
        if isinstance(timing, AtOffset):
            opens = positions.beside(visit.counts_from, timing.offset, -timing.tolerance.before)
        else:
            opens = positions.at(visit.counts_from, timing.first)
        if opens:
            yield opens


def _last_day(positions: Positions, visit: VisitRule) -> Position | None:
    """Where a visit closes for the last time."""
    timing = visit.timing
    if not isinstance(timing, AtOffset):
        return positions.at(visit.counts_from, timing.last)
    last = list(occurrence_offsets(visit).values())[-1]
    return positions.beside(visit.counts_from, last, timing.tolerance.after)
