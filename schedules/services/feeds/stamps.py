"""The stamps of calendar entries, kept from one fetch to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from schedules.ical.stamps import RowStamp, Stamp, next_stamp
from schedules.models import VisitStamp, WindowStamp
from schedules.selectors.store.rows_once import keep_rows, rows_of
from trials.domain.release import RELEASE

WORDING = 6
"""Raise it with every change of how entries are worded between two releases."""

EDITION = f"{RELEASE}/{WORDING}"
Row = TypeVar("Row", VisitStamp, WindowStamp)
Digests = Mapping[int, tuple[str, RowStamp]]
"""By id: the digest of what an entry shows, and what its row says of itself."""


def visit_stamps(digests: Digests, known: Mapping[int, Stamp], now: datetime) -> dict[int, Stamp]:
    """Give the stamp of each of these visits, and keep the new ones; `known` are the former ones."""
    return _stamps(VisitStamp, "visit_id", digests, known, now)


def window_stamps(digests: Digests, now: datetime) -> dict[int, Stamp]:
    """Give the stamp of each of these protocol windows, and keep the new ones; two queries, none for none."""
    return _stamps(WindowStamp, "window_id", digests, _known(WindowStamp, "window_id", digests), now)


def _known(table: type[Row], of: str, pks: Collection[int]) -> dict[int, Stamp]:
    rows = rows_of(table, pks, column=of)
    return {row.pk: Stamp(row.digest, row.edition, row.sequence, row.changed_at) for row in rows}


def _stamps(
    table: type[Row], of: str, digests: Digests, known: Mapping[int, Stamp], now: datetime
) -> dict[int, Stamp]:
    stamps = {
        pk: next_stamp(digest, row, known.get(pk), EDITION, now) for pk, (digest, row) in digests.items()
    }
    # in one order, so that two fetches never wait for each other crosswise
    new = [pk for pk in sorted(stamps) if stamps[pk] != known.get(pk)]
    keep_rows([table(pk=pk, **asdict(stamps[pk])) for pk in new], unique=(of,))
    return stamps
