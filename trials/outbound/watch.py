"""End a conversation in time, whatever the other side does: a socket times out byte by byte."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class Watch:
    """One conversation: when it must be over (by the monotonic clock), and what it has opened."""

    ends: float
    opened: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def left(self) -> float:
        """Give how many seconds are left; less than none once it is over."""
        return self.ends - monotonic()

    def keep(self, made: socket.socket) -> None:
        """Break this connection when the time is over."""
        self.opened.append(os.dup(made.fileno()))  # a number of our own: TLS takes the object's away

    def end(self) -> None:
        """Break what is open."""
        self.over.set()
        for number in self.opened:
            # A copy once more: the socket closes its number, which `watched` closes in the end.
            with suppress(OSError), socket.socket(fileno=os.dup(number)) as one:
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def watched(seconds: float) -> Iterator[Watch]:
    """Break the connections that are kept inside after so many seconds."""
    watch = Watch(monotonic() + seconds)
    timer = threading.Timer(seconds, watch.end)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        timer.join()
        for number in watch.opened:
            os.close(number)
