"""The hash chain over the audit trail, so that another program can check it (docs/audit.md).

The bytes of an entry are its fields as text, in the order of FIELDS, joined by U+001F; a missing
value is empty. The link of an entry is SHA-256 over the hash before it (64 hex digits, zeros at the
start) followed by those bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

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


class LinkedEntry(NamedTuple):
    """A link as it stands in the database, with its entry's fields; None where the entry is gone.

    A plain tuple, since a million of them are made.
    """

    number: int
    entry_id: int
    hash: str
    entry: Entry | None


def next_hash(previous: str, entry: Entry) -> str:
    """The hash of the link that follows `previous` for this entry: of the former and the entry's bytes."""
    text = SEPARATOR.join(["" if value is None else str(value) for value in entry])
    return sha256((previous + text).encode()).hexdigest()


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
        found, last_entry, found_hash, entry = link
        if found != number or entry is None or next_hash(previous, entry) != found_hash:
            return _fault_at(link, number)
        if number in expected and expected[number] != found_hash:
            message = "the chain up to here is not the one whose head was handed out: it was written again"
            return Fault(number, last_entry, "rewritten", message)
        previous = found_hash
    missing = max(expected, default=0)
    if missing > number:
        message = f"{missing - number} of {missing} sealed entries are cut off after entry {last_entry}"
        return Fault(number + 1, None, "cut off", message)
    return None


def _fault_at(link: LinkedEntry, number: int) -> Fault:
    if link.number != number:
        return Fault(number, None, "removed", f"link {number} is gone from the chain")
    if link.entry is None:
        return Fault(number, link.entry_id, "removed", f"entry {link.entry_id} is gone")
    return Fault(number, link.entry_id, "altered", f"entry {link.entry_id} is not what was sealed")
