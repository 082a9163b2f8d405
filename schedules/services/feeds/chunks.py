"""Rendered entries, kept: an event is rendered when what it shows changes, and joined afterwards."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation

from participants.models import Participant
from schedules.domain.feeds import FeedContent
from schedules.ical.entries import Entry, ShownWindow, visit_entries, window_entry
from schedules.ical.render import RENDERER, event_bytes
from schedules.ical.stamps import RowStamp, digest_of, digest_of_values, stamped
from schedules.ical.visits import ShownVisit
from schedules.models import CalendarChunk, FeedShown
from schedules.selectors.exchange.feed_content import ShownPeople
from schedules.selectors.exchange.feeds import bases_of
from schedules.services.feeds.stamps import EDITION, visit_stamps, window_stamps
from trials.spoken import say

_MANY = 500
_HEADER = ("participant", "basis", "digest", "first", "last", "until")
_SIZE = 16


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: the content that somebody chose, links to participants, the day and the instant."""

    content: FeedContent
    links: str
    today: date
    now: datetime

    @property
    def style(self) -> str:
        """The name of the chunks that answer it."""
        return self.content.style(self.links)


Kept = tuple[str, str, int, int, int, int]
"""An entry in a chunk: key, digest, first and last day and the day it is gone (ordinals, 0: never), size."""


@dataclass(frozen=True, slots=True)
class _Header:
    """A chunk without its bytes."""

    participant: int
    basis: str
    digest: str
    first: date | None
    last: date | None
    until: date | None

    def is_whole(self, ask: Ask) -> bool:
        """Whether all of its entries are shown on this day."""
        if self.first is None or self.last is None:
            return True
        content = ask.content
        if self.until is not None and self.until <= ask.today:
            return False
        return content.shows(self.first, self.first, ask.today) and content.shows(
            self.last, self.last, ask.today
        )


def digest_of_chunks(people: QuerySet[Participant], ask: Ask) -> str:
    """Give the digest of the entries of these participants, and render first what has changed.

    Two queries; eight more, for each five hundred participants, where something has.
    """
    bases = bases_of(people, f"{EDITION} {RENDERER}")
    headers = _headers(people, ask.style)
    stale = [pk for pk, basis in bases.items() if pk not in headers or headers[pk].basis != basis]
    for start in range(0, len(stale), _MANY):
        part = stale[start : start + _MANY]
        _render({pk: bases[pk] for pk in part}, ask)
    if stale:
        headers = _headers(people, ask.style)
    digest = hashlib.sha256()
    partial = [pk for pk in bases if pk in headers and not headers[pk].is_whole(ask)]
    shown = dict(_shown_digests(partial, ask)) if partial else {}
    for pk in bases:
        if pk in headers:
            digest.update(f"{pk} {shown.get(pk) or headers[pk].digest}\n".encode())
    return digest.hexdigest()


def joined(people: QuerySet[Participant], ask: Ask) -> bytes:
    """Join the entries of these participants that are shown on this day; two queries.

    A chunk that was dropped since it was looked at is rendered again: phones delete what is not there.
    """
    parts = _parts(people, ask)
    if len(parts) != people.count():
        digest_of_chunks(people, ask)
        parts = _parts(people, ask)
    return b"".join(parts)


def _parts(people: QuerySet[Participant], ask: Ask) -> list[bytes]:
    rows = CalendarChunk.objects.filter(style=ask.style, participant__in=people).order_by("participant")
    return [
        bytes(body) if _Header(*header).is_whole(ask) else b"".join(_shown(entries, body, ask))
        for *header, entries, body in rows.values_list(*_HEADER, "entries", "body")
    ]


def drop_unused_chunks() -> int:
    """Delete the chunks of styles that no subscription which still works has; give how many."""
    used = FeedShown.objects.filter(feed__revoked_at=None).values("style")
    return CalendarChunk.objects.exclude(style__in=used).delete()[0]


def _headers(people: QuerySet[Participant], style: str) -> dict[int, _Header]:
    rows = CalendarChunk.objects.filter(style=style, participant__in=people).values_list(*_HEADER)
    return {row[0]: _Header(*row) for row in rows}


def _shown_digests(participants: Sequence[int], ask: Ask) -> Iterator[tuple[int, str]]:
    """Give the digests of what is shown of chunks of which some entries are not."""
    for start in range(0, len(participants), _MANY):
        rows = CalendarChunk.objects.filter(
            style=ask.style, participant__in=participants[start : start + _MANY]
        )
        for pk, entries in rows.values_list("participant", "entries"):
            kept = [one for one in json.loads(entries) if _is_shown(one, ask)]
            yield pk, _digest(kept)


