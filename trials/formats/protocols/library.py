"""The protocols that ship with the product: one document each, in `trials/library`."""

from __future__ import annotations

from pathlib import Path

from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Protocol
from trials.formats.protocols.yaml import Loaded, load_path

_FOLDER = Path(__file__).resolve().parents[2] / "library"


class UnknownTrial(DomainError, LookupError):
    """No shipped protocol has this code, nor is there a document of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"unknown trial {name!r}: possible are {', '.join(codes())}, or the path of a protocol document"
        )


def codes() -> tuple[str, ...]:
    """The codes of the shipped trials, in alphabetical order."""
    return tuple(sorted(document.stem for document in _FOLDER.glob("*.yaml")))


def path(code: str) -> Path:
    """Where a shipped trial's document lies; raises UnknownTrial for any other code."""
    if code not in codes():
        raise UnknownTrial(code)
    return _FOLDER / f"{code}.yaml"


def load(code: str) -> Protocol:
    """The protocol of a shipped trial; raises UnknownTrial for any other code."""
    return load_path(path(code)).protocol


def load_named(name: str) -> Loaded:
    """A shipped trial by its code, else the document at this path; raises UnknownTrial for neither."""
    if name in codes():
        return load_path(path(name))
    document = Path(name)
    if not document.is_file():
        raise UnknownTrial(name)
    return load_path(document)
