"""A cache that may be away: Dayzero counts how often somebody asks in it, and nothing else depends on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
METHODS = ("add", "get", "set", "touch", "delete", "get_many", "has_key", "incr", "set_many", "delete_many",
           "clear")  # fmt: skip


class ForgivingRedisCache(RedisCache):
    """Django's cache on Redis; while it is away each process counts for itself, and the log says so once.

    So a page is answered without it, and a limit (of wrong codes, of fetches) still holds.
    """

    is_away: ClassVar[bool] = False

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        """Keep a cache of this process's own beside the shared one."""
        super().__init__(server, params)
        self.own = LocMemCache("while the shared cache is away", {})


def _forgiving(name: str) -> Callable[..., Any]:
    shared = getattr(RedisCache, name)

    @wraps(shared)
    def ask(self: ForgivingRedisCache, *args: Any, **named: Any) -> Any:
        try:
            answer = shared(self, *args, **named)
        except RedisError as error:
            if not ForgivingRedisCache.is_away:
                kind = type(error).__name__
                logger.error("The cache does not answer (%s): each process counts for itself.", kind)  # noqa: TRY400
            ForgivingRedisCache.is_away = True
            return getattr(self.own, name)(*args, **named)
        ForgivingRedisCache.is_away = False
        return answer

    return ask


for _name in METHODS:
    setattr(ForgivingRedisCache, _name, _forgiving(_name))
