"""Putting a backup in the place of the database: whole, or not at all; what was there before is kept."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from django.contrib.sessions.models import Session
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from trials.domain.release import RELEASE
from trials.services.operations.archives import DATABASE, BackupFailed, Manifest, check_archive, take_out
from trials.services.operations.postgres_tools import run_tool


def check_fits(source: Path, using: str = "default") -> Manifest:
    """Read a backup to its end and see whether this software and database can take it; else BackupFailed."""
    manifest = check_archive(source)
    vendor = connections[using].vendor
    if manifest.database != vendor:
        raise BackupFailed(
            f"{source} is of a database on {manifest.database}; DATABASE_URL names one on {vendor}."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    ours = ("trials.", "participants.", "schedules.")
    newer = [name for name in manifest.migrations if name not in known and name.startswith(ours)]
    if newer:
        raise BackupFailed(
            f"{source} is of release {manifest.release}, which has {newer[0]}; this is {RELEASE}, "
            "which has not: restore it with the release that made it, or a newer one."
        )
    return manifest


def has_records(using: str = "default") -> bool:
    """Whether the database holds Dayzero's tables already."""
    return "trials_trial" in connections[using].introspection.table_names()


def end_sessions() -> int:
    """End every session, so that everybody signs in again; give how many."""
    return int(Session.objects.all().delete()[0])


def replace_database(*, source: Path, now: datetime, using: str = "default") -> str:
    """Put the backup in the place of what is there; give where what was there before is kept, '' for nothing.

    Nobody else may be at work on the database. Raises BackupFailed, with everything as it was.
    """
    connection = connections[using]
    stamp = f"{now:%Y%m%dt%H%M%S}"
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".restoring-") as place:
        dump = Path(place) / DATABASE
        take_out(source, DATABASE, dump)
        put = _put_sqlite if connection.vendor == "sqlite" else _put_postgres
        return put(connection, dump, stamp)


def _put_postgres(connection: BaseDatabaseWrapper, dump: Path, stamp: str) -> str:
    """Fill an empty schema in one transaction; the one before takes another name until that is done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = str(cursor.fetchone()[0])
    before = f"before_{stamp}"
    _set_aside(connection, schema, before)
    connection.close()
    name = connection.settings_dict["NAME"]
    try:
        run_tool(connection, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction",
                 "--exit-on-error", f"--schema={schema}", f"--dbname={name}", str(dump))  # fmt: skip
    except BackupFailed:
        _take_back(connection, schema, before)
        raise
    return f"schema {before}"


def _set_aside(connection: BaseDatabaseWrapper, schema: str, before: str) -> None:
    _run(connection, "ALTER SCHEMA {} RENAME TO {}", schema, before)
    _run(connection, "CREATE SCHEMA {}", schema)
    _run(connection, "GRANT USAGE ON SCHEMA {} TO PUBLIC", schema)


def _take_back(connection: BaseDatabaseWrapper, schema: str, before: str) -> None:
    _run(connection, "DROP SCHEMA {} CASCADE", schema)
    _run(connection, "ALTER SCHEMA {} RENAME TO {}", before, schema)


def _run(connection: BaseDatabaseWrapper, statement: str, *names: str) -> None:
    with connection.cursor() as cursor:
        identifiers = (sql.Identifier(name) for name in names)
        cursor.execute(sql.SQL(statement).format(*identifiers).as_string(cursor.connection))


def _put_sqlite(connection: BaseDatabaseWrapper, dump: Path, stamp: str) -> str:
    """Let the copy take the file's name; what it is written to beside the file belongs to the one before."""
    with closing(sqlite3.connect(dump)) as copy:
        (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise BackupFailed(f"The database in the backup is not whole: {said}")
    file = Path(str(connection.settings_dict["NAME"]))
    if file.exists():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    kept = file.with_name(f"{file.name}.before_{stamp}")
    beside = [file.with_name(file.name + end) for end in ("-wal", "-shm")]
    new = file.with_name(f"{file.name}.restoring")
    # Closed to others before anything is in it: digests of passwords and second factors are.
    new.write_bytes(b"")
    os.chmod(new, 0o600)  # noqa: PTH101
    with dump.open("rb") as source, new.open("wb") as target:
        while piece := source.read(1 << 20):
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    was_there = file.exists()
    if was_there:
        file.replace(kept)
    for path in beside:
        path.unlink(missing_ok=True)
    new.replace(file)
    return str(kept) if was_there else ""
