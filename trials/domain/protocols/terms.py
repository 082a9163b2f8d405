"""What protocol windows ask for, and from when until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from trials.domain.protocols.basis import Basis, Reference
from trials.domain.protocols.offsets import Offset
from trials.domain.words import mark as _


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


class _Terms:
    """What a window asks for: its kind, its label, and the names that it mentions."""

    __slots__ = ()

    def texts(self) -> Iterator[tuple[str, str]]:
        """The places in the document that name something, each with the name."""
        yield from ()

    def named(self, _names: Mapping[str, str]) -> Self:
        """The same terms, each name in its place carrying its label; equal to these."""
        return self


@dataclass(frozen=True, slots=True)
class Presence(_Terms):
    """Be within so many minutes of travel of the site, throughout."""

    within_minutes: int
    companion: bool = False
    kind = WindowKind.PRESENCE
    label = _("stay near the site")


@dataclass(frozen=True, slots=True)
class Stay(_Terms):
    """Be admitted, throughout; `leave_on_last_day` where a discharge at any hour of the last day keeps it."""

    leave_on_last_day: bool = True
    kind = WindowKind.STAY
    label = _("hospital stay")


@dataclass(frozen=True, slots=True)
class Observation(_Terms):
    """Be observed for something (dose-limiting toxicity, adverse events)."""

    of: str
    kind = WindowKind.OBSERVATION
    label = _("observation")

    def texts(self) -> Iterator[tuple[str, str]]:
        """What it is of."""
        yield "of", self.of

    def named(self, names: Mapping[str, str]) -> Self:
        """With the label of what it is of."""
        return replace(self, of=names.get(self.of, self.of))


@dataclass(frozen=True, slots=True)
class Freshness(_Terms):
    """Have a result of a test that was taken inside the window."""

    test: str
    result: str | None = None
    kind = WindowKind.FRESHNESS
    label = _("age of a test")

    def texts(self) -> Iterator[tuple[str, str]]:
        """The test."""
        yield "test", self.test

    def named(self, names: Mapping[str, str]) -> Self:
        """With the labels of the test and of its result."""
        result = self.result and names.get(self.result, self.result)
        return replace(self, test=names.get(self.test, self.test), result=result)


@dataclass(frozen=True, slots=True)
class Washout(_Terms):
    """Have had none of these inside the window."""

    of: tuple[str, ...]
    kind = WindowKind.WASHOUT
    label = _("washout")

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each of what must not have been."""
        yield from ((f"of[{index}]", code) for index, code in enumerate(self.of))

    def named(self, names: Mapping[str, str]) -> Self:
        """With the label of each."""
        return replace(self, of=tuple(names.get(code, code) for code in self.of))


@dataclass(frozen=True, slots=True)
class Conduct(_Terms):
    """Behave so throughout; confirmed at the visits named (none: at every visit)."""

    of: str
    confirmed_at: tuple[str, ...] = ()
    kind = WindowKind.CONDUCT
    label = _("conduct")

    def texts(self) -> Iterator[tuple[str, str]]:
        """What it is of."""
        yield "of", self.of

    def named(self, names: Mapping[str, str]) -> Self:
        """With the label of what it is of."""
        return replace(self, of=names.get(self.of, self.of))


@dataclass(frozen=True, slots=True)
class EventAfter(_Terms):
    """Do something at or after an event, such as consent again on coming of age."""

    event: str
    age: int | None = None
    kind = WindowKind.EVENT_AFTER
    label = _("event with a time limit")

    def texts(self) -> Iterator[tuple[str, str]]:
        """The event."""
        yield "event", self.event

    def named(self, names: Mapping[str, str]) -> Self:
        """With the label of the event."""
        return replace(self, event=names.get(self.event, self.event))


Terms = Presence | Stay | Observation | Freshness | Washout | Conduct | EventAfter
ALL_TERMS = (Presence, Stay, Observation, Freshness, Washout, Conduct, EventAfter)


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
