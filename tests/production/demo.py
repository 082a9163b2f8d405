"""A database with the demo in it, made once for a run of tests and copied for each that asks.

Migrating and loading the demo take longer than what most tests do with it.
"""

import fcntl
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from tests import servers
from tests.production.running import MANAGE, run

Answer = list[tuple[object, ...]]


def on_sqlite(folder: Path) -> str:
    """The address of a copy in this folder."""
    made = servers.run_folder() / "demo.sqlite3"
    with _alone("sqlite"):
        if not made.exists():
            making = made.with_suffix(".making")
            _fill(f"sqlite:///{making}")
            making.rename(made)
    return f"sqlite:///{shutil.copyfile(made, folder / 'dayzero.sqlite3')}"


def on_postgres(folder: Path) -> str:
    """The address of a copy on this run's server."""
    mine = f"demo_{uuid4().hex}"
    with _alone("postgres"):
        url = servers.postgres_url()
        with psycopg.connect(url, autocommit=True) as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = 'demo'").fetchone():
                server.execute("CREATE DATABASE making")
                _fill(_called("making", url))
                server.execute("ALTER DATABASE making RENAME TO demo")
            server.execute(f"CREATE DATABASE {mine} TEMPLATE demo")
    return _called(mine, url)


LANES: dict[str, Callable[[Path], str]] = {"sqlite": on_sqlite, "postgres": on_postgres}


def ask(url: str, statement: str) -> Answer:
    """What a database answers to a statement."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as file, file:
            return file.execute(statement).fetchall()
    with psycopg.connect(url) as server:
        cursor = server.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _called(name: str, url: str) -> str:
    return re.sub(r"/[^/?]*\?", f"/{name}?", url)


def _fill(url: str) -> None:
    run(*MANAGE, "migrate", "-v0", DATABASE_URL=url)
    run(*MANAGE, "load_demo", DATABASE_URL=url)


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """Let one process of the run at a time make the first."""
    with (servers.run_folder() / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