def _digest(kept: Sequence[Kept]) -> str:
    return digest_of_values(kept)[:32]


def _shown(entries: str, body: bytes, ask: Ask) -> Iterator[bytes]:
    start = 0
    for one in json.loads(entries):
        end = start + one[5]
        if _is_shown(one, ask):
            yield bytes(body[start:end])
        start = end


def _is_shown(one: Kept, ask: Ask) -> bool:
    _key, _digest, first, last, gone, _length = one
    if gone and gone <= ask.today.toordinal():
        return False
    return ask.content.shows(date.fromordinal(first), date.fromordinal(last), ask.today)


def _render(bases: Mapping[int, str], ask: Ask) -> None:
    """Render what changed of these participants, and keep the rest of their chunks as it is."""
    entries = _entries(bases, ask)
    old = {
        row.participant_id: row
        for row in CalendarChunk.objects.filter(style=ask.style, participant__in=list(bases))
    }
    chunks = [_chunk(pk, basis, entries[pk], old.get(pk), ask.style) for pk, basis in sorted(bases.items())]
    with transaction.atomic():
        CalendarChunk.objects.bulk_create(
            chunks,
            batch_size=100,
            update_conflicts=True,
            unique_fields=["style", "participant"],
            update_fields=["basis", "digest", "first", "last", "until", "entries", "body"],
        )


def visits_as_entries(visits: Collection[int], ask: Ask) -> list[Entry]:
    """Give the entries of these visits (ids) alone, for a file; a constant number of queries."""
    participants = Participant.objects.filter(visits__in=visits).values_list("pk", flat=True)
    people = ShownPeople(sorted(set(participants)), only=visits)
    return [entry for entries in _entries_of(people, ask).values() for entry in entries]


def _entries(participants: Collection[int], ask: Ask) -> dict[int, list[Entry]]:
    return _entries_of(ShownPeople(list(participants), windows=ask.content.protocol_windows), ask)


def _entries_of(people: ShownPeople, ask: Ask) -> dict[int, list[Entry]]:
    """Give the entries of participants with their stamps, in the language of the subscription.

    A stamp is of what is shown in every language: the same entry has the same one in each.
    """
    visits: dict[str, list[tuple[int, ShownVisit]]] = {}
    windows: dict[str, list[tuple[int, ShownWindow]]] = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            visits[code] = list(people.visits(ask.today, ask.links, say))
            windows[code] = list(people.windows(ask.links, say))
    language = ask.content.language
    found: dict[int, list[Entry]] = defaultdict(list)
    with translation.override(language):
        stamps = visit_stamps(_visit_digests(visits), ask.now)
        for pk, visit in visits[language]:
            found[pk] += visit_entries(stamped(visit, stamps[visit.pk]), ask.content, say)
        if windows[language]:
            kept = window_stamps(_window_digests(windows), ask.now)
            for pk, window in windows[language]:
                stamp = kept[window.pk]
                now = replace(window, sequence=stamp.sequence, changed_at=stamp.changed_at)
                found[pk].append(window_entry(now, ask.content, say))
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


def _chunk(
    participant: int, basis: str, entries: Sequence[Entry], old: CalendarChunk | None, style: str
) -> CalendarChunk:
    """Give a participant's chunk: bytes that it has already are taken from it."""
    known, start = {}, 0
    if old:
        for key, digest, _first, _last, _gone, length in json.loads(old.entries):
            known[key, digest] = bytes(old.body[start : start + length])
            start += length
    bodies, kept = [], []
    for entry in entries:
        digest = hashlib.sha256(f"{RENDERER} {entry.event!r}".encode()).hexdigest()[:_SIZE]
        body = known.get((entry.key, digest)) or event_bytes(entry.event)
        first, last = (day.toordinal() for day in entry.days)
        gone = entry.gone_on.toordinal() if entry.gone_on else 0
        kept.append((entry.key, digest, first, last, gone, len(body)))
        bodies.append(body)
    body = b"".join(bodies)
    leaving = [entry.gone_on for entry in entries if entry.gone_on]
    return CalendarChunk(
        participant_id=participant,
        style=style,
        basis=basis,
        digest=_digest(kept),
        first=min((entry.days[0] for entry in entries), default=None),
        last=max((entry.days[1] for entry in entries), default=None),
        until=min(leaving, default=None),
        entries=json.dumps(kept, separators=(",", ":")),
        body=body,
    )
