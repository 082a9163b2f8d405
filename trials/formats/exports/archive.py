"""A trial as one file that outlives the software: a zip of tables, their metadata and the trail.

Every table stands twice, as CSV and as JSON lines; `manifest.json` names each file with its rows
and SHA-256, the software with its version, and who made the file when. docs/archive.md describes it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, Self

from trials.formats.exports.tables import csv_part

FORMAT = 1
IN_MEMORY = 1 << 20


@dataclass(frozen=True, slots=True)
class Made:
    """What every export says of itself: the software, its version, who made it, when, and of what."""

    software: str
    version: str
    by: str
    at: datetime
    of: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Member:
    """A file being written: counted and hashed on its way."""

    to: IO[bytes]
    rows: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def write(self, text: str) -> None:
        """Add a text to the file and to its digest, as UTF-8."""
        data = text.encode()
        self.digest.update(data)
        self.to.write(data)


class Archive:
    """Writes a zip to a file object, table by table; the manifest is added as it is left."""

    def __init__(self, to: IO[bytes], made: Made) -> None:
        self._zip = zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED)
        self._made = made
        self._files: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            manifest = {"format": FORMAT, **asdict(self._made), "files": self._files}
            self._zip.writestr("manifest.json", _json(manifest, indent=2))
        self._zip.close()

    def document(self, name: str, content: Any) -> None:
        """Add a JSON document under a name without its ending."""
        with self._zip.open(f"{name}.json", "w") as to:
            member = _Member(to)
            member.write(_json(content, indent=2))
        self._note(f"{name}.json", member)

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add a table under a name without its ending, as CSV and as JSON lines; the rows are read once."""
        with SpooledTemporaryFile(max_size=IN_MEMORY) as aside:
            lines = _Member(aside)
            with self._zip.open(f"{name}.csv", "w") as to:
                member = _Member(to)
                member.write("".join(csv_part([columns])))
                for row in rows:
                    member.write("".join(csv_part([row])))
                    lines.write(_json(dict(zip(columns, row, strict=True))) + "\n")
                    member.rows += 1
            self._note(f"{name}.csv", member)
            lines.rows = member.rows
            aside.seek(0)
            with self._zip.open(f"{name}.jsonl", "w") as to:
                shutil.copyfileobj(aside, to)
            self._note(f"{name}.jsonl", lines)

    def _note(self, name: str, member: _Member) -> None:
        self._files[name] = {"rows": member.rows, "sha256": member.digest.hexdigest()}


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_as_text)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
