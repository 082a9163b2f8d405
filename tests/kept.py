"""Where migrated databases are kept for the next run of tests, and what each of them was made from."""

import hashlib
import sqlite3
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "migrated"
"""The folder in pytest's cache, and the database that those of a run are copied from on PostgreSQL."""
FOLDER = ROOT / ".pytest_cache" / "d" / NAME


def made_from() -> str:
    """Digest what a migrated database follows from: our migrations, the packages, the versions."""
    digest = hashlib.sha256(f"{sys.version} {sqlite3.sqlite_version}".encode())
    for path in [ROOT / "requirements.txt", *sorted(ROOT.glob("*/migrations/*.py"))]:
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def cluster() -> Path:
    """Give the folder of PostgreSQL's data in which such a database stands; it need not exist."""
    return FOLDER / f"{made_from()}.postgres"
