"""Entries rendered and stored: an event is rendered when what it shows changes, and joined afterwards."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from django.conf import settings
from django.utils import translation

from participants.models import Participant
from schedules.domain.feeds import FeedContent
from schedules.ical.entries import (
    BESIDE,
    Entry,
    ShownWindow,
    all_entries,
    visit_entries,
    window_entry,
)
from schedules.ical.render import RENDERER, event_bytes
from schedules.ical.stamps import RowStamp, Stamp, digest_of, digest_of_values, stamped
from schedules.ical.values import CalendarEvent
from schedules.ical.visit_entry import ShownVisit
from schedules.models import CalendarChunk, FeedShown
from schedules.selectors.feeds.content import ShownPeople
from schedules.selectors.store.rows_once import keep_rows
from schedules.services.feeds.bodies import Body, KeptEntry, digest_of_entries, with_starts
from schedules.services.feeds.stamps import EDITION, visit_stamps, window_stamps
from trials.spoken import say

_SIZE = 16
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_VISITS = "vbt"
"""How the keys of a visit's entries begin."""


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """What is asked for: the content that somebody chose, links to participants, the day and the instant.

    `rooms` is the digest of what rooms are called, where it was read already.
    """

    content: FeedContent
    links: str
    today: date
    now: datetime
    rooms: str = ""

    @property
    def style(self) -> str:
        """The name of the chunks that answer it."""
        return self.content.style(self.links)


def drop_unused_chunks() -> int:
    """Delete the chunks of styles that no subscription which still works has; give how many."""
    used = FeedShown.objects.filter(feed__revoked_at=None).values("style")
    return CalendarChunk.objects.exclude(style__in=used).delete()[0]


def visits_as_entries(visits: Collection[int], request: EntryRequest) -> list[Entry]:
    """Give the entries of these visits (ids) alone, for a file; a constant number of queries."""
    participants = Participant.objects.filter(visits__in=visits).values_list("pk", flat=True)
    people = ShownPeople(sorted(set(participants)), only=visits)
    found = _entries_of(people, request, None).values()
    return [entry for by_visit in found for entries in by_visit.values() for entry in entries]


def render_chunks(
    bases: Mapping[int, str], before: Mapping[int, Body], request: EntryRequest
) -> list[CalendarChunk]:
    """Render what changed of these participants, keep their chunks and give them; `bases` by their ids.

    `before` are the chunks that they had. A visit whose rows are those that its entries were made from keeps
    them, and is not even looked at.
    """
    people = ShownPeople(list(bases), windows=request.content.protocol_windows)
    kept = {pk: _Kept.of(body) for pk, body in before.items()}
    sources = people.sources(f"{EDITION} {RENDERER}")
    same = _unchanged(people, kept, sources, request.today)
    entries = _entries_of(people, request, request.today, but=same)
    chunks = []
    for pk, basis in sorted(bases.items()):
        if pk not in people.people:  # deleted meanwhile
            continue
        order = [visit.pk for visit in people.stored if visit.participant_id == pk]
        made = _Made(order, entries[pk], kept.get(pk), same, sources)
        chunks.append(_chunk(pk, basis, request.style, made))
    keep_rows(chunks, unique=("style", "participant_id"))
    return chunks


@dataclass(slots=True)
class _Kept:
    """The entries of a stored chunk with their bytes, by their keys."""

    by_key: dict[str, tuple[KeptEntry, bytes]] = field(default_factory=dict)
    of_visit: dict[int, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, chunk: Body) -> _Kept:
        """Take a stored chunk apart."""
        kept = cls()
        for start, one in with_starts(chunk.entries):
            kept.by_key[one.key] = one, chunk.body[start : start + one.size]
            if one.key[0] in _VISITS:
                kept.of_visit.setdefault(int(one.key[1:]), []).append(one.key)
        return kept


