"""The database's clock, asked for in this one place.

Several machines write to one database, and their clocks differ: what they agree on by time (who has
claimed a row, and since when) goes by the database's clock. Tests set it with `tests.clocks`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import DEFAULT_DB_ALIAS, connections

# The instant itself, not the transaction's beginning: a transaction may have waited for a lock.
_READ = {
    "postgresql": "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')",
}


def database_now(using: str = DEFAULT_DB_ALIAS) -> datetime:
    """Return the instant that the database's clock shows, in UTC. One query."""
    return read_clock(using)


def read_clock(using: str) -> datetime:
    """Ask the database for its time. Tests replace this function, callers use `database_now`."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_READ[connection.vendor])
        return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)
