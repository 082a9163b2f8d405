"""The days on which a visit counts as on time."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class VisitWindow(NamedTuple):
    """Opens, target and closes: whole days in the site's zone, both ends inside.

    A named tuple and not a dataclass because plans make them by the hundred thousand.
    """

    opens: date
    target: date
    closes: date

    def holds(self, day: date) -> bool:
        """Whether a visit on `day` is on time."""
        return self.opens <= day <= self.closes

    def days_outside(self, day: date) -> int:
        """Days by which `day` misses the window: negative for early, positive for late, 0 inside."""
        if day < self.opens:
            return (day - self.opens).days
        return max(0, (day - self.closes).days)
