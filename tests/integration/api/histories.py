"""What a history of writes must show: each made on the version before it, and none written over unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Write:
    """One write that was taken: by whom, of which record, on which version, and the version that it made."""

    who: str
    record: int
    read: int
    made: int


def lost_updates(history: Sequence[Write]) -> list[str]:
    """Name each write that went over another one unseen: two on one version, or one on an older one."""
    found = []
    for (record, read), count in Counter((one.record, one.read) for one in history).items():
        if count > 1:
            who = sorted(one.who for one in history if (one.record, one.read) == (record, read))
            found.append(f"record {record}: {', '.join(who)} wrote on version {read}")
    for record in {one.record for one in history}:
        chain = sorted((one for one in history if one.record == record), key=lambda one: one.made)
        for before, after in pairwise(chain):
            if after.read < before.made:
                found.append(
                    f"record {record}: {after.who} wrote on {after.read} after {before.made} was made"
                )
    return found
