"""What a protocol version asks for, in rows to be read through before it is published."""

from __future__ import annotations

from dataclasses import dataclass

from schedules.domain.plan.explanations import offset_text
from schedules.domain.plan.labels import in_language
from schedules.domain.replanning.amendment_wording import timing_text
from schedules.web.shared.wording import say
from trials.domain.protocols.protocol import AtOffset, Protocol, VisitRule
from trials.models import ProtocolVersion
from trials.selectors.records import protocol_of


@dataclass(frozen=True, slots=True)
class VisitToRead:
    """A visit of the schedule: when it is, how far it may be off, what is done, and what is not stated."""

    label: str
    epoch: str
    when: str
    tolerance: str
    activities: tuple[str, ...]
    assumed: bool


@dataclass(frozen=True, slots=True)
class ScheduleToRead:
    """A version in numbers and rows; `assumed` is how many timings the protocol does not state."""

    title: str
    visits: tuple[VisitToRead, ...]
    windows: tuple[str, ...]
    assumed: int


def schedule_of(version: ProtocolVersion) -> ScheduleToRead:
    """Return the schedule of a version in the reader's language."""
    protocol = in_language(protocol_of(version), say)
    visits = tuple(_row(protocol, rule) for rule in protocol.visits)
    windows = tuple(window.label for window in protocol.windows)
    return ScheduleToRead(say(protocol.title), visits, windows, sum(row.assumed for row in visits))


def _row(protocol: Protocol, rule: VisitRule) -> VisitToRead:
    labels = {anchor.code: anchor.label for anchor in protocol.anchors}
    labels |= {visit.code: visit.label for visit in protocol.visits}
    epochs = {epoch.code: epoch.label for epoch in protocol.epochs}
    of = rule.counts_from.code
    activities = tuple(each.label for each in protocol.activities if rule.code in each.visits)
    when = timing_text(rule.timing, labels.get(of, of), say)
    return VisitToRead(
        rule.label, epochs.get(rule.epoch, ""), when, _tolerance(rule), activities, _assumed(rule)
    )


def _tolerance(rule: VisitRule) -> str:
    if not isinstance(rule.timing, AtOffset):
        return ""
    before, after = (
        offset_text(offset, say) for offset in (rule.timing.tolerance.before, rule.timing.tolerance.after)
    )
    return f"±{after}" if before == after else f"−{before} / +{after}"


def _assumed(rule: VisitRule) -> bool:
    """Whether the protocol states neither when it is nor how far it may be off."""
    timing = rule.timing
    return rule.basis.assumed or (isinstance(timing, AtOffset) and timing.tolerance.basis.assumed)
