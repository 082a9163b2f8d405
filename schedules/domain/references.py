"""What an offset counts from: an anchor, a visit or the time of an activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from schedules.domain.plan import AnchorDay, AnchorKind, Known, PlannedVisit
from schedules.domain.timeline import Slot
from trials.domain.offsets import Unit, shift_instant
from trials.domain.protocol import AtOffset, Protocol, Reference, ReferenceKind


@dataclass(slots=True)
class Placing:
    """Places slots on the calendar, following references from visit to visit where a rule asks for it."""

    protocol: Protocol
    anchors: Mapping[str, AnchorDay]
    known: Known
    slots: Sequence[Slot]
    placed: dict[str, PlannedVisit] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def place(self, slot: Slot) -> PlannedVisit | None:
        """The visit of a slot, or None while what it counts from is not known."""
        if slot.code not in self.placed and (base := self.day_of(slot.rule.counts_from)):
            self.placed[slot.code] = planned(slot, base, self.protocol.zone)
        return self.placed.get(slot.code)

    def day_of(self, reference: Reference) -> AnchorDay | None:
        """The day (and hour, where known) of an anchor, visit or activity; None while it is not known.

        A visit that was not performed lends its expected date, so that a skipped visit
        still carries whatever hangs on it.
        """
        if reference.kind is ReferenceKind.ANCHOR:
            return self.anchors.get(reference.code)
        if reference.kind is ReferenceKind.ACTIVITY:
            return self.known.activities.get(reference.code)
        return self.known.performed.get(reference.code) or self._expected(reference.code)

    def _expected(self, code: str) -> AnchorDay | None:
        occurrences = [slot for slot in self.slots if code in (slot.code, slot.rule.code)]
        if not occurrences or code in self.asked:
            return None
        self.asked.add(code)
        visit = self.place(occurrences[-1])
        self.asked.discard(code)
        if visit is None:
            return None
        assumed = visit.base.assumed or visit.rule.basis.assumed
        return AnchorDay(visit.window.target, AnchorKind.DERIVED, visit.at, assumed)


def planned(slot: Slot, base: AnchorDay, zone: str) -> PlannedVisit:
    """The visit of a slot counted from this day; by the hour, in the zone, where rule and day give one."""
    timing = slot.rule.timing
    if isinstance(timing, AtOffset) and slot.offset.unit is Unit.HOURS and base.at:
        at = shift_instant(base.at, slot.offset).astimezone(ZoneInfo(zone))
        window = slot.around(at.date(), timing.tolerance)
        return PlannedVisit(slot.rule, slot.occurrence, slot.code, slot.offset, base, window, at)
    return PlannedVisit(slot.rule, slot.occurrence, slot.code, slot.offset, base, slot.window(base.day))
