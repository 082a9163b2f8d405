"""What a worker and beat show of themselves: a sign of life in a file, and the last run of each task.

`deploy/probe.py` looks at the file; the page of operations and `/metrics/` read the rows.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

from celery import signals
from django.db import DatabaseError, connection
from django.utils import timezone

from config import logs

RUNG_AT = "dayzero_rung_at"
"""Where a message says when it was sent; `trials/selectors/operations/queues.py` reads it in the broker."""

logger = logging.getLogger(__name__)
_begun: dict[str, float] = {}
_failed: dict[str, str] = {}


@signals.heartbeat_sent.connect  # a worker whose loop turns, and that has its broker: every two seconds
@signals.worker_ready.connect
@signals.beat_init.connect
@signals.before_task_publish.connect  # beat: every minute
def show_life(**_: Any) -> None:
    """Touch the file that HEARTBEAT_FILE names."""
    file = os.environ.get("HEARTBEAT_FILE")
    if file:
        Path(file).touch()


@signals.before_task_publish.connect
def say_when(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Let a message say when it was sent, so that its wait in the queue is known."""
    if headers is not None:
        headers[RUNG_AT] = time.time()


@signals.task_prerun.connect
def begin(task_id: str = "", task: Any = None, **_: Any) -> None:
    """Name the task in all that is logged meanwhile, and keep that it has begun."""
    show_life()
    logs.CONTEXT.set({"task": task.name, "task_id": task_id})
    _begun[task_id] = time.monotonic()
    rung = task.request.get(RUNG_AT)
    waited = None if rung is None else max(0.0, time.time() - float(rung))
    route = task.request.delivery_info or {}
    _keep("begin_run", task=task.name, queue=str(route.get("routing_key") or ""), waited=waited)


@signals.task_failure.connect
def note_failure(task_id: str = "", exception: BaseException | None = None, **_: Any) -> None:
    """Remember what it failed with, without its words."""
    _failed[task_id] = type(exception).__name__


@signals.task_postrun.connect
def end(task_id: str = "", task: Any = None, **_: Any) -> None:
    """Keep that the task has ended."""
    seconds = time.monotonic() - _begun.pop(task_id, time.monotonic())
    _keep("end_run", task=task.name, seconds=seconds, error=_failed.pop(task_id, ""))
    logs.CONTEXT.set({})


def _keep(what: str, **values: Any) -> None:
    """Write the row; a database that is away must not keep a task from running."""
    from trials.services.operations import runs  # noqa: PLC0415  models are ready only now

    if connection.in_atomic_block:  # called within somebody's transaction, no run of its own
        return
    try:
        getattr(runs, what)(now=timezone.now(), **values)
    except DatabaseError:
        logger.warning("The run of %s could not be kept.", values["task"])
