"""A channel that does not answer rests, longer each time, and is then tried with one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES = 3
"""After so many connections in a row that nobody answered, a channel rests."""

RESTS = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
"""How long it rests the first, second, … time in a row; then always as long as the last time."""

PROBE = timedelta(minutes=1)
"""How long one probe has for itself before another worker may try."""

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

UNLIMITED = 1_000_000
"""The number for a minute of a receiver that names none."""

LEAVES_WITHIN = timedelta(seconds=20)
"""Within so long what was allowed has left: the time of a ring."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a channel has done lately: failures in a row, rests in a row, and what it has taken.

    `minute` is when the last message left, or will have left at the latest; `sent` is how many have left
    since a whole minute without any. A receiver counts by minutes of its own, which nobody knows: so none of
    its minutes, wherever it begins, holds more than `sent`.
    """

    failures: int = 0
    rests: int = 0
    rests_until: datetime | None = None
    minute: datetime | None = None
    sent: int = 0

    def allowance(self, at: datetime, per_minute: int) -> int:
        """Give how many messages may leave now: none while it rests, one as a probe, else what is left.

        A rest that ends later than the longest one was written by a clock that ran ahead, and is over.
        """
        if self.resting(at):
            return 0
        if self.failures >= FAILURES:
            return 1
        return per_minute if per_minute >= UNLIMITED else max(per_minute - self._sent(at), 0)

    def resting(self, at: datetime) -> bool:
        """Whether it rests at this instant."""
        return self.rests_until is not None and at < self.rests_until <= at + RESTS[-1] + PROBE

    def is_busy(self, at: datetime) -> bool:
        """Whether somebody may be sending now, or was within the last second."""
        return self.minute is not None and not self._rested(at) and at < self.minute + SECOND

    def probing(self, at: datetime) -> Health:
        """Take the one probe after a rest: meanwhile nobody else tries."""
        return Health(self.failures, self.rests, at + PROBE, self.minute, self.sent)

    def taking(self, at: datetime, number: int) -> Health:
        """Count messages that are about to leave, before they do: another worker then has so many fewer."""
        ends = at + LEAVES_WITHIN
        last = ends if self.minute is None or self._rested(at) else max(self.minute, ends)
        sent = min(self._sent(at) + number, UNLIMITED)
        return Health(self.failures, self.rests, self.rests_until, last, sent)

    def giving_back(self, number: int, at: datetime) -> Health:
        """Count no longer what was to leave and did not; the last of the others left by this instant."""
        return Health(self.failures, self.rests, self.rests_until, at, max(0, self.sent - number))

    def answered(self) -> Health:
        """The channel took a message, or refused it: either way somebody is there."""
        return Health(0, 0, None, self.minute, self.sent)

    def unanswered(self, at: datetime) -> Health:
        """Nobody answered; from FAILURES on it rests."""
        failures = self.failures + 1
        if failures < FAILURES:
            return Health(failures, self.rests, None, self.minute, self.sent)
        rest = RESTS[min(self.rests, len(RESTS) - 1)]
        return Health(failures, self.rests + 1, at + rest, self.minute, self.sent)

    def _sent(self, at: datetime) -> int:
        return 0 if self._rested(at) else self.sent

    def _rested(self, at: datetime) -> bool:
        """Whether nothing has left for a minute, or a clock that ran ahead says when something did."""
        return self.minute is None or not self.minute - LEAVES_WITHIN - MINUTE <= at < self.minute + MINUTE
