"""The hash chain over the audit trail, so that another program can check it (docs/audit.md).

The bytes of an entry are its fields as text, in the order of FIELDS, joined by U+001F; a missing
value is empty. The link of an entry is SHA-256 over the hash before it (64 hex digits, zeros at the
start) followed by those bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

START = "0" * 64
SEPARATOR = "\x1f"
FIELDS = (
    "id", "at", "act", "actor_id", "actor", "roles", "cause", "reason", "action", "model", "object_id",
    "trial_id", "site_id", "participant_id", "old", "new",
)  # fmt: skip

Entry = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong in the chain: where, which entry, and what was found."""

    link: int
    entry: int | None
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a sealed stretch: the number of its last link and that link's hash."""

    last: int
    hash: str


@dataclass(frozen=True, slots=True)
class LinkedEntry:
    """A link as it stands in the database, with its entry's fields; None where the entry is gone."""

    number: int
    entry_id: int
    hash: str
    entry: Entry | None


def entry_bytes(entry: Entry) -> bytes:
    """The bytes of an entry that the chain covers."""
    return SEPARATOR.join(["" if value is None else str(value) for value in entry]).encode()


def next_hash(previous: str, entry: Entry) -> str:
    """The hash of the link that follows `previous` for this entry."""
    return sha256(previous.encode() + entry_bytes(entry)).hexdigest()


def chain(entries: Iterable[Entry], previous: str = START) -> Iterator[str]:
    """The hashes of entries in order, going on from the hash before them."""
    for entry in entries:
        previous = next_hash(previous, entry)
        yield previous


def first_fault(links: Iterable[LinkedEntry], heads: Iterable[Head]) -> Fault | None:
    """Walk the chain from its start; the first link that does not fit, or head that is not met.

    `links` come by their numbers; `heads` are what was handed to the outside, in any order.
    """
    expected = {head.last: head.hash for head in heads}
    previous, number, last_entry = START, 0, None
    for link in links:
        number += 1
        fault = _fault_at(link, number, previous)
        if fault is None and expected.get(number, link.hash) != link.hash:
            message = "the chain up to here is not the one whose head was handed out: it was written again"
            fault = Fault(number, link.entry_id, "rewritten", message)
        if fault:
            return fault
        previous, last_entry = link.hash, link.entry_id
    missing = max(expected, default=0)
    if missing > number:
        message = f"{missing - number} of {missing} sealed entries are cut off after entry {last_entry}"
        return Fault(number + 1, None, "cut off", message)
    return None


def _fault_at(link: LinkedEntry, number: int, previous: str) -> Fault | None:
    if link.number != number:
        return Fault(number, None, "removed", f"link {number} is gone from the chain")
    if link.entry is None:
        return Fault(number, link.entry_id, "removed", f"entry {link.entry_id} is gone")
    if next_hash(previous, link.entry) != link.hash:
        return Fault(number, link.entry_id, "altered", f"entry {link.entry_id} is not what was sealed")
    return None
