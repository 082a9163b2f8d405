"""Time zones by their names in the IANA database."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_AREAS = (
    "Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
    "Pacific/",
)  # fmt: skip


def is_zone(name: str) -> bool:
    """Whether a text is the name of a zone, letter by letter."""
    return read_zone(name) is not None


@lru_cache(maxsize=512)
def read_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a name; None for a name that is none, `Asia/shanghai` or a path."""
    if not name:
        return None
    try:
        found = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
    # A file system that ignores capitals finds a file for a name that is none.
    return found if name in _known() else None


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Return the zones to choose from, sorted: those of places, and UTC."""
    return (*sorted(name for name in _known() if name.startswith(_AREAS)), "UTC")


def near_zones(name: str) -> tuple[str, ...]:
    """Return the names that somebody may have meant, the nearest first."""
    by_small = {known.casefold(): known for known in zone_names()}
    near = get_close_matches(name.casefold(), by_small, n=2)
    return tuple(by_small[found] for found in near)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())
