"""An SQLite database with every migration applied, kept for the next run of tests.

Applying them all takes longer than most runs of a few tests. The copy is named by what it was made
from: migrations of ours, the packages with theirs, Python and SQLite. Migrating runs on the copy as
on any other database, so that what is laid after each migration is laid by the code that is there.
"""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]


def take(config: pytest.Config) -> bool:
    """Put the kept database where this process's tests want theirs; False where there is none."""
    kept = _folder(config)
    if kept is None:
        return False
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(_file(kept), str(connection.settings_dict["TEST"]["NAME"]))
        return True
    return False


def keep(config: pytest.Config) -> None:
    """Keep this process's database, as it is after migrating, in place of older ones."""
    kept = _folder(config)
    if kept is None or _file(kept).exists():
        return
    mine = kept / f"{os.getpid()}.making"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(mine)])
    for older in kept.glob("*.sqlite3"):
        older.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        mine.replace(_file(kept))


def _folder(config: pytest.Config) -> Path | None:
    """Beside what pytest remembers; nowhere for other databases, or where pytest shall not remember."""
    cache = getattr(config, "cache", None)
    return cache.mkdir("migrated") if cache and connection.vendor == "sqlite" else None


def _file(kept: Path) -> Path:
    made_from = hashlib.sha256(f"{sys.version} {sqlite3.sqlite_version}".encode())
    for path in [ROOT / "requirements.txt", *sorted(ROOT.glob("*/migrations/*.py"))]:
        made_from.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return kept / f"{made_from.hexdigest()}.sqlite3"
