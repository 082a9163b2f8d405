"""How many connections to the database all processes may hold, beside what the server allows."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.db import connections

RESERVED = 10
"""Kept for the server's own work, a backup, and somebody who looks at what is wrong."""


def most_connections() -> int:
    """Count the connections that all web threads, all tasks of workers and beat may hold at once."""
    web = settings.WEBS * settings.WEB_PROCESSES * settings.WEB_THREADS
    return int(web + settings.WORKERS * (settings.CELERY_WORKER_CONCURRENCY + 1) + 1)


@register(Tags.database)
def enough_connections(databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Print the sum on PostgreSQL; an error where it is more than the server allows."""
    found: list[CheckMessage] = []
    for connection in (connections[alias] for alias in databases or []):
        if connection.vendor != "postgresql":
            continue
        with connection.cursor() as cursor:
            cursor.execute("SHOW max_connections")
            allowed = int(cursor.fetchone()[0])
        most = most_connections()
        said = f"Web, workers and beat hold up to {most} connections; the server allows {allowed}."
        if most + RESERVED > allowed:
            hint = "Lower WEBS, WEB_THREADS or WORKER_CONCURRENCY, or raise max_connections of the server."
            found.append(Error(said, hint=hint, id="dayzero.E001"))
        else:
            found.append(Info(said, id="dayzero.I001"))
    return found
