"""The hash chain over the audit trail, so that another program can check it (docs/audit.md).

The bytes of an entry are its fields as text, in the order of FIELDS, joined by U+001F; a missing
value is empty. The link of an entry is SHA-256 over the hash before it (64 hex digits, zeros at the
start) followed by those bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from trials.domain.errors import DomainError

START = "0" * 64
SEPARATOR = "\x1f"
# Every link that was ever sealed was made of these fields in this order: one more, or one moved, and no
# chain can be checked any longer.
FIELDS = (
    "id", "at", "act", "actor_id", "actor", "roles", "cause", "reason", "action", "model", "object_id",
    "trial_id", "site_id", "participant_id", "old", "new",
)  # fmt: skip

CLOCK_SLACK = timedelta(minutes=5)
"""How far two entries' times may run against their numbers: a clock is corrected, a writer waits."""

Entry = Sequence[Any]


class HeadsAtOdds(DomainError):
    """The chain does not hold the newest head that left: it was restored from a backup, or rewritten."""

    def __init__(self, handed: int, end: int) -> None:
        self.handed, self.end = handed, end
        super().__init__(
            f"A head was handed out for link {handed}, and the chain, which ends at link {end}, does not "
            "hold it. Nothing is sealed. If a backup was restored, open a new epoch: "
            'manage.py open_audit_epoch --reason "…"; else find out who rewrote the trail.'
        )


class EpochImpossible(DomainError):
    """An epoch cannot be opened so; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong in the chain: where, which entry, and what was found."""

    link: int
    entry: int | None
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a sealed stretch: the number of its last link and that link's hash; in which epoch."""

    last: int
    hash: str
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """A new beginning that somebody gave a reason for: the chain goes on after link `after`."""

    number: int
    after: int


@dataclass(frozen=True, slots=True)
class Stray:
    """An entry that does not continue the chain, and why not."""

    entry: int
    why: str


@dataclass(slots=True)
class Continuation:
    """What may follow the end of the chain, by what the database itself says of its clock and its counter.

    `last_entry` and `latest` are the greatest number sealed and its time (0 and None for a chain that
    begins), `now` is the database's time, `highest` the last number it gave (None where it does not say).
    """

    last_entry: int
    latest: datetime | None
    now: datetime
    highest: int | None = None
    strays: list[Stray] = field(default_factory=list)

    def taken(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Give the entries that continue the chain; the others are put among the strays."""
        for entry in entries:
            why = self._objection(entry)
            if why:
                self.strays.append(Stray(entry[0], why))
            else:
                yield entry

    def _objection(self, entry: Entry) -> str:
        if entry[0] <= self.last_entry:
            return f"its number is not above {self.last_entry}, the last that was sealed"
        if self.highest is not None and entry[0] > self.highest:
            return f"its number is above {self.highest}, the last that the database gave"
        try:
            at = datetime.fromisoformat(entry[1])
        except (TypeError, ValueError):
            return "it has no time"
        if at > self.now + CLOCK_SLACK:
            return f"its time, {entry[1]}, has not come yet"
        if self.latest is not None and at < self.latest - CLOCK_SLACK:
            return f"its time, {entry[1]}, is before that of the entries before it"
        self.latest = at if self.latest is None else max(at, self.latest)
        return ""


def standing_heads(heads: Iterable[Head], epochs: Sequence[Epoch]) -> list[Head]:
    """Give the heads that the chain must still meet: none of what a restore has lost."""
    return [
        head
        for head in heads
        if not any(epoch.number > head.epoch and epoch.after < head.last for epoch in epochs)
    ]


def epoch_of(link: int, epochs: Iterable[Epoch]) -> int:
    """Give the number of the epoch in which a link was made; 0 before the first."""
    return max((epoch.number for epoch in epochs if epoch.after < link), default=0)


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
    """Yield the hash of each entry in turn, made with the hash before it; the first with `previous`."""
    for entry in entries:
        previous = next_hash(previous, entry)
        yield previous


def first_fault(links: Iterable[LinkedEntry], heads: Iterable[Head]) -> Fault | None:
    """Walk the chain from its start; the first link that does not fit, or head that is not met.

    `links` come by their numbers; `heads` are what was handed to the outside, in any order.
    """
    expected: dict[int, set[str]] = defaultdict(set)
    for head in heads:
        expected[head.last].add(head.hash)
    previous, number, last_entry = START, 0, None
    for link in links:
        number += 1
        found, last_entry, found_hash, entry = link
        if found != number or entry is None or next_hash(previous, entry) != found_hash:
            return _fault_at(link, number)
        if number in expected and expected[number] != {found_hash}:
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
