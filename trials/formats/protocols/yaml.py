"""Protocol documents in YAML: load with every fault named, dump, canonical bytes and digest."""

from __future__ import annotations

import hashlib
import io
import json
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from trials.domain.errors import Problem, ProtocolInvalid, Severity
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.validation.rules import validate
from trials.formats.protocols.salvage import salvaged_problems
from trials.formats.protocols.shape import shape_of
from trials.formats.protocols.writing import full_document, short_document
from trials.formats.protocols.yaml_text import LARGEST, YamlText, needs_quotes, read_text

_LINE = 100


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid protocol, and what its document makes one wonder about."""

    protocol: Protocol
    warnings: tuple[Problem, ...] = ()


def load(given: str | bytes, name: str) -> Loaded:
    """Read a protocol from YAML text; `name` is what messages call the document.

    Raises ProtocolInvalid with all faults and warnings at once, in the order of their lines.
    JSON is YAML too: canonical bytes load to the protocol they were made from.
    """
    return _valid(*_read(given), name)


@lru_cache(maxsize=32)
def _read(given: str | bytes) -> tuple[Protocol | None, tuple[Problem, ...]]:
    """The protocol of a text and its problems: taken in, published and planned by, it is the same text."""
    return _judged(read_text(given))


def load_kept(text: str, name: str) -> Protocol:
    """Read a document that was judged when it was taken in, by the rules of that day.

    Rules that came later are not asked, so that what was published stays usable as it is; the caller
    compares the digest. Raises ProtocolInvalid where the text cannot be read at all.
    """
    protocol, problems = _read(text)
    if protocol is None:
        raise ProtocolInvalid(name, problems)
    return protocol


def load_path(path: Path) -> Loaded:
    """Read a protocol from a file. Raises ProtocolInvalid, or OSError where it cannot be read."""
    return load(read_document(path), str(path))


def read_document(path: Path) -> bytes:
    """The bytes of a document, or just enough of a file that is too large for one. Raises OSError."""
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def load_document(data: object, name: str) -> Loaded:
    """Read a protocol from plain data, such as the JSON of a stored document.

    Raises ProtocolInvalid with all faults and warnings at once.
    """
    return _valid(*_judged(YamlText(data, ())), name)


def dump(protocol: Protocol) -> str:
    """The protocol as readable YAML, which loads to an equal value; comments of a source are lost."""
    sections = short_document(protocol)
    head = {key: value for key, value in sections.items() if not isinstance(value, list | dict)}
    parts = [head, *({key: value} for key, value in sections.items() if key not in head)]
    return "\n".join(_yaml(part) for part in parts)


def canonical_bytes(protocol: Protocol) -> bytes:
    """The bytes behind the digest: the full document as JSON in UTF-8.

    Every default is filled in, keys are sorted, there is no white space, and every text is in
    Unicode's normal form C. Defined in docs/protocol-format.md; a change needs a new format.
    """
    document = full_document(protocol)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return unicodedata.normalize("NFC", text).encode("utf-8")


def digest(protocol: Protocol) -> str:
    """The name of exactly this content: `sha256:` and the hash of the canonical bytes."""
    return f"sha256:{hashlib.sha256(canonical_bytes(protocol)).hexdigest()}"


def _valid(protocol: Protocol | None, problems: tuple[Problem, ...], name: str) -> Loaded:
    """The protocol with its warnings; raises ProtocolInvalid where any problem is a fault."""
    if protocol is None or any(problem.severity is Severity.FAULT for problem in problems):
        raise ProtocolInvalid(name, problems)
    return Loaded(protocol, problems)


def _judged(text: YamlText) -> tuple[Protocol | None, tuple[Problem, ...]]:
    """The protocol in the text, if it can be read at all, and all problems in the order of their lines."""
    protocol, found = _judge(text.data) if text.readable else (None, ())
    spoilt = {problem.path for problem in text.problems}
    problems = [*text.problems, *(text.place(problem) for problem in found if problem.path not in spoilt)]
    return protocol, tuple(sorted(problems, key=lambda problem: problem.line or 0))


def _judge(data: object) -> tuple[Protocol | None, tuple[Problem, ...]]:
    """The protocol where the shape is right, and all problems of shape and of the domain."""
    shape = shape_of(data)
    if shape.part is None:
        return None, (*shape.problems, *salvaged_problems(data, shape.locations))
    protocol = shape.part.value()
    return protocol, validate(protocol)


def _yaml(section: dict[str, object]) -> str:
    """A section in YAML: what fits on a line stands on one, the rest in blocks."""
    writer = YAML()
    writer.width = _LINE
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    laid_out = CommentedMap((key, _laid_out(value, len(key))) for key, value in section.items())
    writer.dump(laid_out, stream)
    return stream.getvalue()


def _laid_out(value: object, before: int) -> object:
    """The value as ruamel's own kinds, each list and mapping told whether it stands on one line."""
    if isinstance(value, dict):
        mapping = CommentedMap((key, _laid_out(item, before + len(key))) for key, item in value.items())
        return _flowing(mapping, value, before)
    if isinstance(value, list):
        items = CommentedSeq(_laid_out(item, before) for item in value)
        simple = not any(isinstance(item, dict) for item in value)
        return _flowing(items, value, before) if simple else items
    if isinstance(value, str):
        return DoubleQuotedScalarString(value) if needs_quotes(value) else str(value)
    return value


def _flowing(laid_out: CommentedMap | CommentedSeq, value: object, before: int) -> object:
    if before + len(json.dumps(value, default=date.isoformat, ensure_ascii=False)) <= _LINE:
        laid_out.fa.set_flow_style()
    return laid_out
