"""When something that a washout looks for began and ended."""

from __future__ import annotations

from datetime import date

from participants.domain.moments import Point


class AtOnce:
    """What happened at one moment."""

    __slots__ = ()
    at: Point

    @property
    def first(self) -> Point:
        """When it happened."""
        return self.at

    @property
    def last(self) -> Point | None:
        """When it happened."""
        return self.at


class Lasting:
    """What lasts from one day to another, both inside; None while it lasts."""

    __slots__ = ()
    from_day: date
    to_day: date | None

    @property
    def first(self) -> Point:
        """The day it began."""
        return self.from_day

    @property
    def last(self) -> Point | None:
        """Its last day, None while it lasts."""
        return self.to_day
