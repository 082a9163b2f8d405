"""The numbers of visits that the protocol did not plan: after their neighbour, as in CDISC's VISITNUM."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from itertools import count
from typing import NamedTuple

from trials.domain.protocol import Protocol


class Neighbour(NamedTuple):
    """A visit of the protocol: the day of its target, and the day on which it was done or is due."""

    target: date
    on: date


def neighbour_before(visits: Iterable[Neighbour], day: date) -> Neighbour | None:
    """The last visit on a day or before it; None before the first."""
    return max((visit for visit in visits if visit.on <= day), key=lambda visit: visit.on, default=None)


def number_after(protocol: Protocol, zero: date | None, day: date, taken: Collection[str]) -> str:
    """The number of a visit in between: the day number of its neighbour's target, and which after it.

    `day` is the neighbour's target, or the visit's own day before the first of all; `28.1` and then
    `28.2` after D28. Numbers are labels on record: one that was given is never given again.
    """
    base = protocol.day_label((day - zero).days).removeprefix("D") if zero else "0"
    return next(number for n in count(1) if (number := f"{base}.{n}") not in taken)
