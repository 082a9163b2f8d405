"""What leaves as one message: the reminders of one person that are due together, one line for each thing.

The words of a message are in `schedules/notifications.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schedules.domain.reminders.ledger import Notice
from schedules.domain.reminders.rules import Manner, urgency_of
from schedules.domain.reminders.states import notice_key

MOST_LINES = 50
"""How many things one message names at most; it says how many more there are. The bell has all of them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person over one channel.

    `key` is the same each time that it is sent, so that a receiver can drop a repeat. `notices` are what it
    says, one for each thing, the most urgent first; `more` is how many it leaves to the bell. `language` is
    the recipient's, empty for the installation's. `bell` is the address of the page with all of them.
    """

    key: str
    recipient: int
    channel: str
    address: str
    notices: tuple[Notice, ...]
    language: str = ""
    more: int = 0
    bell: str = ""


_WAITING = "digest/"


def together(recipient: int, channel: str, manner: str, leaves: datetime | None, at: datetime) -> str:
    """Name what leaves as one message before it does: all of a person, a channel and a morning.

    Empty for what leaves by itself. What is addressed after its morning has come begins another message, so
    that none is added to one that has left.
    """
    if manner != Manner.DIGEST or leaves is None:
        return ""
    moment = max(leaves, at)
    return f"{_WAITING}{channel}/{recipient}/{moment.astimezone(UTC):%Y%m%dT%H%M%S}"


def is_waiting(message: str) -> bool:
    """Whether rows with this name have not been claimed as a message yet."""
    return not message or message.startswith(_WAITING)


def message_key(keys: Sequence[str], recipient: int) -> str:
    """Give the key of a message of these reminders: of one its own and the recipient's, else one of all."""
    # Sorted, since rows are claimed in any order: sent again, the message must have the key that was sent.
    named = sorted(notice_key(key, recipient) for key in keys)
    if len(named) == 1:
        return named[0]
    return "digest:" + hashlib.sha256("\n".join(named).encode()).hexdigest()[:40]


def one_for_each_thing(notices: Sequence[Notice]) -> list[Notice]:
    """Leave the most urgent notice of each thing, the most urgent and then the earliest day first."""
    best: dict[str, Notice] = {}
    for notice in notices:
        other = best.get(notice.thing)
        if other is None or urgency_of(notice.kind) > urgency_of(other.kind):
            best[notice.thing] = notice
    return sorted(
        best.values(),
        key=_by_urgency,
    )


def _by_urgency(notice: Notice) -> tuple[int, str, str, str]:
    day = notice.day or notice.closes
    return -urgency_of(notice.kind), day.isoformat(), notice.subject_code, notice.key
