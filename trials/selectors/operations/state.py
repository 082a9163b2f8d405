"""How the running system is, read in a few short statements: for its page and for what watches it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

from trials.database_time import database_now
from trials.models import AuditEntry, AuditLink, AuditMail, AuditSeal, BackupRun, TaskRun

FAR = timedelta(seconds=2)
"""Clocks that differ by more are worth a word: claims go by the database's, days by the server's."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """How far the audit trail is sealed: the last seal, and how many entries came after it."""

    last: int
    head: str
    sealed_at: datetime | None
    unsealed: int
    mailed: int


def task_runs() -> list[TaskRun]:
    """The last run of each task, by its name."""
    return list(TaskRun.objects.order_by("task"))


def backups(most: int = 10) -> list[BackupRun]:
    """The newest backups, those that failed included."""
    return list(BackupRun.objects.order_by("-id")[:most])


def last_backup() -> BackupRun | None:
    """The newest backup that was finished."""
    return BackupRun.objects.filter(finished_at__isnull=False).order_by("-id").first()


def sealed() -> Sealed:
    """How far the trail is sealed; four statements along indexes."""
    seal = AuditSeal.objects.order_by("-last").first()
    entry = AuditLink.objects.order_by("-number").values_list("entry_id", flat=True).first() or 0
    return Sealed(
        last=seal.last if seal else 0,
        head=seal.head if seal else "",
        sealed_at=seal.sealed_at if seal else None,
        unsealed=AuditEntry.objects.filter(pk__gt=entry).order_by().count(),
        mailed=AuditMail.objects.aggregate(last=Max("last"))["last"] or 0,
    )


def clock_distance(now: datetime) -> timedelta:
    """How far this machine's clock, which showed `now`, is ahead of the database's; one statement."""
    return now - database_now()


@lru_cache(maxsize=1)
def _newest_migrations() -> tuple[tuple[str, str], ...]:
    """The last migration of each app that this software brings."""
    return tuple(MigrationLoader(None).graph.leaf_nodes())


def missing_migrations() -> list[str]:
    """The newest migrations that the database has not had yet; one statement."""
    applied = set(MigrationRecorder(connection).migration_qs.values_list("app", "name"))
    return [f"{app}.{name}" for app, name in _newest_migrations() if (app, name) not in applied]
