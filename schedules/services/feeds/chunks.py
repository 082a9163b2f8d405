"""The entries of a calendar, joined from the chunks of its participants."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from schedules.ical.render import RENDERER
from schedules.models import CalendarChunk
from schedules.selectors.feeds.stored_chunks import bases_of, rooms_statement, stored_chunks
from schedules.selectors.feeds.subscriptions import Shown
from schedules.selectors.store.rows_once import rows_of
from schedules.services.feeds.bodies import Bodies, Body, Piece
from schedules.services.feeds.rendering import EntryRequest, render_chunks
from schedules.services.feeds.stamps import EDITION

_MANY = 500
_BODIES = Bodies(32 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Chunks:
    """The chunks of a calendar on a day: by their participants (ids), and those that are cut."""

    digests: dict[int, str]
    pieces: dict[int, Piece]
    request: EntryRequest

    @property
    def digest(self) -> str:
        """The digest of all that is shown."""
        shown = {**self.digests, **{pk: piece.digest for pk, piece in self.pieces.items()}}
        return hashlib.sha256("\n".join(shown.values()).encode()).hexdigest()


def chunks_of(people: Shown, request: EntryRequest) -> Chunks:
    """Look up the chunks of these participants, and render first what has changed.

    Two queries; ten more, for each five hundred participants, where something has.
    """
    edition = f"{EDITION} {RENDERER} {_rooms_digest()}"
    found = stored_chunks(people, request.style, edition, request.content, request.today)
    digests, partial = found.digests, set(found.partial)
    stale = list(found.stale.items())
    for start in range(0, len(stale), _MANY):
        bases = dict(stale[start : start + _MANY])
        made = render_chunks(bases, request)
        _BODIES.put((one.digest, bytes(one.body), one.entries) for one in made)
        digests |= {one.participant_id: one.digest for one in made}
        partial -= set(bases)
        partial |= {one.participant_id for one in made if _is_partial(one, request)}
    if stale:  # anybody who was deleted meanwhile has no chunk
        digests = {pk: digest for pk, digest in digests.items() if digest}
    bodies = _bodies({pk: digests[pk] for pk in partial}, request) if partial else {}
    pieces = {pk: body.shown(request.content, request.today) for pk, body in bodies.items()}
    return Chunks(digests, pieces, request)


def joined(chunks: Chunks) -> list[bytes]:
    """Give the entries of all participants that are shown, by their ids, to be joined."""
    return [body for body, _whole in _parts(chunks)]


def deflated_parts(chunks: Chunks) -> list[tuple[bytes, bytes]]:
    """Give the same, each with its compressed block."""
    return [(body, whole.deflated(body)) for body, whole in _parts(chunks)]


def _parts(chunks: Chunks) -> Iterable[tuple[bytes, Body]]:
    bodies = _bodies(chunks.digests, chunks.request)
    for pk in chunks.digests:
        body = chunks.pieces[pk].body if pk in chunks.pieces else bodies[pk].body
        if body:
            yield body, bodies[pk]


def _bodies(digests: dict[int, str], request: EntryRequest) -> dict[int, Body]:
    """Give the bytes of chunks by their participants (ids): from this process, else as they are stored.

    A chunk that was dropped since it was looked at is rendered again: phones delete what is not there.
    """
    here = _BODIES.get(digests.values())
    found = {pk: here[digest] for pk, digest in digests.items() if digest in here}
    missing = [pk for pk in digests if pk not in found]
    for start in range(0, len(missing), _MANY):
        wanted = missing[start : start + _MANY]
        rows = _chunk_rows(wanted, request.style)
        dropped = sorted(set(wanted) - {one.participant_id for one in rows})
        if dropped:
            edition = f"{EDITION} {RENDERER} {_rooms_digest()}"
            rows += render_chunks(bases_of(dropped, edition), request)
        read = _BODIES.put((one.digest, bytes(one.body), one.entries) for one in rows)
        found |= {one.participant_id: read[one.digest] for one in rows}
    return found


def _chunk_rows(participants: list[int], style: str) -> list[CalendarChunk]:
    return rows_of(CalendarChunk, participants, column="participant_id", where=("style", style))


def _is_partial(chunk: CalendarChunk, request: EntryRequest) -> bool:
    content, today = request.content, request.today
    if chunk.first is None or chunk.last is None:
        return False
    gone = chunk.until is not None and chunk.until <= today
    back = content.days_back is not None and (today - chunk.first).days > content.days_back
    ahead = content.days_ahead is not None and (chunk.last - today).days > content.days_ahead
    return gone or back or ahead


def _rooms_digest() -> str:
    """Give the digest of what rooms, beds and slots are called and how long they are taken; one query."""
    with connection.cursor() as cursor:
        cursor.execute(rooms_statement())
        text = "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())
    return hashlib.sha256(text.encode()).hexdigest()[:16]
