"""Other clocks than the machine's: the database's, set by a test, and a run's, moved as a whole.

`make test-as-of` moves the clock of pytest and of everything that it starts with libfaketime, which
comes by the environment. A test that gives a process an environment of its own adds `moved_clock()`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

MOVED_BY = ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT", "PYTHONPATH", "TZ")


def moved_clock() -> dict[str, str]:
    """Give what the environment of a process must hold so that its clock is moved as this one's is."""
    return {name: os.environ[name] for name in MOVED_BY if "FAKETIME" in os.environ and name in os.environ}


@contextmanager
def database_clock_at(instant: datetime) -> Iterator[None]:
    """Let the database, whichever it is, say that it is this instant when Dayzero asks for its time."""
    assert instant.tzinfo, "an instant has a zone"
    with patch("trials.database_time.read_clock", lambda _using: instant):
        yield
