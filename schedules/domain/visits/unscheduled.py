"""The names of visits that the protocol did not plan: numbered after a neighbour, as VISITNUM in CDISC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from trials.domain.protocols.protocol import Protocol
from trials.domain.words import mark as _

BETWEEN = _("Unscheduled")
BEFORE_ZERO = {0: _("Unscheduled (before D0)"), 1: _("Unscheduled (before D1)")}
"""What stands before the number, by what the protocol calls day zero: −7.1 would read as a decimal number."""


class Happening(NamedTuple):
    """The day on which a visit took place, or else is booked or due, and its hour where one is known."""

    on: date
    at: datetime | None = None

    def is_before(self, other: Happening) -> bool:
        """Whether it comes first: by the day, and within one day by the hours where both are known."""
        if self.on != other.on or self.at is None or other.at is None:
            return self.on < other.on
        return self.at < other.at


class Neighbour(NamedTuple):
    """A visit of the protocol: the days from day zero to its target, when it happened, and its epoch."""

    number: int
    when: Happening
    epoch: str


class Added(NamedTuple):
    """A visit that no rule asks for, and when it happened; `order` decides between two of one hour."""

    key: int
    when: Happening
    order: tuple[int, ...]


class Name(NamedTuple):
    """What such a visit is called, and the epoch it falls in; empty where nothing precedes it."""

    label: str
    epoch: str


def names_of_added(
    protocol: Protocol, zero: date | None, planned: Sequence[Neighbour], added: Iterable[Added]
) -> Mapping[int, Name]:
    """Name visits after what went before them: `Unscheduled 28.1` and then `28.2` after D28.

    The names follow the order in which visits happened or are booked, not the one in which they were
    entered. Before day zero they are counted alone: `Unscheduled (before D0) 1`.
    """
    counted: Counter[str] = Counter()
    names = {}
    for one in sorted(added, key=_in_order):
        neighbour = _neighbour_before(planned, one.when)
        began = zero is not None and zero <= one.when.on
        number = max(neighbour.number if neighbour else -1, 0 if began else -1)
        prefix = _prefix(protocol, number)
        counted[prefix] += 1
        names[one.key] = Name(f"{prefix}{counted[prefix]}", neighbour.epoch if neighbour else "")
    return names


def _neighbour_before(planned: Iterable[Neighbour], when: Happening) -> Neighbour | None:
    """The last visit of the protocol that does not come after; of one day the latest by its target."""
    before = (each for each in planned if not when.is_before(each.when))
    return max(before, key=lambda each: (each.when.on, each.number), default=None)


def _prefix(protocol: Protocol, number: int) -> str:
    """What stands before the running number: the neighbour's day, or that day zero is still to come."""
    if number < 0:
        return f"{BEFORE_ZERO[int(protocol.day_label(0).removeprefix('D'))]} "
    return f"{BETWEEN} {protocol.day_label(number).removeprefix('D')}."


def _in_order(one: Added) -> tuple[object, ...]:
    """By the day, then those whose hour is known by it, then as they were entered."""
    at = one.when.at
    return (one.when.on, at is None, at.timestamp() if at else 0.0, one.order)
