"""A visit that took place, as facts are held against it."""

from __future__ import annotations

from dataclasses import dataclass

from participants.domain.moments import Point
from trials.domain.protocols.protocol import Place


@dataclass(frozen=True, slots=True)
class PerformedVisit:
    """A visit that took place: its code, when, and where."""

    code: str
    at: Point
    place: Place | None = None
