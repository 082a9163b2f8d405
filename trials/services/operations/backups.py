"""Making a backup: one file from one instant of the database, kept beside as many before it as wanted."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from trials.domain.release import RELEASE
from trials.models import BackupRun
from trials.services.operations.archives import DATABASE, HEADS, BackupFailed, Manifest, write_archive
from trials.services.operations.postgres_tools import run_tool

SUFFIX = ".backup"
COUNTED = ("participants_participant", "schedules_visit", "trials_auditentry")
"""The tables whose rows a backup counts, so that somebody sees what it is."""
# As long as its column: PostgreSQL refuses a longer text.
_ERROR = 300


def make_backup(*, folder: Path, now: datetime, using: str = "default") -> BackupRun:
    """Write a backup of the database into a folder, and keep in the database that it was made.

    Of one instant, while others go on writing. Raises BackupFailed, and keeps that it failed; nothing
    half-written stays.
    """
    name = f"dayzero-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"
    run = BackupRun.objects.create(name=name, started_at=now)
    try:
        manifest, digest = _write(connections[using], folder, folder / name, now)
    except (BackupFailed, OSError, sqlite3.Error) as error:
        BackupRun.objects.filter(pk=run.pk).update(error=_words(error)[:_ERROR])
        if isinstance(error, BackupFailed):
            raise
        raise BackupFailed(_words(error)) from error
    run.finished_at, run.digest = timezone.now(), digest
    run.size, run.last_link = (folder / name).stat().st_size, manifest.last_link
    run.save()
    return run


def drop_old(folder: Path, keep: int, made: str) -> list[str]:
    """Delete the oldest backups of a folder until `keep` are left, with that just made; give their names.

    Names hold the instant. Those that a clock dated ahead before it was put back seem newer than that one.
    """
    # sorted by name, which is the instant; that just made is left out, for its name may be the oldest
    found = sorted(path for path in folder.glob(f"dayzero-*{SUFFIX}") if path.is_file() and path.name != made)
    gone = found[: max(0, len(found) - max(keep - 1, 0))]
    for path in gone:
        path.unlink()
    return [path.name for path in gone]


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _write(
    connection: BaseDatabaseWrapper, folder: Path, target: Path, now: datetime
) -> tuple[Manifest, str]:
    if not folder.is_dir():
        raise BackupFailed(f"{folder} is no folder: make it, or name another with --to or BACKUP_FOLDER.")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as place:
        dump = Path(place) / DATABASE
        write = _dump_sqlite if connection.vendor == "sqlite" else _dump_postgres
        manifest, parts = write(connection, dump, now), {DATABASE: dump}
        heads = Path(settings.AUDIT_HEADS_FILE) if settings.AUDIT_HEADS_FILE else None
        if heads and heads.is_file():
            parts[HEADS] = Path(shutil.copyfile(heads, Path(place) / HEADS))
        return manifest, write_archive(target, manifest, parts)


def _dump_postgres(connection: BaseDatabaseWrapper, dump: Path, now: datetime) -> Manifest:
    """Let pg_dump read the very snapshot of which the manifest tells."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot(), current_schema()")
        snapshot, schema = cursor.fetchone()
        told = _manifest(cursor, "postgresql", now)
        run_tool(
            connection,
            "pg_dump",
            *("--format=custom", "--no-owner", "--no-privileges", "--lock-wait-timeout=60s"),
            *(f"--schema={schema}", f"--snapshot={snapshot}", f"--file={dump}"),
        )
    return told


def _dump_sqlite(connection: BaseDatabaseWrapper, dump: Path, now: datetime) -> Manifest:
    """Copy the file page by page while others write, and look whether the copy is whole."""
    connection.ensure_connection()
    with closing(sqlite3.connect(dump)) as copy:
        connection.connection.backup(copy)
        # A copy that stays in WAL mode needs a second file beside it, which the archive would not hold.
        copy.execute("PRAGMA journal_mode = DELETE")
        (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise BackupFailed(f"The copy of the database is not whole: {said}")
        return _manifest(copy.cursor(), "sqlite", now)


def _manifest(cursor: Any, database: str, now: datetime) -> Manifest:
    def ask(statement: str) -> list[Any]:
        cursor.execute(statement)
        return list(cursor.fetchall())

    link = ask("SELECT number, hash FROM trials_auditlink ORDER BY number DESC LIMIT 1")
    return Manifest(
        release=RELEASE,
        database=database,
        taken_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        migrations=[
            f"{app}.{name}" for app, name in ask("SELECT app, name FROM django_migrations ORDER BY id")
        ],
        last_link=int(link[0][0]) if link else 0,
        head=str(link[0][1]) if link else "",
        rows={table: int(ask(f"SELECT count(*) FROM {table}")[0][0]) for table in COUNTED},  # noqa: S608
    )
