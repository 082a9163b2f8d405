"""Rendered entries, kept: an event is rendered when what it shows changes, and joined afterwards."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation

from participants.models import Participant
from schedules.domain.feeds import FeedContent
from schedules.ical.entries import BESIDE, Entry, ShownWindow, visit_entries, window_entry
from schedules.ical.render import RENDERER, event_bytes
from schedules.ical.stamps import RowStamp, digest_of, digest_of_values, stamped
from schedules.ical.visits import ShownVisit
from schedules.models import CalendarChunk, FeedShown
from schedules.selectors.exchange.feed_content import ShownPeople
from schedules.selectors.exchange.feeds import joined_text, resources_digest, stale_participants
from schedules.services.feeds.stamps import EDITION, visit_stamps, window_stamps
from trials.spoken import say

_MANY = 500
_SIZE = 16
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """What is asked for: the content that somebody chose, links to participants, the day and the instant."""

    content: FeedContent
    links: str
    today: date
    now: datetime

    @property
    def style(self) -> str:
        """The name of the chunks that answer it."""
        return self.content.style(self.links)


KeptEntry = tuple[str, str, int, int, int, int, int]
"""An entry in a chunk: its key, the digest of what it shows, its first and last day and the day it is gone
(ordinals, 0: never), its size in bytes, and its stamp in seconds."""


class _Bodies:
    """The bytes of chunks that this process joined lately, by their digests, so that few are read again."""

    def __init__(self, most: int) -> None:
        """Keep at most so many bytes."""
        self._most, self._size = most, 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> bytes | None:
        """Give the bytes, or None where they are not here."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, body: bytes) -> None:
        """Keep them, and let those go that were not asked for longest."""
        with self._lock:
            self._size += len(body) - len(self._kept.pop(key, b""))
            self._kept[key] = body
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])


_BODIES = _Bodies(32 * 1024 * 1024)


def digest_of_chunks(people: QuerySet[Participant], request: EntryRequest) -> str:
    """Give the digest of the entries of these participants, and render first what has changed.

    Four queries; some more, for each five hundred participants, where something has.
    """
    stale = stale_participants(people, request.style, f"{EDITION} {RENDERER} {resources_digest()}")
    todo = sorted(stale)
    for start in range(0, len(todo), _MANY):
        _render({pk: stale[pk] for pk in todo[start : start + _MANY]}, request)
    partial = {pk: _digest(kept) for pk, kept in _partial(people, request).items()}
    digest = hashlib.sha256()
    for pk, whole in _digests(people, request.style):
        digest.update(f"{pk} {partial.get(pk) or whole}\n".encode())
    return digest.hexdigest()


def join_entries(people: QuerySet[Participant], request: EntryRequest) -> bytes:
    """Join the entries of these participants that are shown on this day, by their ids.

    A chunk that was dropped since it was looked at is rendered again: phones delete what is not there.
    """
    digests = _digests(people, request.style)
    if len(digests) != people.count():
        digest_of_chunks(people, request)
        digests = _digests(people, request.style)
    parts = {pk: _BODIES.get(whole) for pk, whole in digests}
    missing = [pk for pk, body in parts.items() if body is None]
    for start in range(0, len(missing), _MANY):
        rows = CalendarChunk.objects.filter(
            style=request.style, participant__in=missing[start : start + _MANY]
        )
        for pk, whole, body in rows.values_list("participant", "digest", "body"):
            parts[pk] = bytes(body)
            _BODIES.put(whole, bytes(body))
    for pk, kept in _partial(people, request).items():
        parts[pk] = b"".join(_cut(parts[pk] or b"", kept))
    return b"".join(body for body in parts.values() if body)


def _digests(people: QuerySet[Participant], style: str) -> list[tuple[int, str]]:
    """Give each participant with the digest of their chunk, by their ids; one query and one row."""
    rows = CalendarChunk.objects.filter(style=style, participant__in=people)
    lines = (line.split() for line in joined_text(rows, "participant", "digest"))
    return sorted((int(pk), digest) for pk, digest in lines)


def _partial(people: QuerySet[Participant], request: EntryRequest) -> dict[int, list[Any]]:
    """Give the entries that are shown of the chunks of which some are not: too far away, or gone by now."""
    content, today = request.content, request.today
    some = Q(until__lte=today)
    if content.days_back is not None:
        some |= Q(first__lt=today - timedelta(days=content.days_back))
    if content.days_ahead is not None:
        some |= Q(last__gt=today + timedelta(days=content.days_ahead))
    rows = CalendarChunk.objects.filter(some, style=request.style, participant__in=people)
    return {
        pk: [(*one, start) for start, one in _with_starts(json.loads(entries)) if _is_shown(one, request)]
        for pk, entries in rows.values_list("participant", "entries")
    }


def _with_starts(entries: Sequence[KeptEntry]) -> Iterator[tuple[int, KeptEntry]]:
    """Each entry with where its bytes begin."""
    start = 0
    for one in entries:
        yield start, one
        start += one[5]


def _cut(body: bytes, kept: Sequence[Any]) -> Iterator[bytes]:
    for *_rest, length, _stamp, start in kept:
        yield body[start : start + length]


def drop_unused_chunks() -> int:
    """Delete the chunks of styles that no subscription which still works has; give how many."""
    used = FeedShown.objects.filter(feed__revoked_at=None).values("style")
    return CalendarChunk.objects.exclude(style__in=used).delete()[0]


def _digest(kept: Sequence[Any]) -> str:
    return digest_of_values(kept)[:32]


