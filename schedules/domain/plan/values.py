"""The values that a plan is made of.

Those that plans make by the hundred thousand are tuples: a frozen dataclass takes three times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.occurrences import label_of_one
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import Derivation, Protocol, ProtocolWindow, VisitRule
from trials.domain.words import Words


class AnchorKind(StrEnum):
    """How an anchor's day is known; an actual day beats a planned one, and both beat a derived one."""

    PLANNED = "planned"
    ACTUAL = "actual"
    DERIVED = "derived"


class Awaited(StrEnum):
    """What sets the day of an anchor that is merely expected."""

    VISIT = "visit"
    BOOKING = "booking"


class AnchorDay(NamedTuple):
    """The day of an anchor, and the instant (with its zone) where the hour is known.

    `assumed` is true of a day that follows from others by a rule that no record states. `awaits` says
    what will set a day that is merely expected: a visit that is booked for it, or that has no day yet.
    """

    day: date
    kind: AnchorKind = AnchorKind.PLANNED
    at: datetime | None = None
    assumed: bool = False
    awaits: Awaited | None = None

    @classmethod
    def at_instant(cls, instant: datetime, kind: AnchorKind = AnchorKind.PLANNED) -> AnchorDay:
        """An anchor whose hour is known; its day is the local day of the instant's own zone."""
        return cls(instant.date(), kind, instant)

    @property
    def given(self) -> bool:
        """Whether a person set it."""
        return self.kind is not AnchorKind.DERIVED


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of a participant besides the anchors.

    `performed` maps visit codes, `activities` activity codes to when they were done;
    `booked` maps codes of visits to come to the days for which they are booked;
    `half_lives` maps drug codes to one half-life; `comes_of_age` is the day of majority. `begun` maps
    anchors that happened in a block which was repeated since to when they first did. `missed` are the
    codes of visits that will not happen. `given_by` maps anchors that happened under an older version, which
    derives them otherwise, to that version's derivation.
    """

    performed: Mapping[str, AnchorDay] = field(default_factory=dict)
    activities: Mapping[str, AnchorDay] = field(default_factory=dict)
    half_lives: Mapping[str, timedelta] = field(default_factory=dict)
    comes_of_age: date | None = None
    begun: Mapping[str, AnchorDay] = field(default_factory=dict)
    booked: Mapping[str, date] = field(default_factory=dict)
    missed: frozenset[str] = frozenset()
    given_by: Mapping[str, Derivation] = field(default_factory=dict)


class PlannedVisit(NamedTuple):
    """One occurrence of a visit rule on the calendar.

    `base` is the day it counts from; `at` the instant of a target given in hours;
    `suggested` the nearest working day inside the window, None without a calendar;
    `why_shifted` says why the suggestion is not the target; `lengthened` is true of a rest
    that a hold lets begin earlier than its rule says.
    """

    rule: VisitRule
    occurrence: int
    code: str
    offset: Offset
    base: AnchorDay
    window: VisitWindow
    at: datetime | None = None
    suggested: date | None = None
    why_shifted: str = ""
    lengthened: bool = False

    @property
    def label(self) -> str:
        """The rule's label, numbered where the rule makes several visits."""
        return label_of_one(self.rule, self.code, self.occurrence, self.offset)

    @property
    def day(self) -> int:
        """Days from the anchor to the target."""
        return (self.window.target - self.base.day).days


@dataclass(frozen=True, slots=True)
class OtherReading:
    """A window in hours read the other way, while `hour` names an hour that is not known.

    The window of a test is the part that is valid for every hour of the day; read the other way it is
    valid for some hour. A window in which something must hold is taken at its longest; read the other
    way it is the part that belongs to it whatever the hour.
    """

    starts: date | datetime | None
    ends: date | datetime | None
    hour: Words


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """A protocol window on the calendar; an end not known yet is None and `missing` says why."""

    rule: ProtocolWindow
    starts: date | datetime | None
    ends: date | datetime | None
    missing: tuple[Words, ...]
    bases: tuple[tuple[str, AnchorDay], ...] = ()
    other: OtherReading | None = None

    @property
    def assumed(self) -> bool:
        """Whether the window is assumed, or stated but counted from a day that is."""
        return self.rule.assumed or self.days_assumed

    @property
    def days_assumed(self) -> bool:
        """Whether a day that the window counts from is itself assumed."""
        return any(day.assumed for _code, day in self.bases)


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """A thing in the plan that a person must look at."""

    code: str
    words: Words

    @property
    def message(self) -> str:
        """The warning in English."""
        return self.words.text()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a protocol asks of one participant, dated; visits by target, opens, then document order.

    `older` names, by their codes, the protocols by which windows stand that ended under an earlier version.
    """

    protocol: Protocol
    anchors: Mapping[str, AnchorDay]
    visits: tuple[PlannedVisit, ...]
    windows: tuple[PlannedWindow, ...]
    warnings: tuple[PlanWarning, ...]
    calendar: str | None = None
    older: Mapping[str, Protocol] = field(default_factory=dict)

    def protocol_of(self, window: PlannedWindow) -> Protocol:
        """The protocol by which a window stands."""
        return self.older.get(window.rule.code, self.protocol)

    @property
    def day_zero(self) -> date | None:
        """The day that the participant's day numbers count from, once known."""
        anchor = self.anchors.get(self.protocol.day_zero)
        return anchor.day if anchor else None
