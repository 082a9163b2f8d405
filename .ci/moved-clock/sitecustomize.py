"""Loaded first by every Python whose clock is moved: let it sleep by what libfaketime leaves alone.

Since 3.11 Python sleeps until an instant of the monotonic clock; libfaketime 0.9.10 takes its offset from
that instant even where it leaves the clock itself alone (wolfcw/libfaketime#426), and sleeping fails.
"""

import select
import time


def sleep(seconds: float, /) -> None:
    """Wait so many seconds; raise ValueError for fewer than none."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = sleep
