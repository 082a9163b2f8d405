"""Which chunks of a calendar are stored, and which of them are no longer true: one statement, one row."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection

from participants.models import Participant
from schedules.domain.feeds import FeedContent
from schedules.models import CalendarChunk, CalendarState
from schedules.selectors.feeds.subscriptions import Shown
from schedules.selectors.store.rows_once import as_list, one_of
from trials.models import Resource, Site, Trial
from trials.selectors.among import among

_COMMA, _END = ",", "\x1e"
"""Between digests, and between what chunks are made from: no label and no code holds a control character."""
_FAR_BACK, _FAR_AHEAD = date.min, date.max


@dataclass(frozen=True, slots=True)
class StoredChunks:
    """The chunks of a calendar as they are stored.

    `digests` are those of all participants (ids), in order, empty without one; `stale` says what the chunks
    of the participants without a true one are made from at present; `partial` are those of whom some entries
    may not be shown on this day.
    """

    digests: dict[int, str]
    stale: dict[int, str]
    partial: frozenset[int]


def stored_chunks(people: Shown, style: str, edition: str, content: FeedContent, today: date) -> StoredChunks:
    """Look up the chunks of these participants in a style; `edition` is the software's with the rooms'."""
    first, last = _FAR_BACK, _FAR_AHEAD
    if content.days_back is not None:
        first = today - timedelta(days=content.days_back)
    if content.days_ahead is not None:
        last = today + timedelta(days=content.days_ahead)
    days = [day.isoformat() for day in (today, first, last)]
    with connection.cursor() as cursor:
        params: list[Any] = [edition, *days, style, *people.params]
        cursor.execute(_statement(people.sql, connection.vendor), params)
        ids, digests, stale, partial = (one or "" for one in cursor.fetchone())
    known = zip(map(int, ids.split()), digests.split(_COMMA), strict=ids != "")
    bases = (one.partition(" ") for one in stale.split(_END) if one)
    return StoredChunks(
        digests=dict(sorted(known)),
        stale=dict(sorted((int(pk), basis) for pk, _space, basis in bases)),
        partial=frozenset(map(int, partial.split())),
    )


def bases_of(pks: Collection[int], edition: str) -> dict[int, str]:
    """Give what the chunks of these participants (ids) are made from at present; one statement."""
    with connection.cursor() as cursor:
        params: list[Any] = [edition, as_list(pks)]
        cursor.execute(_bases(connection.vendor), params)
        return dict(cursor.fetchall())


def rooms_now() -> str:
    """Give the digest of what rooms, beds and slots are called and how long they are taken; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, name, minutes FROM {_table(Resource)} ORDER BY id")  # noqa: S608
        return digest_of_rooms(cursor.fetchall())


def digest_of_rooms(rooms: Iterable[Sequence[object]]) -> str:
    """Give the digest of rooms, beds and slots: each its id, its name, and its minutes, in their order."""
    text = "\n".join(" ".join(map(str, room)) for room in rooms)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _table(model: type[Resource | Participant | CalendarChunk | CalendarState | Site | Trial]) -> str:
    return model._meta.db_table  # noqa: SLF001 (public by custom)


_BASIS = (
    "CAST(%s AS TEXT) || ' ' || p.id || ' ' || s.revision || ' ' || p.version || ' ' || p.subject_code"
    " || ' ' || t.code || ' ' || t.outside_name || '/' || t.outside_name_zh || ' ' || i.zone"
)
"""What of a participant's calendar stands beside their visits: of the record its version (protocol version,
traits, anchors), the subject code, what the trial is called, and the zone of the site."""


def _joined() -> str:
    return (
        f"{_table(Participant)} p JOIN {_table(CalendarState)} s ON s.participant_id = p.id"
        f" JOIN {_table(Trial)} t ON t.id = p.trial_id JOIN {_table(Site)} i ON i.id = p.site_id"
    )


@lru_cache(maxsize=1024)
def _statement(people: str, vendor: str) -> str:
    join, end = ("GROUP_CONCAT", "char(30)") if vendor == "sqlite" else ("STRING_AGG", "chr(30)")
    some = "c.until <= d.today OR c.first < d.first_day OR c.last > d.last_day"
    day = "CAST(%s AS TEXT)" if vendor == "sqlite" else "CAST(%s AS DATE)"
    return (
        f"SELECT {join}(CAST(q.id AS TEXT), ' '), {join}(q.digest, '{_COMMA}'),"  # noqa: S608 (names of tables)
        f" {join}(CASE WHEN q.made IS NULL OR q.made <> q.basis THEN q.id || ' ' || q.basis END, {end}),"
        f" {join}(CASE WHEN q.partial THEN CAST(q.id AS TEXT) END, ' ')"
        " FROM (SELECT p.id AS id, COALESCE(c.digest, '') AS digest,"
        f" c.basis AS made, {_BASIS} AS basis, ({some}) AS partial"
        f" FROM (SELECT {day} AS today, {day} AS first_day, {day} AS last_day) d"
        f" CROSS JOIN {_joined()}"
        f" LEFT JOIN {_table(CalendarChunk)} c ON c.style = %s AND c.participant_id = p.id"
        f" WHERE {among('p.id', f'({people})', vendor)}) q"
    )


@lru_cache(maxsize=2)
def _bases(vendor: str) -> str:
    return f"SELECT p.id, {_BASIS} FROM {_joined()} WHERE {one_of('p.id', vendor)}"  # noqa: S608
