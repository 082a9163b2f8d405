"""The queues of the broker: their names, how much lies in each, and since when."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.conf import settings

RUNG_AT = "dayzero_rung_at"
"""The header of a message that says when the bell was rung, in seconds of the epoch."""
PATIENCE = 2
"""Seconds that the broker is given to answer."""


class BrokerAway(ConnectionError):
    """The broker cannot be asked; the words are its own."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue: how many messages lie in it, and for how many seconds the oldest has."""

    name: str
    length: int
    oldest: float


def queue_names() -> list[str]:
    """Every queue that something is rung into, from config/celery.py."""
    conf = current_app.conf
    routes: dict[str, Any] = conf.task_routes or {}
    routed = {route["queue"] for route in routes.values() if "queue" in route}
    declared = {queue.name for queue in conf.task_queues or ()}
    timed = {entry.get("options", {}).get("queue") for entry in conf.beat_schedule.values()}
    return sorted({str(conf.task_default_queue), *routed, *declared, *(timed - {None})})


def queues() -> list[QueueState]:
    """Look at each queue on the broker; nothing where there is none. Raises BrokerAway."""
    if not settings.BROKER_URL:
        return []
    import redis  # noqa: PLC0415  five megabytes, which a process of the web needs for this alone

    try:
        with redis.Redis.from_url(
            settings.BROKER_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as broker:
            found = []
            for name in queue_names():
                length, last = int(broker.llen(name)), broker.lindex(name, -1)
                found.append(QueueState(name, length, _age(last)))
            return found
    except redis.RedisError as error:
        raise BrokerAway(str(error)) from error


def _age(message: Any) -> float:
    """For how many seconds a message has been there; 0 where there is none or it does not say."""
    try:
        return max(0.0, time.time() - float(json.loads(message)["headers"][RUNG_AT]))
    except (TypeError, ValueError, KeyError):
        return 0.0
