"""An anchor as it is on record: planned, and then actual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class RecordedAnchor:
    """The planned and the actual day of an anchor, each with its instant where the hour is known.

    `actual_zone` names the zone of the site where the hour was recorded; the actual day is that of the
    hour there and stays, wherever the participant goes on. Empty of an anchor that is not on record yet.
    """

    code: str
    planned_on: date | None = None
    planned_at: datetime | None = None
    actual_on: date | None = None
    actual_at: datetime | None = None
    actual_zone: str = ""
