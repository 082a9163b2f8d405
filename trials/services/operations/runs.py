"""Keeping when each task ran last, for how long, and whether it failed: one row a task."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from trials.models import TaskRun

# As long as its column: PostgreSQL refuses a longer text.
ERROR = 120


def begin_run(*, task: str, queue: str, now: datetime, waited: float | None) -> None:
    """Keep that a task has started; `waited` is how many seconds its message lay in the queue. One statement.

    The first run of a task takes two.
    """
    begun = {"queue": queue, "started_at": now, "finished_at": None, "waited": waited}
    if not TaskRun.objects.filter(task=task).update(**begun, runs=F("runs") + 1):
        TaskRun.objects.bulk_create([TaskRun(task=task, runs=1, **begun)], ignore_conflicts=True)


def end_run(*, task: str, now: datetime, seconds: float, error: str = "") -> None:
    """Keep that it has ended; `error` is the name of what it failed with, without words. One statement."""
    row = TaskRun.objects.filter(task=task)
    if error:
        row.update(
            finished_at=now, seconds=seconds, failures=F("failures") + 1, failed_at=now, error=error[:ERROR]
        )
    else:
        row.update(finished_at=now, seconds=seconds)
