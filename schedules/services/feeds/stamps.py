"""The stamps of calendar entries, kept from one fetch to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import Manager

from schedules.ical.stamps import RowStamp, Stamp, next_stamp
from schedules.models import VisitStamp, WindowStamp
from trials.domain.release import RELEASE

WORDING = 3
"""Raise it with every change of how entries are worded between two releases."""

EDITION = f"{RELEASE}/{WORDING}"
Row = TypeVar("Row", VisitStamp, WindowStamp)
_COLUMNS = ("digest", "edition", "sequence", "changed_at")
Digests = Mapping[int, tuple[str, RowStamp]]
"""By id: the digest of what an entry shows, and what its row says of itself."""


def visit_stamps(digests: Digests, now: datetime) -> dict[int, Stamp]:
    """Give the stamp of each of these visits, and keep the new ones; two queries."""
    return _stamps(VisitStamp.objects, "visit", digests, now)


def window_stamps(digests: Digests, now: datetime) -> dict[int, Stamp]:
    """Give the stamp of each of these protocol windows, and keep the new ones; two queries."""
    return _stamps(WindowStamp.objects, "window", digests, now)


def _stamps(table: Manager[Row], of: str, digests: Digests, now: datetime) -> dict[int, Stamp]:
    rows = table.filter(pk__in=list(digests)).values_list("pk", *_COLUMNS)
    known = {pk: Stamp(*columns) for pk, *columns in rows}
    stamps = {
        pk: next_stamp(digest, row, known.get(pk), EDITION, now) for pk, (digest, row) in digests.items()
    }
    # in one order, so that two fetches never wait for each other crosswise
    new = [pk for pk in sorted(stamps) if stamps[pk] != known.get(pk)]
    made = [table.model(pk=pk, **asdict(stamps[pk])) for pk in new]
    with transaction.atomic():
        table.bulk_create(
            made, batch_size=500, update_conflicts=True, unique_fields=[of], update_fields=_COLUMNS
        )
    return stamps
