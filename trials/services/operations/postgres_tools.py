"""PostgreSQL's own programs: which pg_dump and pg_restore fit the server, and how they find it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from trials.services.operations.archives import BackupFailed

_NAMES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
}
_MAJOR = 10_000


def run_tool(connection: BaseDatabaseWrapper, name: str, *arguments: str) -> None:
    """Run one of them on the connection's database; raises BackupFailed with its own words."""
    program = _program(name, connection)
    done = subprocess.run(  # noqa: S603  PostgreSQL's own
        [program, *arguments],
        env=os.environ | _where(connection),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it gave no reason"]
        raise BackupFailed(f"{name} ended with {done.returncode}: {lines[0]}")


def _where(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The database's address in the names that PostgreSQL's programs read; a password is no argument."""
    given = connection.get_connection_params()
    return {_NAMES[name]: str(value) for name, value in given.items() if name in _NAMES and value}


def _program(name: str, connection: BaseDatabaseWrapper) -> str:
    """The oldest program of that name here that is not older than the server, which it would then refuse."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        server = int(cursor.fetchone()[0]) // _MAJOR
    found = sorted((_version(path), path) for path in _candidates(name))
    fitting = [path for version, path in found if version >= server]
    if fitting:
        return fitting[0]
    newest = f"version {found[-1][0]} is the newest here" if found else "there is none here"
    raise BackupFailed(
        f"The server is PostgreSQL {server} and wants {name} of that version or newer; {newest}. "
        f"Install postgresql-client-{server}, or name its folder in POSTGRES_TOOLS."
    )


def _candidates(name: str) -> list[str]:
    folders = [settings.POSTGRES_TOOLS] if settings.POSTGRES_TOOLS else []
    folders += [str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin")]
    folders += os.environ.get("PATH", "").split(os.pathsep)
    return list(
        dict.fromkeys(filter(None, (shutil.which(name, path=folder) for folder in folders if folder)))
    )


def _version(program: str) -> int:
    asked = [program, "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0
