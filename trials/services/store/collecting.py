"""Memory in bulk: the collector of circular rubbish looks at what lives over and over, and finds none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 100
"""From how many on it is worth it."""


@contextmanager
def collect_later(count: int) -> Iterator[None]:
    """Let the collector rest while so many are worked on at once: a third of the time, measured.

    Nothing for a few, nor where it rests already. What is freed by counting references is freed all
    the same; what is left counts as old afterwards, to be looked at with the rest of what is old.
    """
    if count < MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()
