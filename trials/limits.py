"""How often something may be asked; counted in the cache, so each process counts for itself without Redis."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache


def seconds_to_wait(name: str, now: datetime, *, times: int, seconds: int) -> int:
    """0 where `name` has asked at most `times` in these `seconds`, else the seconds until the next ones."""
    stretch, passed = divmod(int(now.timestamp()), seconds)
    key = f"limit:{name}:{stretch}"
    cache.add(key, 0, timeout=seconds)
    try:
        asked = cache.incr(key)
    except ValueError:  # thrown out meanwhile: a full cache refuses nobody
        return 0
    return 0 if asked <= times else seconds - passed
