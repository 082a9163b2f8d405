"""Two ways of doing one thing, measured in turns so that a busy machine slows both alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Way = Callable[[], object]
ENOUGH_SECONDS = 0.02


@dataclass(frozen=True)
class Comparison:
    """The median seconds of our way and of the bare one, and the ratio that is aimed for."""

    what: str
    ours: float
    bare: float
    at_most: float | None = None
    remark: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.bare

    def __str__(self) -> str:
        aim = ""
        if self.at_most is not None:
            kept = "kept" if self.ratio <= self.at_most else "MISSED"
            aim = f"  aim {self.at_most:g}x {kept}"
        remark = f"  ({self.remark})" if self.remark else ""
        times = f"{duration(self.ours):>8} against {duration(self.bare):>8}"
        return f"  {self.what:<58} {self.ratio:6.2f}x  {times}{aim}{remark}"


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def medians(ways: Mapping[str, Way], rounds: int = 15) -> dict[str, float]:
    """The median seconds of one call of each way, over rounds in which all take their turn."""
    repeats = {name: _repeats(way) for name, way in ways.items()}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            names = list(ways)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                taken[name].append(_seconds(ways[name], repeats[name]))
    finally:
        gc.enable()
    return {name: median(seconds) for name, seconds in taken.items()}


def _repeats(way: Way) -> int:
    """How often a way must be called to take long enough to be measured."""
    repeats = 1
    while (taken := _seconds(way, repeats) * repeats) < ENOUGH_SECONDS:
        repeats = max(repeats * 2, int(repeats * ENOUGH_SECONDS / max(taken, 1e-9)))
    return repeats


def _seconds(way: Way, repeats: int) -> float:
    """The seconds of one call, out of so many."""
    turns = range(repeats)
    start = perf_counter()
    for _ in turns:
        way()
    return (perf_counter() - start) / repeats
