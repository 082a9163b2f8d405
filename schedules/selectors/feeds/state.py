"""Whether anything that a calendar is made from has changed: asked at every fetch, so in plain SQL.

Nearly every fetch finds nothing new. Its four statements are compiled once; the ORM would take ten times as
long to compile them as the database takes to answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_datetime

from participants.models import Participant
from schedules.models import CalendarFeed, CalendarState
from schedules.selectors.feeds.stored_chunks import digest_of_rooms
from schedules.selectors.store.plain_rows import NOBODY, ids_of
from trials.domain.accounts.access import Right, Scope
from trials.models import Resource, Site, Trial
from trials.selectors.records import Held, memberships_of, scope_held, within
from trials.zones import roles_day, server_zone, zone_named

_SHOWN_LAST = ("pk", "last_fetched_at", "shown__digest", "shown__changed_at", "shown__basis")
_ROOM = 3
_DECIDES = ("revoked_at", "language", "owner_id", "owner__is_superuser", "owner__is_active", "participant_id",
            "site_id", "trial_id", "cohort_id", "participant__site__zone", "site__zone", "paused_at",
            "only_booked", "window_bars", "protocol_windows", "to_book", "keep_cancelled", "subject_codes",
            "alarm", "days_back", "days_ahead", "cohort__label", "participant__trial_id",
            "participant__site_id", "cohort__trial_id", "compressed")  # fmt: skip
"""What of a feed decides what it shows; the rest says what it showed last."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed as a fetch finds it: the validators of what it showed last, and what it would be made from now.

    `basis` is the digest of all that decides what is shown: what the owner chose, their roles, the days
    that it is, the revisions of the participants, the names of trials and sites. While it is the stored one,
    so is everything else. `roles` are the owner's, by their id, as `roles_read_once` takes them, `rooms` the
    digest of what rooms are called.
    """

    pk: int
    basis: str
    stored_basis: str
    etag: str
    changed_at: datetime | None
    revoked: bool
    last_fetched_at: datetime | None
    compressed: bool
    language: str
    roles: dict[int, list[Held]]
    rooms: str

    @property
    def is_unchanged(self) -> bool:
        """Whether the answer is what it was at the last fetch."""
        return not self.revoked and self.changed_at is not None and self.basis == self.stored_basis


def feed_state(digest: str, now: datetime, *edition: str) -> FeedState | None:
    """Look up a feed by the digest of its token; None for none. Four statements, a few rows each.

    `edition` is what else decides what is shown: the software's own words, the address of this host.
    """
    found = _rows(_feed_statement(connection.vendor), [digest])
    if not found:
        return None
    row = dict(zip((*_SHOWN_LAST, *_DECIDES), found[0], strict=True))
    held = memberships_of(row["owner_id"])
    zones = {one.zone for one in held} | {row["participant__site__zone"] or row["site__zone"]}
    days = sorted((zone or "", str(_today(zone, now))) for zone in zones)
    places = _rows(_places_statement(), [])
    parts = [
        edition,
        [row[name] for name in _DECIDES],
        held,
        str(_today(None, now)),
        days,
        _revisions(row, held, now),
        places,
    ]
    return FeedState(
        pk=row["pk"],
        basis=hashlib.sha256(repr(parts).encode()).hexdigest(),
        stored_basis=row["shown__basis"] or "",
        etag=row["shown__digest"] or "",
        changed_at=_instant(row["shown__changed_at"]),
        revoked=row["revoked_at"] is not None,
        last_fetched_at=_instant(row["last_fetched_at"]),
        compressed=bool(row["compressed"]),
        language=row["language"],
        roles={row["owner_id"]: held},
        rooms=digest_of_rooms(place[1:4] for place in places if place[0] == _ROOM),
    )


def _rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [tuple(row) for row in cursor.fetchall()]


@lru_cache(maxsize=4)
def _feed_statement(vendor: str) -> str:
    of_one = CalendarFeed.objects.filter(token_digest="?")  # noqa: S106 (a place for it)
    rows = of_one.values_list(*_SHOWN_LAST, *_DECIDES)
    return str(rows.query.sql_with_params()[0])


@lru_cache(maxsize=1)
def _places_statement() -> str:
    tables = (model._meta.db_table for model in (Trial, Site, Resource))  # noqa: SLF001 (public by custom)
    trials, sites, rooms = tables
    return (
        f"SELECT 1, id, code, outside_name, outside_name_zh, feeds_enabled FROM {trials}"  # noqa: S608 (names of tables)
        f" UNION ALL SELECT 2, id, code, zone, short_name || ' ' || short_name_zh, feeds_enabled FROM {sites}"
        f" UNION ALL SELECT {_ROOM}, id, name, CAST(minutes AS TEXT), '', TRUE FROM {rooms} ORDER BY 1, 2"
    )


def _revisions(row: dict[str, Any], held: Iterable[Held], now: datetime) -> list[tuple[Any, ...]]:
    """Sums over the participants that a feed may be of, which change when one of them does; one row.

    Revision and version only rise, so that a sum over the same people cannot come back; who they are is told
    by their number and the sums of their ids, once as they are and once with their sites. A large site has a
    thousand rows to add at every fetch: what cannot differ between them is left out.
    """
    for name in ("participant_id", "site_id", "trial_id", "cohort_id"):
        if row[name]:
            column = "id" if name == "participant_id" else name
            return _rows(_sums(f"p.{column} = %s", one_site=name == "site_id"), [row[name]])
    scope = Scope(everything=True) if row["owner__is_superuser"] else scope_held(held, roles_day(now))
    where, params = _within(scope, connection.vendor)
    return _rows(_sums(f"p.id IN ({where})"), params)


@lru_cache(maxsize=64)
def _sums(where: str, *, one_site: bool = False) -> str:
    people, states = (model._meta.db_table for model in (Participant, CalendarState))  # noqa: SLF001
    sites = "" if one_site else ", SUM(p.site_id * (p.id %% 99991))"
    return (
        f"SELECT COUNT(*), SUM(p.id), SUM(p.id * (s.revision + p.version)){sites}"  # noqa: S608
        f" FROM {people} p JOIN {states} s ON s.participant_id = p.id WHERE {where}"
    )


@lru_cache(maxsize=1024)
def _within(scope: Scope, vendor: str) -> tuple[str, tuple[object, ...]]:
    return ids_of(Participant.objects.filter(within(scope, Right.SUBSCRIBE)).order_by()) or NOBODY


def _today(zone: str | None, now: datetime) -> date:
    """The day in a zone by its stored name; the server's without one."""
    return now.astimezone(zone_named(zone) if zone else server_zone()).date()


def _instant(value: datetime | str | None) -> datetime | None:
    found = parse_datetime(value) if isinstance(value, str) else value
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
