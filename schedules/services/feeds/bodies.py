"""The bytes of chunks as this process holds them: whole, cut to what is shown, and compressed.

A chunk is named by the digest of its entries, so that what is held is true for ever. Compressed bytes are
held for each chunk as well: a compressed calendar is joined like a plain one, and nothing compressed twice.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from threading import Lock
from typing import Any, NamedTuple

from schedules.domain.feeds import FeedContent

_NAMES = 32
# Without a time, so that a calendar that has not changed is the same bytes from every process (RFC 1952).
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_GZIP_LAST = b"\x03\x00"
"""An empty last block of deflated data."""
_LEVEL = 6
# A gzip member ends with its size in 32 bits.
_BOTH = 0xFFFFFFFF


class KeptEntry(NamedTuple):
    """An entry in a chunk, in the order in which it is stored.

    Its key, the digest of what it shows, its first and last day and the day it is gone (ordinals, 0: never),
    its size in bytes, its stamp in seconds, and the digest of the rows that it was made from.
    """

    key: str
    digest: str
    first: int
    last: int
    gone: int
    size: int
    stamp: int
    source: str = ""


def digest_of_entries(entries: Iterable[KeptEntry]) -> str:
    """Give the digest of what these entries of one participant show, when, and with which stamps.

    Without the rows that they were made from: those may change and show the same.
    """
    names = "\n".join(
        f"{one.key} {one.digest} {one.stamp} {one.first} {one.last} {one.gone} {one.size}" for one in entries
    )
    return hashlib.sha256(names.encode()).hexdigest()[:_NAMES]


def entries_in(text: str) -> list[KeptEntry]:
    """Read the entries that a chunk stores."""
    return [KeptEntry(*one) for one in json.loads(text)]


def with_starts(entries: Sequence[KeptEntry]) -> Iterator[tuple[int, KeptEntry]]:
    """Each entry with where its bytes begin."""
    start = 0
    for one in entries:
        yield start, one
        start += one.size


class Piece(NamedTuple):
    """Bytes, and the digest of the entries in them."""

    digest: str
    body: bytes


class Body:
    """The bytes of one chunk, and what was made of them.

    Threads share it: calendars of one style, each with other days, cut and compress the same chunk at once.
    So what was made is read once into a name of its own, and given from there.
    """

    __slots__ = ("_cut", "_deflated", "_entries", "_text", "body")

    def __init__(self, body: bytes, entries: str) -> None:
        """Hold a chunk's bytes with its entries as they are stored."""
        self.body, self._text = body, entries
        self._entries: list[KeptEntry] | None = None
        self._cut: tuple[object, Piece] | None = None
        self._deflated: tuple[bytes, bytes] | None = None

    @property
    def entries(self) -> list[KeptEntry]:
        """The entries in it, read when they are first asked for."""
        entries = self._entries
        if entries is None:
            entries = self._entries = entries_in(self._text)
        return entries

    def shown(self, content: FeedContent, today: date) -> Piece:
        """Cut out what is shown on this day: neither too far away nor gone by then."""
        asked = (content.days_back, content.days_ahead, today)
        cut = self._cut
        if cut is None or cut[0] != asked:
            kept = [
                (start, one) for start, one in with_starts(self.entries) if _is_shown(one, content, today)
            ]
            body = b"".join(self.body[start : start + one.size] for start, one in kept)
            cut = self._cut = asked, Piece(digest_of_entries(one for _start, one in kept), body)
        return cut[1]

    def deflated(self, body: bytes) -> bytes:
        """Compress bytes that were cut from this chunk, so that other compressed bytes may follow."""
        made = self._deflated
        if made is None or made[0] is not body:
            made = self._deflated = body, deflated(body)
        return made[1]


def _is_shown(one: KeptEntry, content: FeedContent, today: date) -> bool:
    if one.gone and one.gone <= today.toordinal():
        return False
    return content.shows(date.fromordinal(one.first), date.fromordinal(one.last), today)


def deflated(body: bytes) -> bytes:
    """Compress bytes into whole blocks that know nothing of what stands before them."""
    made = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return made.compress(body) + made.flush(zlib.Z_FULL_FLUSH)


def gzipped(parts: Sequence[bytes], blocks: Sequence[bytes]) -> bytes:
    """Join blocks of `deflated` to one gzip member, which every client reads; `parts` are the plain bytes."""
    checked, size = 0, 0
    for part in parts:
        checked, size = zlib.crc32(part, checked), size + len(part)
    return b"".join([_GZIP_HEAD, *blocks, _GZIP_LAST, struct.pack("<II", checked, size & _BOTH)])


class Bodies:
    """The chunks that this process joined lately, by their digests, so that few are read again."""

    def __init__(self, most: int) -> None:
        """Hold at most so many bytes of chunks, and about as many again of what was made of them."""
        self._most, self._size = most, 0
        self._kept: OrderedDict[str, Body] = OrderedDict()
        self._lock = Lock()

    def get(self, digests: Iterable[str]) -> dict[str, Body]:
        """Give those of the chunks that are here."""
        with self._lock:
            found = {digest: self._kept[digest] for digest in digests if digest in self._kept}
            for digest in found:
                self._kept.move_to_end(digest)
        return found

    def put(self, rows: Iterable[tuple[str, bytes, str]]) -> dict[str, Body]:
        """Hold chunks (digest, bytes, entries), and let those go that were not asked for longest."""
        made = {digest: Body(body, entries) for digest, body, entries in rows}
        with self._lock:
            for digest, body in made.items():
                old: Any = self._kept.pop(digest, None)
                self._size += len(body.body) - (len(old.body) if old else 0)
                self._kept[digest] = body
            while self._size > self._most and self._kept:
                self._size -= len(self._kept.popitem(last=False)[1].body)
        return made