def _is_shown(one: KeptEntry, request: EntryRequest) -> bool:
    _key, _digest, first, last, gone, *_rest = one
    if gone and gone <= request.today.toordinal():
        return False
    return request.content.shows(date.fromordinal(first), date.fromordinal(last), request.today)


def _render(bases: Mapping[int, str], request: EntryRequest) -> None:
    """Render what changed of these participants, and keep the rest of their chunks as it is."""
    entries = _entries(bases, request)
    old = {
        row.participant_id: row
        for row in CalendarChunk.objects.filter(style=request.style, participant__in=list(bases))
    }
    chunks = [
        _chunk(pk, basis, entries[pk], old.get(pk), request.style) for pk, basis in sorted(bases.items())
    ]
    with transaction.atomic():
        CalendarChunk.objects.bulk_create(
            chunks,
            batch_size=100,
            update_conflicts=True,
            unique_fields=["style", "participant"],
            update_fields=["basis", "digest", "first", "last", "until", "entries", "body"],
        )


def visits_as_entries(visits: Collection[int], request: EntryRequest) -> list[Entry]:
    """Give the entries of these visits (ids) alone, for a file; a constant number of queries."""
    participants = Participant.objects.filter(visits__in=visits).values_list("pk", flat=True)
    people = ShownPeople(sorted(set(participants)), only=visits)
    return [entry for entries in _entries_of(people, request).values() for entry in entries]


def _entries(participants: Collection[int], request: EntryRequest) -> dict[int, list[Entry]]:
    return _entries_of(ShownPeople(list(participants), windows=request.content.protocol_windows), request)


def _entries_of(people: ShownPeople, request: EntryRequest) -> dict[int, list[Entry]]:
    """Give the entries of participants with their stamps, in the language of the subscription.

    A stamp is of what is shown in every language: the same entry has the same one in each.
    """
    visits: dict[str, list[tuple[int, ShownVisit]]] = {}
    windows: dict[str, list[tuple[int, ShownWindow]]] = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            visits[code] = list(people.visits(request.today, request.links, say))
            windows[code] = list(people.windows(request.links, say))
    language = request.content.language
    found: dict[int, list[Entry]] = defaultdict(list)
    with translation.override(language):
        stamps = visit_stamps(_visit_digests(visits), request.now)
        for pk, visit in visits[language]:
            found[pk] += visit_entries(stamped(visit, stamps[visit.pk]), request.content, say)
        if windows[language]:
            kept = window_stamps(_window_digests(windows), request.now)
            for pk, window in windows[language]:
                stamp = kept[window.pk]
                now = replace(window, sequence=stamp.sequence, changed_at=stamp.changed_at)
                found[pk].append(window_entry(now, request.content, say))
    return found


def _visit_digests(visits: Mapping[str, Sequence[tuple[int, ShownVisit]]]) -> dict[int, tuple[str, RowStamp]]:
    """Give for each visit the digest of what is shown of it in all languages, and the stamp of its row."""
    editions = zip(*visits.values(), strict=True)
    found = {}
    for edition in editions:
        shown = [visit for _pk, visit in edition]
        found[shown[0].pk] = (digest_of(*shown), RowStamp(shown[0].sequence, shown[0].changed_at))
    return found


def _window_digests(
    windows: Mapping[str, Sequence[tuple[int, ShownWindow]]],
) -> dict[int, tuple[str, RowStamp]]:
    """Give the same of protocol windows, which have no stamp of their own: their participant's."""
    found = {}
    for edition in zip(*windows.values(), strict=True):
        shown = [window for _pk, window in edition]
        values = [[one.trial, one.subject_code, one.label, one.kind, one.days, one.assumed] for one in shown]
        found[shown[0].pk] = (digest_of_values(values), RowStamp(0, shown[0].changed_at))
    return found


def _fingerprint(entry: Entry) -> str:
    """Give the digest of what an entry shows.

    One that stands beside a visit's own has the visit's stamp, and changes less often: it keeps the stamp
    with which it was rendered until it shows something else.
    """
    event = entry.event
    if entry.key[0] in BESIDE:
        event = replace(event, sequence=0, changed_at=_NEVER)
    return hashlib.sha256(f"{RENDERER} {event!r}".encode()).hexdigest()[:_SIZE]


def _chunk(
    participant: int, basis: str, entries: Sequence[Entry], old: CalendarChunk | None, style: str
) -> CalendarChunk:
    """Give a participant's chunk: bytes that it has already are taken from it."""
    known: dict[tuple[str, str], tuple[bytes, int]] = {}
    for start, one in _with_starts(json.loads(old.entries) if old else ()):
        known[one[0], one[1]] = bytes(old.body[start : start + one[5]]) if old else b"", one[6]
    bodies, kept = [], []
    for entry in entries:
        digest, stamp = _fingerprint(entry), int(entry.event.changed_at.timestamp())
        if (entry.key, digest) in known:
            body, stamp = known[entry.key, digest]
        else:
            body = event_bytes(entry.event)
        first, last = (day.toordinal() for day in entry.days)
        gone = entry.gone_on.toordinal() if entry.gone_on else 0
        kept.append((entry.key, digest, first, last, gone, len(body), stamp))
        bodies.append(body)
    body = b"".join(bodies)
    leaving = [entry.gone_on for entry in entries if entry.gone_on]
    return CalendarChunk(
        participant_id=participant,
        style=style,
        basis=basis,
        digest=_digest([style, participant, kept]),
        first=min((entry.days[0] for entry in entries), default=None),
        last=max((entry.days[1] for entry in entries), default=None),
        until=min(leaving, default=None),
        entries=json.dumps(kept, separators=(",", ":")),
        body=body,
    )
