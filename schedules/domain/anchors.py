"""From the anchors somebody set to all anchors."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from schedules.domain.plan import AnchorDay, AnchorKind, Known
from trials.domain.offsets import Offset, Unit, shift_day, shift_instant
from trials.domain.protocol import AnchorRule, Derivation, Protocol, applies


def applicable_anchors(protocol: Protocol, traits: AbstractSet[str]) -> tuple[AnchorRule, ...]:
    """The anchors that exist for somebody with these traits, in document order."""
    return tuple(rule for rule in protocol.anchors if applies(rule.applies_to, traits))


def resolve_anchors(
    protocol: Protocol, given: Mapping[str, AnchorDay], traits: AbstractSet[str], known: Known
) -> dict[str, AnchorDay]:
    """All anchors whose day is known or follows from others, in document order.

    A given anchor stands; a derived one takes the day on which its visit was performed,
    else follows its base. Anchors that hang on something unknown are left out.
    """
    rules = {rule.code: rule for rule in applicable_anchors(protocol, traits)}
    resolver = _Resolver(protocol, rules, known, {code: day for code, day in given.items() if code in rules})
    return {code: day for code in rules if (day := resolver.day_of(code)) is not None}


@dataclass(slots=True)
class _Resolver:
    protocol: Protocol
    rules: Mapping[str, AnchorRule]
    known: Known
    found: dict[str, AnchorDay]
    asked: set[str] = field(default_factory=set)

    def day_of(self, code: str) -> AnchorDay | None:
        """The day given or derived; None where that is not known, or where an anchor waits for itself."""
        if code in self.found:
            return self.found[code]
        rule = self.rules.get(code)
        if rule is None or rule.derived is None or code in self.asked:
            return None
        self.asked.add(code)
        day = self._derive(rule.derived)
        if day is not None:
            self.found[code] = day
        return day

    def _derive(self, derived: Derivation) -> AnchorDay | None:
        if derived.visit and (done := self.known.performed.get(derived.visit)):
            return AnchorDay(done.day, AnchorKind.ACTUAL, done.at)
        base = self.day_of(derived.anchor)
        if base is None:
            return None
        assumed = base.assumed or derived.basis.assumed
        return follow(base, derived.offset, self.protocol)._replace(assumed=assumed)


def follow(base: AnchorDay, offset: Offset, protocol: Protocol) -> AnchorDay:
    """The derived anchor that lies `offset` from its base; only an offset in hours keeps the hour."""
    if offset.unit is not Unit.HOURS:
        return AnchorDay(shift_day(base.day, offset, protocol.month), AnchorKind.DERIVED)
    moved = shift_instant(base.at or midnight(base.day, ZoneInfo(protocol.zone)), offset)
    return AnchorDay(moved.date(), AnchorKind.DERIVED, moved if base.at else None)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day in a zone."""
    return datetime.combine(day, time.min, zone)
