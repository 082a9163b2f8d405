"""The stamps of calendar entries, kept from one fetch to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from schedules.ical.stamps import RowStamp, Stamp, next_stamp
from schedules.models import VisitStamp, WindowStamp
from trials.domain.release import RELEASE

WORDING = 2
"""Raise it with every change of how entries are worded between two releases."""

EDITION = f"{RELEASE}/{WORDING}"
_COLUMNS = ("digest", "edition", "sequence", "changed_at")
Digests = Mapping[int, tuple[str, RowStamp]]
"""By id: the digest of what an entry shows, and what its row says of itself."""


def visit_stamps(digests: Digests, now: datetime) -> dict[int, Stamp]:
    """Give the stamp of each of these visits, and keep the new ones; two queries."""
    rows = VisitStamp.objects.filter(visit__in=_ids(digests)).values_list("visit", *_COLUMNS)
    known = {pk: Stamp(*columns) for pk, *columns in rows}
    stamps, new = _next(digests, known, now)
    made = [VisitStamp(visit_id=pk, **_values(stamp)) for pk, stamp in new]
    with transaction.atomic():
        VisitStamp.objects.bulk_create(
            made, batch_size=500, update_conflicts=True, unique_fields=["visit"], update_fields=_COLUMNS
        )
    return stamps


def window_stamps(digests: Digests, now: datetime) -> dict[int, Stamp]:
    """Give the stamp of each of these protocol windows, and keep the new ones; two queries."""
    rows = WindowStamp.objects.filter(window__in=_ids(digests)).values_list("window", *_COLUMNS)
    known = {pk: Stamp(*columns) for pk, *columns in rows}
    stamps, new = _next(digests, known, now)
    made = [WindowStamp(window_id=pk, **_values(stamp)) for pk, stamp in new]
    with transaction.atomic():
        WindowStamp.objects.bulk_create(
            made, batch_size=500, update_conflicts=True, unique_fields=["window"], update_fields=_COLUMNS
        )
    return stamps


def _ids(digests: Digests) -> Collection[int]:
    return list(digests)


def _next(
    digests: Digests, known: Mapping[int, Stamp], now: datetime
) -> tuple[dict[int, Stamp], list[tuple[int, Stamp]]]:
    """Give all stamps, and those to be written: in one order, so that two fetches never wait crosswise."""
    stamps = {
        pk: next_stamp(digest, row, known.get(pk), EDITION, now) for pk, (digest, row) in digests.items()
    }
    return stamps, [(pk, stamps[pk]) for pk in sorted(stamps) if stamps[pk] != known.get(pk)]


def _values(stamp: Stamp) -> dict[str, object]:
    return {name: getattr(stamp, name) for name in _COLUMNS}
