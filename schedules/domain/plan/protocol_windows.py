"""Windows between visits, placed on the calendar: intervals in which something must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, floor
from zoneinfo import ZoneInfo

from participants.domain.moments import first_instant
from schedules.domain.plan.anchors import midnight
from schedules.domain.plan.explanations import label_of
from schedules.domain.plan.references import Placing
from schedules.domain.plan.values import AnchorDay, OtherReading, PlannedWindow
from trials.domain.language import Named
from trials.domain.protocols.offsets import Offset, Unit, shift_day, shift_instant
from trials.domain.protocols.protocol import (
    Bound,
    Conduct,
    EventAfter,
    Freshness,
    HalfLives,
    Moment,
    Pick,
    ProtocolWindow,
    Reference,
    ReferenceKind,
)
from trials.domain.words import Code, Value, Words
from trials.domain.words import mark as _

Point = date | datetime
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WindowPlacing:
    """Places protocol windows by the anchors, visits and facts that `placing` knows.

    `applicable` holds the anchors that exist for this participant: a moment that counts from
    another one is left out of an earliest or latest. Hours are counted in `zone`. What holds from the
    first chemotherapy on, until something else, holds from the first that was given: where the block
    is repeated it was open already, and nothing says that it closes in between. A test that must be fresh
    is asked for again.
    """

    placing: Placing
    applicable: frozenset[str]
    zone: ZoneInfo

    def place(self, rule: ProtocolWindow) -> PlannedWindow:
        """The window with both its ends, or with None and a name for what is missing."""
        if isinstance(rule.terms, EventAfter) and rule.starts is None:
            return self._from_majority(rule)
        inner = isinstance(rule.terms, Freshness)
        begun = self._begun(rule)
        starts = self._bound(rule.starts, begun, late=inner)
        ends = self._bound(rule.ends, {}, late=not inner)
        missing = tuple(dict.fromkeys((*starts.missing, *ends.missing)))
        if _crossed(starts.point, ends.point, self.zone):
            hour = Words.of(_("the hour of %(what)s"), {"what": self._names(rule)})
            return PlannedWindow(rule, None, None, (hour,), self._bases(rule))
        other = self._other(rule, begun, inner=inner) if not missing else None
        return PlannedWindow(rule, starts.point, ends.point, missing, self._bases(rule), other)

    def _other(
        self, rule: ProtocolWindow, begun: Mapping[str, AnchorDay], *, inner: bool
    ) -> OtherReading | None:
        """The window read the other way, where it counts hours from a day whose hour is not known."""
        if not (self._without_hour(rule.starts, begun) or self._without_hour(rule.ends, {})):
            return None
        starts = self._bound(rule.starts, begun, late=not inner)
        ends = self._bound(rule.ends, {}, late=inner)
        return OtherReading(
            starts.point, ends.point, Words.of(_("the hour of %(what)s"), {"what": self._names(rule)})
        )

    def _without_hour(self, bound: Bound | None, begun: Mapping[str, AnchorDay]) -> bool:
        moments = (moment for moment in bound.moments if _in_hours(moment)) if bound else ()
        bases = (
            begun.get(moment.counts_from.code) or self.placing.day_of(moment.counts_from)
            for moment in moments
        )
        return any(base is not None and base.at is None for base in bases)

    def _from_majority(self, rule: ProtocolWindow) -> PlannedWindow:
        majority = self.placing.known.comes_of_age
        missing = () if majority else (Words.of(_("the day the participant comes of age")),)
        return PlannedWindow(rule, majority, None, missing)

    def _bases(self, rule: ProtocolWindow) -> tuple[tuple[str, AnchorDay], ...]:
        references = dict.fromkeys(
            moment.counts_from for bound in (rule.starts, rule.ends) if bound for moment in bound.moments
        )
        begun = self._begun(rule)
        found = ((ref.code, begun.get(ref.code) or self.placing.day_of(ref)) for ref in references)
        return tuple((code, day) for code, day in found if day)

    def _begun(self, rule: ProtocolWindow) -> Mapping[str, AnchorDay]:
        """The earlier days of the anchors that a window starts from and does not end by."""
        begun = self.placing.known.begun
        if not begun or rule.starts is None or isinstance(rule.terms, Freshness):
            return {}
        ends = {moment.counts_from.code for moment in rule.ends.moments} if rule.ends else set()
        return {
            moment.counts_from.code: begun[moment.counts_from.code]
            for moment in rule.starts.moments
            if moment.counts_from.code in begun and moment.counts_from.code not in ends and _on(moment, rule)
        }

    def _bound(self, bound: Bound | None, begun: Mapping[str, AnchorDay], *, late: bool) -> _End:
        if bound is None:
            return _End(None, ())
        moments = [moment for moment in bound.moments if self._exists(moment.counts_from)]
        ends = [self._moment(moment, begun, late=late) for moment in moments]
        missing = tuple(name for end in ends for name in end.missing)
        points = [end.point for end in ends if end.point is not None]
        if missing or not points:
            return _End(None, missing)
        chosen = min if bound.pick is Pick.EARLIEST else max
        return _End(chosen(points, key=lambda point: instant_of(point, self.zone)), ())

    def _exists(self, reference: Reference) -> bool:
        return reference.kind is not ReferenceKind.ANCHOR or reference.code in self.applicable

    def _moment(self, moment: Moment, begun: Mapping[str, AnchorDay], *, late: bool) -> _End:
        base = begun.get(moment.counts_from.code) or self.placing.day_of(moment.counts_from)
        length = self._half_lives(moment.offset)
        missing = [] if base else [self._name(moment.counts_from)]
        if length is None:
            missing.append(_half_life(moment.offset))
        if base is None or length is None:
            return _End(None, tuple(missing))
        if isinstance(length, timedelta):
            whole = ceil if late else floor
            return _End(base.day + timedelta(days=whole(length / _DAY)), ())
        return _End(self._shift(base, length, late=late), ())

    def _half_lives(self, offset: Offset | HalfLives) -> Offset | timedelta | None:
        if isinstance(offset, Offset):
            return offset
        half_life = self.placing.known.half_lives.get(offset.drug)
        return None if half_life is None else offset.count * half_life

    def _shift(self, base: AnchorDay, offset: Offset, *, late: bool) -> Point:
        """The base moved by the offset; an unknown hour is the day's end where `late`, else its start."""
        if offset.unit is not Unit.HOURS:
            return shift_day(base.day, offset, self.placing.protocol.month)
        start = base.at or midnight(base.day + _DAY if late else base.day, self.zone)
        return shift_instant(start.astimezone(self.zone), offset)

    def _names(self, rule: ProtocolWindow) -> Value:
        """The days that a window counts from, joined by words of their own."""
        bounds = [bound for bound in (rule.starts, rule.ends) if bound]
        references = dict.fromkeys(moment.counts_from for bound in bounds for moment in bound.moments)
        joined, *others = map(self._named, references)
        for other in others:
            joined = Words.of(_("%(one)s and %(other)s"), {"one": joined, "other": other})
        return joined

    def _name(self, reference: Reference) -> Words:
        template = _("the day of %(what)s")
        if reference.kind is ReferenceKind.ACTIVITY:
            template = _("the day of the activity %(what)s")
        return Words.of(template, {"what": self._named(reference)})

    def _named(self, reference: Reference) -> Value:
        """What a moment counts from, by its label; a verdict is the same as long as the code is."""
        return Named(reference.code, label_of(self.placing.protocol, reference))


