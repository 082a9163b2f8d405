"""The entries of a calendar, joined from the chunks of its participants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from schedules.ical.render import RENDERER
from schedules.models import CalendarChunk
from schedules.selectors.feeds.stored_chunks import bases_of, rooms_now, stored_chunks
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

    One query; five to seven more, for each five hundred participants, where something has.
    """
    edition = _edition(request)
    found = stored_chunks(people, request.style, edition, request.content, request.today)
    digests, partial = found.digests, set(found.partial)
    stale = list(found.stale.items())
    for start in range(0, len(stale), _MANY):
        bases = dict(stale[start : start + _MANY])
        before = _stored({pk: digests[pk] for pk in bases if digests.get(pk)}, request.style)
        made = render_chunks(bases, before, request)
        _BODIES.put((one.digest, bytes(one.body), one.entries) for one in made)
        digests |= {one.participant_id: one.digest for one in made}
        partial -= set(bases)
        partial |= {one.participant_id for one in made if _is_partial(one, request)}
    if stale:  # anybody who was deleted meanwhile has no chunk
        digests = {pk: digest for pk, digest in digests.items() if digest}
    pieces = _pieces({pk: digests[pk] for pk in partial}, request) if partial else {}
    return Chunks(digests, pieces, request)


def _pieces(digests: dict[int, str], request: EntryRequest) -> dict[int, Piece]:
    """What is shown of chunks of which not all is, by the participant."""
    bodies = _bodies(digests, request)
    return {pk: body.shown(request.content, request.today) for pk, body in bodies.items()}


def joined(chunks: Chunks) -> list[bytes]:
    """Give the entries of all participants that are shown, by their ids, to be joined."""
    bodies, pieces = _bodies(chunks.digests, chunks.request), chunks.pieces
    return [pieces[pk].body if pk in pieces else body.body for pk, body in bodies.items()]


def deflated_parts(chunks: Chunks) -> list[tuple[bytes, bytes]]:
    """Give the same, each with its compressed block."""
    whole = _bodies(chunks.digests, chunks.request).values()
    parts = zip(joined(chunks), whole, strict=True)
    return [(part, body.deflated(part)) for part, body in parts if part]


def _bodies(digests: dict[int, str], request: EntryRequest) -> dict[int, Body]:
    """Give the bytes of chunks by their participants (ids), in the same order.

    A chunk that was dropped since it was looked at is rendered again: phones delete what is not there.
    """
    found = _stored(digests, request.style)
    dropped = [pk for pk in digests if pk not in found]
    for start in range(0, len(dropped), _MANY):
        bases = bases_of(dropped[start : start + _MANY], _edition(request))
        rows = render_chunks(bases, {}, request)
        read = _BODIES.put((one.digest, bytes(one.body), one.entries) for one in rows)
        found |= {one.participant_id: read[one.digest] for one in rows}
    return {pk: found[pk] for pk in digests if pk in found} if dropped else found


def _stored(digests: dict[int, str], style: str) -> dict[int, Body]:
    """Give the chunks that are there: from this process, else as they are stored, in the same order."""
    here = _BODIES.get(digests.values())
    missing = [pk for pk, digest in digests.items() if digest not in here]
    if not missing:
        return {pk: here[digest] for pk, digest in digests.items()}
    found = {pk: here[digest] for pk, digest in digests.items() if digest in here}
    for start in range(0, len(missing), _MANY):
        wanted = missing[start : start + _MANY]
        rows = rows_of(CalendarChunk, wanted, column="participant_id", where=("style", style))
        read = _BODIES.put((one.digest, bytes(one.body), one.entries) for one in rows)
        found |= {one.participant_id: read[one.digest] for one in rows}
    return {pk: found[pk] for pk in digests if pk in found}


def _edition(request: EntryRequest) -> str:
    """Name what else decides what is shown: the software, and what rooms are called."""
    return f"{EDITION} {RENDERER} {request.rooms or rooms_now()}"


def _is_partial(chunk: CalendarChunk, request: EntryRequest) -> bool:
    content, today = request.content, request.today
    if chunk.first is None or chunk.last is None:
        return False
    gone = chunk.until is not None and chunk.until <= today
    back = content.days_back is not None and (today - chunk.first).days > content.days_back
    ahead = content.days_ahead is not None and (chunk.last - today).days > content.days_ahead
    return gone or back or ahead
