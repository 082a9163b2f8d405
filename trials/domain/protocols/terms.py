"""What protocol windows ask for, and from when until when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trials.domain.protocols.basis import Basis, Reference
from trials.domain.protocols.offsets import Offset


class WindowKind(StrEnum):
    """What a protocol window asks for."""

    PRESENCE = "presence"
    STAY = "stay"
    OBSERVATION = "observation"
    FRESHNESS = "freshness"
    WASHOUT = "washout"
    CONDUCT = "conduct"
    EVENT_AFTER = "event-after"


@dataclass(frozen=True, slots=True)
class HalfLives:
    """A signed number of half-lives of a named drug; its length is entered per participant, with a source."""

    count: int
    drug: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point counted from a reference."""

    counts_from: Reference
    offset: Offset | HalfLives


class Pick(StrEnum):
    """Which of several moments bounds a window."""

    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a window: the earliest or the latest of some moments."""

    moments: tuple[Moment, ...]
    basis: Basis
    pick: Pick = Pick.EARLIEST


@dataclass(frozen=True, slots=True)
class Presence:
    """Be within so many minutes of travel of the site, throughout."""

    within_minutes: int
    companion: bool = False
    kind = WindowKind.PRESENCE


@dataclass(frozen=True, slots=True)
class Stay:
    """Be admitted, throughout; `leave_on_last_day` where a discharge at any hour of the last day keeps it."""

    leave_on_last_day: bool = True
    kind = WindowKind.STAY


@dataclass(frozen=True, slots=True)
class Observation:
    """Be observed for something (dose-limiting toxicity, adverse events)."""

    of: str
    kind = WindowKind.OBSERVATION


@dataclass(frozen=True, slots=True)
class Freshness:
    """Have a result of a test that was taken inside the window."""

    test: str
    result: str | None = None
    kind = WindowKind.FRESHNESS


@dataclass(frozen=True, slots=True)
class Washout:
    """Have had none of these inside the window."""

    of: tuple[str, ...]
    kind = WindowKind.WASHOUT


@dataclass(frozen=True, slots=True)
class Conduct:
    """Behave so throughout; confirmed at the visits named (none: at every visit)."""

    of: str
    confirmed_at: tuple[str, ...] = ()
    kind = WindowKind.CONDUCT


@dataclass(frozen=True, slots=True)
class EventAfter:
    """Do something at or after an event, such as consent again on coming of age."""

    event: str
    age: int | None = None
    kind = WindowKind.EVENT_AFTER


Terms = Presence | Stay | Observation | Freshness | Washout | Conduct | EventAfter


@dataclass(frozen=True, slots=True)
class ProtocolWindow:
    """An interval in which something must hold or not happen; a missing bound hangs on the person."""

    code: str
    label: str
    terms: Terms
    starts: Bound | None
    ends: Bound | None
    basis: Basis
    applies_to: tuple[str, ...] = ()
    waivable: bool = False

    @property
    def kind(self) -> WindowKind:
        """What the window asks for."""
        return self.terms.kind

    @property
    def assumed(self) -> bool:
        """Whether the window, or either of its ends, is assumed."""
        bounds = [bound.basis for bound in (self.starts, self.ends) if bound]
        return any(basis.assumed for basis in (self.basis, *bounds))
