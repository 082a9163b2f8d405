"""What a site sees people with, and when each of it can be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

DEFAULT_MINUTES = 60
"""How long a booking without an end is taken to last. Assumed: no protocol states it."""


class ResourceKind(StrEnum):
    """What a resource is."""

    ROOM = "room"
    BED = "bed"
    STAFF = "staff"
    SLOT = "slot"


@dataclass(frozen=True, slots=True)
class ResourceTerms:
    """When a resource can be used, and by how many at once.

    Hours are those of the site's clocks; none of them means the whole day, no weekdays every day on
    which the site works. `closed` are spans of days, both ends included, each with its reason.
    """

    pk: int
    kind: ResourceKind
    name: str
    capacity: int = 1
    opens_at: time | None = None
    closes_at: time | None = None
    weekdays: frozenset[int] = frozenset()
    closed: tuple[tuple[date, date, str], ...] = ()
    minutes: int = DEFAULT_MINUTES

    def closed_on(self, day: date) -> str | None:
        """Return why it cannot be used on a day: the note of its closed days, possibly empty; None else."""
        for first, last, note in self.closed:
            if first <= day <= last:
                return note
        return None

    def used_on(self, day: date) -> bool:
        """Return whether its weekdays include a day."""
        return not self.weekdays or day.isoweekday() in self.weekdays

    def within_hours(self, start: time, end: time) -> bool:
        """Return whether its hours hold a span of one day."""
        after = self.opens_at is None or self.opens_at <= start
        return after and (self.closes_at is None or end <= self.closes_at)

    @property
    def by_day(self) -> bool:
        """Whether a booking takes it for the whole day: a bed."""
        return self.kind is ResourceKind.BED
