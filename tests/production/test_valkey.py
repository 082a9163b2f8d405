"""Valkey, started from its wheel, is the Redis that Celery and the cache speak to."""

import redis


def test_valkey_answers(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        assert client.ping()
