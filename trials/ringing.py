"""Ring for a piece of work at once, instead of waiting until beat does.

Without a broker the work is done by a thread of this process, so that nobody waits for it: neither who asked
nor beat. A ring that is lost is made up for by beat.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from importlib import import_module

from celery import current_app
from django.conf import settings
from django.db import connections, transaction

logger = logging.getLogger(__name__)

KEPT = timedelta(minutes=10)
"""For how long a ring waits for a worker; by then beat has rung again."""


def ring(task: str, number: int) -> None:
    """Ring for a task with the number of its row, once the transaction that is going on has committed."""
    transaction.on_commit(lambda: _ring(task, number))


def _ring(task: str, number: int) -> None:
    if settings.CELERY_TASK_ALWAYS_EAGER:
        threading.Thread(target=_in_thread, args=(task, number), daemon=True).start()
        return
    try:
        current_app.send_task(task, args=[number], expires=KEPT.total_seconds(), retry=False)
    except Exception:  # a broker that is away must not undo what was written: beat makes up for it
        logger.exception("%s could not be rung", task)


def _in_thread(task: str, number: int) -> None:
    try:
        module, _dot, name = task.rpartition(".")
        getattr(import_module(module), name)(number)  # a web process knows no tasks by name
    except Exception:
        logger.exception("%s failed", task)
    finally:
        connections.close_all()
