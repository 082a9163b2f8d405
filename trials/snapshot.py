"""Many statements that all read the same moment, while others go on writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Read everything inside as it is at its beginning; nothing can be written inside.

    PostgreSQL reads repeatably. On SQLite a deferred transaction reads from the write-ahead log as it stood
    and keeps no writer waiting; the usual one, which takes the lock of writers at its beginning, would.
    Within a transaction that has begun already, that one's own view holds.
    """
    if connection.in_atomic_block:
        yield
        return
    with ExitStack() as stack:
        if connection.vendor == "sqlite":
            _begin_deferred(stack)
        else:
            stack.enter_context(transaction.atomic())
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")  # the moment is that of a first read
        yield


def _begin_deferred(stack: ExitStack) -> None:
    """Begin a transaction on SQLite without the lock of writers."""
    wrapper: Any = connection
    usual = wrapper.transaction_mode
    wrapper.transaction_mode = "DEFERRED"
    try:
        stack.enter_context(transaction.atomic())
    finally:
        wrapper.transaction_mode = usual
