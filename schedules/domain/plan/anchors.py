"""From the anchors somebody set to all anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from schedules.domain.plan.slots import Same, Slot, slots_of
from schedules.domain.plan.values import AnchorDay, AnchorKind, Awaited, Known
from trials.domain.protocols.offsets import Offset, Unit, shift_date, shift_instant
from trials.domain.protocols.protocol import AnchorRule, Derivation, Protocol, ReferenceKind, applies


def applicable_anchors(protocol: Protocol, traits: AbstractSet[str]) -> tuple[AnchorRule, ...]:
    """The anchors that exist for somebody with these traits, in document order."""
    return tuple(rule for rule in protocol.anchors if applies(rule.applies_to, traits))


def as_given(protocol: Protocol, known: Known) -> Protocol:
    """The protocol with the derivations by which its anchors that have happened were planned.

    Chemotherapy that was given under an older version was given for the infusion that this one puts after it:
    an amendment that changes the days in between makes nobody late, nor early.
    """
    given_by = tuple(sorted(known.given_by.items()))  # by their codes, each of which is there once
    return _as_given(Same(protocol), given_by) if given_by else protocol


@lru_cache(maxsize=16)
def _as_given(same: Same, given_by: tuple[tuple[str, Derivation], ...]) -> Protocol:
    """One value for all who were given it alike, so that its slots are found again."""
    known = dict(given_by)
    anchors = (replace(rule, derived=known.get(rule.code, rule.derived)) for rule in same.protocol.anchors)
    return replace(same.protocol, anchors=tuple(anchors))


def resolve_anchors(
    protocol: Protocol, given: Mapping[str, AnchorDay], traits: AbstractSet[str], known: Known
) -> dict[str, AnchorDay]:
    """All anchors whose day is known or follows from others, in document order.

    A given anchor stands; a derived one takes the day on which its visit was performed, is booked, or is
    expected, else follows its base. Once the point of no return has its actual
    day, what is derived and may not come after it is settled: it follows the day for which that was
    given, however the base moves since.
    Anchors that hang on something unknown are left out.
    """
    rules = {rule.code: rule for rule in applicable_anchors(protocol, traits)}
    stated = {code: day for code, day in given.items() if code in rules}
    resolver = _Resolver(protocol, rules, known, stated, slots_of(protocol, traits))
    return {code: day for code in rules if (day := resolver.day_of(code)) is not None}


@dataclass(slots=True)
class _Resolver:
    protocol: Protocol
    rules: Mapping[str, AnchorRule]
    known: Known
    found: dict[str, AnchorDay]
    slots: Sequence[Slot]
    asked: set[str] = field(default_factory=set)

    def day_of(self, code: str) -> AnchorDay | None:
        """The day given or derived; None where that is not known, or where an anchor waits for itself."""
        if code in self.found:
            return self.found[code]
        rule = self.rules.get(code)
        if rule is None or rule.derived is None or code in self.asked:
            return None
        self.asked.add(code)
        day = self._derive(code, rule.derived)
        if day is not None:
            self.found[code] = day
        return day

    def _derive(self, code: str, derived: Derivation) -> AnchorDay | None:
        if performed := self._performed(derived):
            return performed
        base = self.day_of(derived.anchor)
        if base is None:
            return None
        settled = self._settled(code, derived)
        awaited = derived.visit if settled is None and base.kind is not AnchorKind.ACTUAL else None
        if awaited and (booked := self.known.booked.get(awaited)):
            return AnchorDay(booked, AnchorKind.DERIVED, awaits=Awaited.VISIT)
        day = settled or self._by_its_offset(base, derived)
        return day._replace(
            assumed=base.assumed or derived.basis.assumed, awaits=Awaited.BOOKING if awaited else None
        )

    def _performed(self, derived: Derivation) -> AnchorDay | None:
        """The day on which the visit that sets it was done."""
        done = self.known.performed.get(derived.visit) if derived.visit else None
        return AnchorDay(done.day, AnchorKind.ACTUAL, done.at) if done else None

    def _by_its_offset(self, base: AnchorDay, derived: Derivation) -> AnchorDay:
        """The day on which the visit that sets it is expected, else so far from its base."""
        expected = self._expected(derived.visit) if derived.visit else None
        return expected or follow(base, derived.offset, self.protocol)

    def _expected(self, code: str) -> AnchorDay | None:
        """The target of a visit; None while its own base is not known."""
        slot = next((slot for slot in self.slots if code in (slot.code, slot.rule.code)), None)
        if slot is None or slot.rule.counts_from.kind is not ReferenceKind.ANCHOR:
            return None
        base = self.day_of(slot.rule.counts_from.code)
        return base and AnchorDay(slot.window(base.day).target, AnchorKind.DERIVED)

    def _settled(self, code: str, derived: Derivation) -> AnchorDay | None:
        """The day of what was decided before the point of no return; None while that is to come."""
        for point in self.rules.values():
            passed = self._passed(point)
            if passed is None or point.code not in _later(self.rules, code):
                continue
            if point.code == derived.anchor:
                continue  # it counts from the point of no return itself, which does not move
            given_for = self._given_for(point, derived.anchor, passed)
            if given_for is None:
                base = self.day_of(derived.anchor)
                assert base is not None, "asked of a base that is known"
                day = follow(base, derived.offset, self.protocol)
                return day if day.day <= passed.day else AnchorDay(passed.day, AnchorKind.DERIVED)
            return follow(given_for, derived.offset, self.protocol)
        return None

    def _passed(self, point: AnchorRule) -> AnchorDay | None:
        """The actual day of a point of no return; None before it, and of any other anchor."""
        if not point.point_of_no_return:
            return None
        day = self.known.begun.get(point.code) or self.found.get(point.code)
        return day if day and day.kind is AnchorKind.ACTUAL else None

    def _given_for(self, point: AnchorRule, base: str, passed: AnchorDay) -> AnchorDay | None:
        """The day of a base for which the point of no return was passed; None where no rule says."""
        if point.derived is None or point.derived.anchor != base:
            return None
        day = passed.day
        for _round in range(3):  # months are not all of one length
            off = passed.day - follow(AnchorDay(day), point.derived.offset, self.protocol).day
            if not off:
                break
            day += off
        return AnchorDay(day, AnchorKind.DERIVED)


def _later(rules: Mapping[str, AnchorRule], code: str) -> set[str]:
    """The anchors that must not come before this one, by what the protocol says of each."""
    found: set[str] = set()
    ahead = [code]
    while ahead:
        rule = rules.get(ahead.pop())
        fresh = set(rule.not_after) - found if rule else set()
        found |= fresh
        ahead.extend(fresh)
    return found


def follow(base: AnchorDay, offset: Offset, protocol: Protocol) -> AnchorDay:
    """The derived anchor that lies `offset` from its base; only an offset in hours keeps the hour."""
    if offset.unit is Unit.HOURS and base.at:
        moved = shift_instant(base.at, offset).astimezone(ZoneInfo(protocol.zone))
        return AnchorDay(moved.date(), AnchorKind.DERIVED, moved)
    return AnchorDay(shift_date(base.day, offset, protocol.month), AnchorKind.DERIVED)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day in a zone."""
    return datetime.combine(day, time.min, zone)