def _unchanged(
    people: ShownPeople, kept: Mapping[int, _Kept], sources: Mapping[int, str], today: date
) -> frozenset[int]:
    """Give the visits (ids) whose entries are kept: made from the same rows, with the same stamp."""
    same = set()
    for visit in people.stored:
        of_person = kept.get(visit.participant_id)
        keys = of_person.of_visit.get(visit.pk, ()) if of_person else ()
        if not of_person or not keys or not visit.stamp or visit.is_gone(today):
            continue
        found = [of_person.by_key[key][0] for key in keys]
        at = int(visit.stamp.changed_at.timestamp())
        if all(one.source == sources[visit.pk] and (one.key[0] != "v" or one.stamp == at) for one in found):
            same.add(visit.pk)
    return frozenset(same)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a chunk is made of: its visits in order, what was rendered of them, and what is kept."""

    order: Sequence[int]
    entries: Mapping[int, Sequence[Entry]]
    kept: _Kept | None
    same: frozenset[int]
    sources: Mapping[int, str]


def _parts(made: _Made) -> Iterator[tuple[KeptEntry, bytes]]:
    """The entries of a chunk with their bytes, in order."""
    known = made.kept or _Kept()
    for visit in made.order:
        if visit in made.same:
            yield from (known.by_key[key] for key in known.of_visit[visit])
        else:
            yield from (_part(one, known, made.sources[visit]) for one in made.entries.get(visit, ()))
    yield from (_part(one, known, "") for one in made.entries.get(_WINDOWS, ()))


def _chunk(participant: int, basis: str, style: str, made: _Made) -> CalendarChunk:
    """Give a participant's chunk: bytes that it has already are taken from it."""
    parts = list(_parts(made))
    kept = [one for one, _body in parts]
    gone = [one.gone for one in kept if one.gone]
    return CalendarChunk(
        participant_id=participant,
        style=style,
        basis=basis,
        digest=digest_of_entries([_named(style, participant), *kept]),
        first=date.fromordinal(min(one.first for one in kept)) if kept else None,
        last=date.fromordinal(max(one.last for one in kept)) if kept else None,
        until=date.fromordinal(min(gone)) if gone else None,
        entries=json.dumps(kept, separators=(",", ":")),
        body=b"".join(body for _one, body in parts),
    )


def _named(style: str, participant: int) -> KeptEntry:
    """Stand in a digest for whose chunk it is and in which style, since bodies are held by it."""
    return KeptEntry(f"{style} {participant}", "", 0, 0, 0, 0, 0)


def _part(entry: Entry, known: _Kept, source: str) -> tuple[KeptEntry, bytes]:
    digest, stamp = _fingerprint(entry), int(entry.event.changed_at.timestamp())
    old = known.by_key.get(entry.key)
    if old and old[0].digest == digest:
        body, stamp = old[1], old[0].stamp
    else:
        body = event_bytes(entry.event)
    first, last = (day.toordinal() for day in entry.days)
    gone = entry.gone_on.toordinal() if entry.gone_on else 0
    return KeptEntry(entry.key, digest, first, last, gone, len(body), stamp, source), body


def _fingerprint(entry: Entry) -> str:
    """Give the digest of what an entry shows.

    One that stands beside a visit's own has the visit's stamp, and changes less often: it keeps the stamp
    with which it was rendered until it shows something else.
    """
    event = entry.event
    if entry.key[0] in BESIDE:
        event = replace(event, sequence=0, changed_at=_NEVER)
    return hashlib.sha256(f"{RENDERER} {event!r}".encode()).hexdigest()[:_SIZE]


_WINDOWS = 0
"""Under which the entries of protocol windows stand, since no visit has this id."""


def _entries_of(
    people: ShownPeople, request: EntryRequest, today: date | None, but: Collection[int] = ()
) -> dict[int, dict[int, list[Entry]]]:
    """Give the entries of participants with their stamps, in the language of the subscription.

    By participant and visit (ids), without the visits in `but` and those that are gone by `today`; a file,
    which shows what was asked for, gives no day. A stamp is of what is shown in every language: the same
    entry has the same one in each.
    """
    visits: dict[str, list[tuple[int, ShownVisit]]] = {}
    windows: dict[str, list[tuple[int, ShownWindow]]] = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            visits[code] = list(people.visits(today, request.links, say, but=but))
            windows[code] = list(people.windows(request.links, say))
    language = request.content.language
    found: dict[int, dict[int, list[Entry]]] = defaultdict(dict)
    with translation.override(language):
        stamps = visit_stamps(_visit_digests(visits), people.stamps, request.now)
        for pk, visit in visits[language]:
            found[pk][visit.pk] = list(visit_entries(stamped(visit, stamps[visit.pk]), request.content, say))
        kept = window_stamps(_window_digests(windows), request.now)
        for pk, window in windows[language]:
            entry = window_entry(_stamped_window(window, kept[window.pk]), request.content, say)
            found[pk].setdefault(_WINDOWS, []).append(entry)
    return found


def _stamped_window(window: ShownWindow, stamp: Stamp) -> ShownWindow:
    return replace(window, sequence=stamp.sequence, changed_at=stamp.changed_at)


def _visit_digests(visits: Mapping[str, Sequence[tuple[int, ShownVisit]]]) -> dict[int, tuple[str, RowStamp]]:
    """Give for each visit the digest of what is shown of it in all languages, and the stamp of its row."""
    written: dict[int, list[list[CalendarEvent]]] = defaultdict(list)
    rows = {}
    for code, edition in visits.items():
        with translation.override(code):
            for _pk, visit in edition:
                written[visit.pk].append(all_entries(visit, say))
                rows[visit.pk] = RowStamp(visit.sequence, visit.changed_at)
    return {pk: (digest_of(*events), rows[pk]) for pk, events in written.items()}


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
