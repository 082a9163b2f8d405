"""What came of a request, and whether trying again can help."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from trials.domain.refusals import Refusal
from trials.spoken import say

_OK, _REDIRECT, _WRONG, _BROKEN = 200, 300, 400, 500
_AGAIN = {408, 425, 429}
_NOT_IMPLEMENTED = {501, 505}


class Verdict(StrEnum):
    """What an answer means for the message: taken, to be tried later, or given up."""

    TAKEN = "taken"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: its status, the beginning of its body, and the address that gave it."""

    status: int
    body: bytes = b""
    address: str = ""

    @property
    def verdict(self) -> Verdict:
        """A redirect is not followed, so it is given up, as is a 4xx that no waiting mends."""
        if _OK <= self.status < _REDIRECT:
            return Verdict.TAKEN
        if self.status in _AGAIN or (self.status >= _BROKEN and self.status not in _NOT_IMPLEMENTED):
            return Verdict.LATER
        return Verdict.NEVER


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending: taken, for later or never, and why as it is kept: `failure_text` says it.

    `answered` says whether somebody was there at all: a channel where nobody is rests.
    """

    verdict: Verdict
    reason: str = ""
    answered: bool = True


class OutboundError(Exception):
    """Nothing was sent, or nobody knows whether it was; `refusal` says why, to its reader and on record."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.text(say))

    @property
    def kept(self) -> str:
        """Why, as it stands on record (`failure_text`): not in the language of the sender."""
        return self.refusal.text()


class OutboundRefused(OutboundError):
    """An address is wrong or may not be connected to: trying again cannot help."""


class OutboundUnreachable(OutboundError):
    """Nobody answered in time, or the connection broke: later it may work."""