@dataclass(frozen=True, slots=True)
class _End:
    point: Point | None
    missing: tuple[Words, ...]


def _in_hours(moment: Moment) -> bool:
    return isinstance(moment.offset, Offset) and moment.offset.unit is Unit.HOURS


def _on(moment: Moment, rule: ProtocolWindow) -> bool:
    """Whether a window that starts so goes on from chemotherapy that was given before.

    One that opens before its anchor, as a washout, comes before the new one; a conduct is kept all along.
    """
    if moment.counts_from.kind is not ReferenceKind.ANCHOR or not isinstance(moment.offset, Offset):
        return False
    return isinstance(rule.terms, Conduct) or moment.offset.amount >= 0


def instant_of(point: Point, zone: ZoneInfo) -> datetime:
    """A point on the time line, in UTC: two times of one zone would be compared by what their clocks show."""
    return first_instant(point, zone)


def _crossed(starts: Point | None, ends: Point | None, zone: ZoneInfo) -> bool:
    """Whether nothing is left of a window in hours once every hour of the anchor's day is allowed for."""
    if not (isinstance(starts, datetime) or isinstance(ends, datetime)) or starts is None or ends is None:
        return False
    last = ends if isinstance(ends, datetime) else ends + _DAY
    return instant_of(starts, zone) > instant_of(last, zone)


def _half_life(offset: Offset | HalfLives) -> Words:
    drug = offset.drug if isinstance(offset, HalfLives) else ""
    return Words.of(_("the half-life of %(drug)s"), {"drug": Code(drug)})
