"""The stamp of a calendar's entry belongs to what the entry shows, and rises with that alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schedules.ical.values import CalendarEvent
from schedules.ical.visit_entry import ShownVisit

_SECOND = timedelta(seconds=1)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an entry showed when it was last given out, since when, and in which revision.

    `edition` is that of the software: another one may word things otherwise, and nothing is stamped
    again for that alone.
    """

    digest: str
    edition: str
    sequence: int
    changed_at: datetime


def digest_of(*editions: Sequence[CalendarEvent]) -> str:
    """Give the SHA-256 of everything that a visit's entries show, in each language that is given.

    Without their own stamp, and without the link: the same entry is fetched by several host names. Of what
    is written and not of the record: a booking made while a visit is on hold may change nothing that is seen.
    """
    return digest_of_values(
        [[replace(event, sequence=0, changed_at=_NEVER, url="") for event in events] for events in editions]
    )


def digest_of_values(shown: object) -> str:
    """Give the SHA-256 of frozen values, days, instants and what JSON knows."""
    return hashlib.sha256(json.dumps(shown, default=_values).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RowStamp:
    """What the row itself says: in which revision it is, and since when."""

    sequence: int
    changed_at: datetime


def next_stamp(digest: str, row: RowStamp, known: Stamp | None, edition: str, now: datetime) -> Stamp:
    """Give the stamp of an entry at this instant; `known` is the one that it was last given out with.

    An entry that was never given out, or last by another edition of the software, keeps the stamp
    that it has: an upgrade restamps nothing. A change that the row records is dated by it; one that
    came from elsewhere (another name of the trial) is dated now. Both rise by a second at least.
    """
    recorded_at = row.changed_at.astimezone(UTC).replace(microsecond=0)
    if known is None:
        return Stamp(digest, edition, row.sequence, recorded_at)
    if known.digest == digest or (known.edition != edition and recorded_at <= known.changed_at):
        return replace(known, digest=digest, edition=edition)
    later = max(now.astimezone(UTC).replace(microsecond=0), known.changed_at + _SECOND)
    changed_at = recorded_at if recorded_at > known.changed_at else later
    return Stamp(digest, edition, max(known.sequence + 1, row.sequence), changed_at)


def stamped(visit: ShownVisit, stamp: Stamp) -> ShownVisit:
    """Give the visit with this stamp."""
    return replace(visit, sequence=stamp.sequence, changed_at=stamp.changed_at)


def _values(value: Any) -> Any:
    if is_dataclass(value):
        return [type(value).__name__, *(getattr(value, field.name) for field in fields(value))]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)
