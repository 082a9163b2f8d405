"""What an offset counts from: an anchor, a visit or the time of an activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from schedules.domain.plan.anchors import follow
from schedules.domain.plan.slots import Slot
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known, PlannedVisit
from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.offsets import Unit, shift_instant
from trials.domain.protocols.protocol import AtOffset, Protocol, Reference, ReferenceKind

_DAY = timedelta(days=1)


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
        if slot.code not in self.placed and (base := self._base_of(slot)):
            self.placed[slot.code] = self._around(slot, base)
        return self.placed.get(slot.code)

    def day_of(self, reference: Reference) -> AnchorDay | None:
        """The day (and hour, where known) of an anchor, visit or activity; None while it is not known.

        A visit that was not performed lends the day it is booked for, else its expected date, so that
        a skipped visit still carries whatever hangs on it.
        """
        if reference.kind is ReferenceKind.ANCHOR:
            return self.anchors.get(reference.code)
        if reference.kind is ReferenceKind.ACTIVITY:
            return self.known.activities.get(reference.code)
        return self.known.performed.get(reference.code) or self._expected(reference.code)

    def _base_of(self, slot: Slot) -> AnchorDay | None:
        """What a slot counts from; a visit that sets its own anchor counts from where that was expected.

        Else a second dose that is given late would move its own window to the day on which it was given.
        """
        rule = slot.rule
        base = self.day_of(rule.counts_from)
        if base is None or base.kind is not AnchorKind.ACTUAL or not self._sets_its_own(slot):
            return base
        derived = self.protocol.anchor_by_code[rule.counts_from.code].derived
        start = self.anchors.get(derived.anchor) if derived else None
        return follow(start, derived.offset, self.protocol) if derived and start else base

    def _sets_its_own(self, slot: Slot) -> bool:
        rule = slot.rule
        return rule.counts_from == Reference(ReferenceKind.ANCHOR, rule.sets or "") and slot.occurrence == 1

    def _around(self, slot: Slot, base: AnchorDay) -> PlannedVisit:
        """The visit counted from its base; from a visit that is still to come, with all days of that one."""
        visit = planned(slot, base, self.protocol.zone)
        awaited = self._awaited(slot.rule.counts_from)
        if awaited is None or awaited.opens == awaited.closes:
            return visit
        first, last = (
            planned(slot, base._replace(day=day, at=None), self.protocol.zone)
            for day in (awaited.opens, awaited.closes)
        )
        target = visit.window.target
        # The target follows a booking, which may lie outside the window of the visit that is counted from.
        opens, closes = min(first.window.opens, target), max(last.window.closes, target)
        return visit._replace(window=VisitWindow(opens, target, closes))

    def _awaited(self, reference: Reference) -> VisitWindow | None:
        """The window of a visit that others count from and that may still happen on any of its days."""
        code = reference.code
        if reference.kind is not ReferenceKind.VISIT or code in self.known.performed:
            return None
        visit = None if code in self.known.missed else self._visit(code)
        return visit and visit.window

    def _visit(self, code: str) -> PlannedVisit | None:
        """The planned visit that a code names; None where it is none, or waits for itself."""
        occurrences = [slot for slot in self.slots if code in (slot.code, slot.rule.code)]
        if not occurrences or code in self.asked:
            return None
        self.asked.add(code)
        visit = self.place(occurrences[-1])
        self.asked.discard(code)
        return visit

    def _expected(self, code: str) -> AnchorDay | None:
        visit = self._visit(code)
        if visit is None:
            return None
        assumed = visit.base.assumed or visit.rule.basis.assumed
        booked = self.known.booked.get(visit.code)
        if booked is not None:
            return AnchorDay(booked, AnchorKind.DERIVED, None, assumed)
        return AnchorDay(visit.window.target, AnchorKind.DERIVED, visit.at, assumed)


def planned(slot: Slot, base: AnchorDay, zone: str) -> PlannedVisit:
    """The visit of a slot counted from this day; by the hour, in the zone, where rule and day give one.

    36 hours after a day on record whose hour nobody wrote down may be the next day or the one after: both
    are inside, so that nothing true is drafted as late.
    """
    timing = slot.rule.timing
    if isinstance(timing, AtOffset) and slot.offset.unit is Unit.HOURS and base.at:
        at = shift_instant(base.at, slot.offset).astimezone(ZoneInfo(zone))
        window = slot.around(at.date(), timing.tolerance)
        return PlannedVisit(slot.rule, slot.occurrence, slot.code, slot.offset, base, window, at)
    window = slot.window(base.day)
    if slot.by_hour and base.at is None and base.kind is AnchorKind.ACTUAL:
        window = window._replace(closes=window.closes + _DAY)
    return PlannedVisit(slot.rule, slot.occurrence, slot.code, slot.offset, base, window)
