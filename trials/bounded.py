"""How long a task may take: what is left is done at the next ring, so that nothing waits behind it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

# Beat rings each minute: what a sweep has not done by then is done at its next ring, behind the others.
TASK_SECONDS = 20.0

HasTime = Callable[[], bool]
"""Say whether another portion may be begun."""


def always() -> bool:
    """Say that there is time: for what somebody waits for at a prompt."""
    return True


def task_time(seconds: float = TASK_SECONDS, clock: Callable[[], float] = monotonic) -> HasTime:
    """Give the time of one task, which begins now."""
    ends = clock() + seconds
    return lambda: clock() < ends
