"""A backup as one file: the database, the heads of the trail that had left, and what it is, with digests.

A ZIP without compression of its own: `manifest.json`, `database` (what pg_dump or SQLite wrote) and
`heads.jsonl` where there is such a file. It holds everything that the database holds, digests of passwords
and second factors among it: keep it as you keep the database.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORM = 1
"""The number of this form of file."""
MANIFEST, DATABASE, HEADS = "manifest.json", "database", "heads.jsonl"
_PIECE = 1024 * 1024


class BackupFailed(Exception):
    """A backup was not made, or is not whole; the message says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    `migrations` are those that the database had had, as `app.name`; `last_link` and `head` the end of the
    sealed trail in it; `rows` counts a few tables, so that somebody can see what it is; `files` gives size
    and SHA-256 of each part.
    """

    release: str
    database: str
    taken_at: str
    migrations: list[str]
    last_link: int
    head: str
    rows: dict[str, int]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    form: int = FORM


def write_archive(target: Path, manifest: Manifest, parts: Mapping[str, Path]) -> str:
    """Write the file, under another name until it is whole, for its owner alone to read; give its SHA-256."""
    made = target.with_suffix(".making")
    files = {name: {"bytes": path.stat().st_size, "sha256": digest_of(path)} for name, path in parts.items()}
    told = json.dumps(asdict(manifest) | {"files": files}, indent=1, ensure_ascii=False)
    descriptor = os.open(made, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            archive.writestr(MANIFEST, told)
            for name, path in parts.items():
                archive.write(path, name)
        out.flush()
        os.fsync(out.fileno())
    digest = digest_of(made)
    made.replace(target)
    return digest


def read_manifest(source: Path) -> Manifest:
    """Give what a backup says of itself. Raises BackupFailed where it is none that this software reads."""
    try:
        with zipfile.ZipFile(source) as archive:
            told = json.loads(archive.read(MANIFEST))
        manifest = Manifest(**told)
    except FileNotFoundError as error:
        raise BackupFailed(f"There is no file {source}.") from error
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        said = f"{source} is no backup that `manage.py backup` wrote, or it is cut off."
        raise BackupFailed(said) from error
    if manifest.form != FORM:
        raise BackupFailed(f"{source} has form {manifest.form}; this release reads form {FORM}.")
    return manifest


def check_archive(source: Path) -> Manifest:
    """Read every byte and compare it with the manifest; raises BackupFailed with what does not agree."""
    manifest = read_manifest(source)
    with zipfile.ZipFile(source) as archive:
        for name, told in manifest.files.items():
            try:
                found = _digest_of_part(archive, name)
            except (KeyError, zipfile.BadZipFile) as error:
                raise BackupFailed(f"{source}: {name} is missing or damaged.") from error
            if found != told["sha256"]:
                raise BackupFailed(f"{source}: {name} is not what was written.")
    return manifest


def take_out(source: Path, name: str, target: Path) -> bool:
    """Write one part of a backup to a file that its owner alone can read; False where it has no such part."""
    with zipfile.ZipFile(source) as archive:
        if name not in archive.namelist():
            return False
        descriptor = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with archive.open(name) as part, os.fdopen(descriptor, "wb") as out:
            while piece := part.read(_PIECE):
                out.write(piece)
    return True


def digest_of(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of_part(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as part:
        while piece := part.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
