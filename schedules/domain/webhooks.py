"""When a webhook's message is tried again, when it is given up, and when all of its messages pause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""How long a message waits after each attempt; the last holds for all that follow."""

RESTS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5))
"""How long all messages of a webhook rest after THRESHOLD failures in a row, before one is tried."""

THRESHOLD = 3
"""One or two failures are a restart of the receiver; so many in a row are an outage."""

PATIENCE = timedelta(days=3)
"""For how long a message is tried: a receiver that fails on a Friday evening is mended on Monday."""

REFUSED_IN_A_ROW = 20
"""After so many messages that the receiver refused for good, it is not what it was: all pause."""

KEPT = timedelta(days=30)
"""How long a message that was taken can be looked at and sent again."""


class PauseReason(StrEnum):
    """Why nothing is sent."""

    BY_HAND = "by-hand"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    GONE = "gone"
    SECRET = "secret"  # noqa: S105  a word


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows a failure: until when the message waits (None: it is given up), the rest, the pause."""

    due_at: datetime | None
    rests_until: datetime | None = None
    pause: PauseReason | None = None


def after_failure(
    at: datetime, attempts: int, first: datetime, last_success: datetime | None, failures: int
) -> Outcome:
    """Say what follows an attempt that may succeed later.

    `attempts` and `first` are the message's own, this one included; `failures` are those of the webhook in a
    row. What fails for PATIENCE is given up where others got through meanwhile; else the webhook pauses, and
    nothing of it is lost.
    """
    rest = RESTS[min(failures - THRESHOLD, len(RESTS) - 1)] if failures >= THRESHOLD else None
    rests_until = at + rest if rest else None
    due_at = at + WAITS[min(attempts, len(WAITS)) - 1]
    if at - first < PATIENCE:
        return Outcome(due_at, rests_until)
    if last_success and last_success > first:
        return Outcome(None, rests_until)
    return Outcome(due_at, rests_until, PauseReason.UNREACHABLE)
