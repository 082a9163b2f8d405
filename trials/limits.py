"""How often something may be asked; counted in the cache, so each process counts for itself without Redis.

Not DRF's throttles: feeds and the sign-in of clients ask here too, a wrong token is refused before DRF asks
any throttle, and DRF keeps a list of instants that two workers write over each other, where this counts up.
"""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache


def seconds_to_wait(name: str, now: datetime, *, times: int, seconds: int, count: bool = True) -> int:
    """0 where `name` has asked at most `times` in these `seconds`, else the seconds until the next ones.

    Without `count` it only looks whether one more would be too many.
    """
    stretch, passed = divmod(int(now.timestamp()), seconds)
    key = f"limit:{name}:{stretch}"
    if not count:
        return 0 if int(cache.get(key) or 0) < times else seconds - passed
    cache.add(key, 0, timeout=seconds)
    try:
        asked = cache.incr(key)
    except ValueError:  # thrown out meanwhile: a full cache refuses nobody
        return 0
    return 0 if asked <= times else seconds - passed
