"""The four ways in which a visit rule is timed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trials.domain.protocols.basis import Basis
from trials.domain.protocols.offsets import Offset


class TimingKind(StrEnum):
    """The four ways in which a visit rule is timed."""

    OFFSET = "offset"
    WITHIN = "within"
    EACH = "each"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far before and after its target a visit still counts as on time (both unsigned)."""

    before: Offset
    after: Offset
    basis: Basis


@dataclass(frozen=True, slots=True)
class Repeat:
    """A visit rule said again every so often, up to and including `until` from the anchor."""

    every: Offset
    until: Offset


@dataclass(frozen=True, slots=True)
class AtOffset:
    """Once, at an offset with a tolerance; with `repeat`, again and again from the same anchor."""

    offset: Offset
    tolerance: Tolerance
    repeat: Repeat | None = None
    kind = TimingKind.OFFSET


@dataclass(frozen=True, slots=True)
class Within:
    """Once, on any day of a range; the target is the first day unless `target` says otherwise."""

    first: Offset
    last: Offset
    target: Offset | None = None
    kind = TimingKind.WITHIN


@dataclass(frozen=True, slots=True)
class Each:
    """On every day of a range, one occurrence a day."""

    first: Offset
    last: Offset
    kind = TimingKind.EACH


@dataclass(frozen=True, slots=True)
class Over:
    """Over a whole range, as one visit."""

    first: Offset
    last: Offset
    kind = TimingKind.OVER


Timing = AtOffset | Within | Each | Over
