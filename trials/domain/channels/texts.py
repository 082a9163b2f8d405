"""What one message holds: whole lines within the receiver's limit, and a digest where there are too many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Length = Callable[[str], int]
More = Callable[[int], str]
"""Say that so many messages, or (0) the rest of one, are to be read in Dayzero."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is said of one thing: its key, a line that says it shortly, and all lines, a link the last."""

    key: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Packet:
    """One text that leaves, and the keys of the messages that it says."""

    keys: tuple[str, ...]
    text: str

    @property
    def key(self) -> str:
        """The key under which a receiver can drop a repeat."""
        return "+".join(self.keys)

    @property
    def sequence(self) -> str:
        """The key in 32 letters and digits, for receivers that take no others and no more."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


def packed(
    messages: Sequence[Message], *, limit: int, length: Length, more: More, most: int, keyword: str = ""
) -> list[Packet]:
    """Put messages into `most` texts at most, each within the limit: no line is ever cut.

    Each has a text of its own while there are no more than `most`; else the last text is a digest of the
    rest, by title. What does not fit is left to Dayzero, which `more` says. A keyword that the receiver
    asks for stands first where the text lacks it.
    """
    if not messages or most < 1:
        return []
    alone = messages if len(messages) <= most else messages[: most - 1]
    rest = messages[len(alone) :]

    def fit(lines: Iterable[str], last: More) -> str:
        return _within(list(lines), limit, length, last, keyword)

    packets = [Packet((one.key,), fit((one.title, *one.lines), lambda _left: more(0))) for one in alone]
    if rest:
        packets.append(Packet(tuple(one.key for one in rest), fit((one.title for one in rest), more)))
    return packets


def _within(lines: list[str], limit: int, length: Length, more: More, keyword: str) -> str:
    whole = _headed(lines, keyword)
    if length(whole) <= limit:
        return whole
    for kept in range(len(lines) - 1, -1, -1):
        text = _headed([*lines[:kept], more(len(lines) - kept)], keyword)
        if length(text) <= limit:
            return text
    return _headed([more(len(lines))], keyword)


def _headed(lines: Sequence[str], keyword: str) -> str:
    text = "\n".join(line for line in lines if line)
    return text if not keyword or keyword in text else f"{keyword}\n{text}"
