"""The protocols that ship with the product: one document for each edition, in `trials/library`.

The first edition of a trial is named by the trial's code, later ones also by their version:
`NCT07193667@2025-09-26.2`. What was published stays as it was, so an edition is never changed.
"""

from __future__ import annotations

from pathlib import Path

from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Protocol
from trials.formats.protocols.yaml import Loaded, load_path

_FOLDER = Path(__file__).resolve().parents[2] / "library"
_VERSION = "@"


def names() -> frozenset[str]:
    """The names of all shipped editions."""
    return frozenset(document.stem for document in _FOLDER.glob("*.yaml"))


class UnknownTrial(DomainError, LookupError):
    """No shipped protocol has this code, nor is there a document of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"unknown trial {name!r}: possible are {', '.join(codes())}, or the path of a protocol document"
        )


def codes() -> tuple[str, ...]:
    """The codes of the shipped trials, in alphabetical order."""
    return tuple(sorted({name.partition(_VERSION)[0] for name in names()}))


def editions(code: str) -> tuple[str, ...]:
    """The names of a trial's editions, the first one first; raises UnknownTrial for any other code."""
    found = tuple(sorted(name for name in names() if name.partition(_VERSION)[0] == code))
    if not found:
        raise UnknownTrial(code)
    return found


def path(name: str) -> Path:
    """Where a shipped edition's document lies; raises UnknownTrial for any other name."""
    if name not in names():
        raise UnknownTrial(name)
    return _FOLDER / f"{name}.yaml"


def load(name: str) -> Protocol:
    """The protocol of a shipped edition; raises UnknownTrial for any other name."""
    return load_path(path(name)).protocol


def load_named(name: str) -> Loaded:
    """A shipped edition by its name, else the document at this path; raises UnknownTrial for neither."""
    if name in names():
        return load_path(path(name))
    document = Path(name)
    if not document.is_file():
        raise UnknownTrial(name)
    return load_path(document)
