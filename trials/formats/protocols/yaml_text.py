"""YAML text into plain data, with the line of every part and everything that is wrong with the text.

A stricter YAML than the language's own, so that no reader can take a document in two ways: no
aliases, no tags, no key twice, one document, and no word that YAML 1.1 reads as true or false.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from trials.domain.errors import Problem

WHOLE = "document"
# Bounds on what a hostile document may cost; those that are shipped have 20 to 30 KB.
LARGEST = 1024 * 1024
DEEPEST = 12
MOST_NODES = 30_000
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DOUBTFUL = re.compile(r"y|yes|n|no|on|off", re.IGNORECASE)
# What other readers of YAML (1.1, or laxer ones) take for a number, a time, a day or a key to merge.
_OTHERWISE = re.compile(
    r"[-+]?0[0-9_]+|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO][0-7_]+|[-+]?0[bB][01_]+"
    r"|[-+]?[0-9]+(?:_[0-9]+)+(?:\.[0-9_]*)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\.[0-9_]+|\+[0-9]+"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[Tt ]+[0-9].*|=|<<"
)
_CURLY = "“”‘’„‟‚‛«»＂＇「」『』"
_COMMENT = re.compile(r"[ \t]+#(?![\s#!]|$)")
_JOINERS = "\u200c\u200d"
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
_SIMPLE_KEY = re.compile(r"[\w-]+")
_PLAIN = re.compile(r"-?\w(?:[\w ,;.()/+^%×≥≤–-]*[\w.)%])?")
_CONSTANTS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Faults in the text that ruamel meets without an error of its own (an escape such as \UFFFFFFFF).
_UNREADABLE = (YAMLError, ValueError, ArithmeticError, LookupError, AssertionError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class YamlText:
    """What a text says, on which line each path stands, and what is wrong with the text itself."""

    data: object
    problems: tuple[Problem, ...]
    lines: Mapping[str, int] = field(default_factory=dict)
    readable: bool = True

    def place(self, problem: Problem) -> Problem:
        """The problem with the line of its path, or of the nearest part around it."""
        if problem.line is not None:
            return problem
        path = problem.path
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return replace(problem, line=self.lines.get(path, 1))


def step(path: str, key: str | int) -> str:
    """The path one step further in: `visits`, `visits[3]`, `visits[3].at`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    shown = key if _SIMPLE_KEY.fullmatch(key) else repr(key[:40])
    return f"{path}.{shown}" if path else shown


def read_text(given: str | bytes) -> YamlText:
    """Read one YAML document; every problem is in the result, and nothing is raised.

    `readable` is false where the text cannot be read to its end: then there is no data.
    """
    try:
        text = _decode(given)
        composer = _Composer(YAML(typ="safe", pure=True).parse(text), text.split("\n"))
        data = composer.document()
        composer.check_comments()
    except _Unreadable as refused:
        return YamlText(None, (refused.problem,), readable=False)
    except _UNREADABLE as error:
        return YamlText(None, (_syntax_problem(error, text),), readable=False)
    return YamlText(data, tuple(composer.problems), composer.lines)


class _Unreadable(Exception):
    """The text cannot be read any further."""

    def __init__(self, code: str, message: str, remedy: str, line: int = 1) -> None:
        self.problem = Problem(code, WHOLE, message, remedy, line=line)
        super().__init__(message)


def _decode(given: str | bytes) -> str:
    """The text in UTF-8 without its byte order mark."""
    if len(given) > LARGEST:
        message = f"the document has more than {LARGEST:,} bytes"
        raise _Unreadable("too-large", message, "take it apart: this is no protocol for people to read")
    if isinstance(given, bytes):
        try:
            given = given.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            message = f"byte {error.object[error.start]:#04x} is not UTF-8"
            raise _Unreadable("not-utf-8", message, "save the file as UTF-8", line) from None
    return given.removeprefix("\ufeff")


def _syntax_problem(error: Exception, text: str) -> Problem:
    """What is wrong with the text, where the parser gave up."""
    mark = error.problem_mark or error.context_mark if isinstance(error, MarkedYAMLError) else None
    line = mark.line + 1 if mark else _line_of_position(error, text)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    lines = text.splitlines()
    if mark and "\\t" in said and mark.line < len(lines):
        message = f"a tab stands in column {mark.column + 1}"
        return Problem("tab", WHOLE, message, "YAML is indented with spaces only", line=line)
    message = f"this is not YAML: {' '.join(str(said).split())}"
    remedy = "look at this line and the one before: an indent, a colon, a quote or a bracket"
    return Problem("not-yaml", WHOLE, message, remedy, line=line)


def _line_of_position(error: Exception, text: str) -> int:
    """The line of a character that YAML does not allow, or the first where nothing is known."""
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


class _Composer:
    """Builds plain data from the parser's events and notes what is doubtful on the way."""

    def __init__(self, events: Iterator[Any], text_lines: list[str]) -> None:
        self.events = events
        self.text_lines = text_lines
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def document(self) -> object:
        """The one document of the stream."""
        next(self.events)
        if not isinstance(next(self.events), DocumentStartEvent):
            raise _Unreadable("empty", "the document is empty", "begin with `format: 1`")
        event = next(self.events)
        if isinstance(event, ScalarEvent) and not event.value and event.implicit[0]:
            raise _Unreadable("empty", "the document is empty", "begin with `format: 1`")
        data = self.node(event, "", 0)
        next(self.events)
        following = next(self.events)
        if isinstance(following, DocumentStartEvent):
            line = following.start_mark.line + 1
            raise _Unreadable("second-document", "a second document begins", "one file is one document", line)
        return data

    def node(self, event: Any, path: str, depth: int) -> object:
        """The data of one node and all below it."""
        line = event.start_mark.line + 1
        self.count(line)
        self.lines.setdefault(path, line)
        if depth > DEEPEST:
            message = f"the nesting is more than {DEEPEST} deep"
            raise _Unreadable("too-deep", message, "no part of the format nests so deep", line)
        if isinstance(event, AliasEvent):
            remedy = "write the value out where it stands"
            self.note("alias", path, f"*{event.anchor} is an alias", remedy, line)
            return None
        if event.tag is not None:
            self.note("tag", path, f"{event.tag} is a tag", "leave it out: tags are not read", line)
        if isinstance(event, MappingStartEvent):
            return self.mapping(path, depth)
        if isinstance(event, SequenceStartEvent):
            return self.sequence(path, depth)
        return self.scalar(event, path, line)

    def count(self, line: int) -> None:
        """Count one more key or value; a document of very many is read no further."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            message = f"the document has more than {MOST_NODES:,} keys and values"
            raise _Unreadable("too-large", message, "take it apart: no protocol needs so many", line)

    def mapping(self, path: str, depth: int) -> dict[str, object]:
        """The data of a mapping; of a key that stands twice, the first counts."""
        data: dict[str, object] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            line = event.start_mark.line + 1
            self.count(line)
            key = self.key(event, path, line, depth)
            if key is None:
                self.node(next(self.events), step(path, "?"), depth + 1)
                continue
            inner = step(path, key)
            first = self.lines.get(inner) if key in data else None
            self.lines.setdefault(inner, line)
            value = self.node(next(self.events), inner, depth + 1)
            if first is None:
                data[key] = value
            else:
                message = f"the key {key!r} stands a second time (first in line {first})"
                self.note("duplicate-key", inner, message, "give each key once", line)
        return data

    def key(self, event: Any, path: str, line: int, depth: int) -> str | None:
        """The text of a key; None where it is a list or a mapping."""
        if isinstance(event, ScalarEvent):
            return str(event.value)
        self.note("bad-key", path or WHOLE, "a key is not a plain word", "write `key: value`", line)
        self.node(event, step(path, "?"), depth + 1)
        return None

    def sequence(self, path: str, depth: int) -> list[object]:
        """The data of a list."""
        data: list[object] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            data.append(self.node(event, step(path, len(data)), depth + 1))
        return data

    def scalar(self, event: Any, path: str, line: int) -> object:
        """The value of a scalar by the core schema of YAML 1.2, and days."""
        text = unicodedata.normalize("NFC", event.value)
        self.check_characters(text, path, line)
        if not event.implicit[0]:
            return text
        self.check_plain(text, path, line)
        self.check_comment_after(event, path)
        if _DAY.fullmatch(text):
            return self.day(text, path, line)
        return plain_value(text)

    def day(self, text: str, path: str, line: int) -> object:
        """The day that the text names."""
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.note("bad-day", path, f"{text} is not in the calendar", "write a day that exists", line)
            return text

    def check_plain(self, text: str, path: str, line: int) -> None:
        """Note what is a text without quotes here and something else to other readers."""
        if _DOUBTFUL.fullmatch(text):
            message = f"{text} without quotes is a truth value to some readers and a text to others"
            self.note("doubtful-word", path, message, f'write true or false, or the text "{text}"', line)
        elif _OTHERWISE.fullmatch(text):
            message = (
                f"{text} without quotes is a number, a time or a day to some readers and a text to others"
            )
            remedy = f'write a plain whole number or a day as year-month-day, or the text "{text}"'
            self.note("doubtful-word", path, message, remedy, line)
        elif text[:1] in _CURLY or text[-1:] in _CURLY:
            sign = text[0] if text[:1] in _CURLY else text[-1]
            if text:
                message = f"{sign} is no quotation mark of YAML: it would be part of the text"
                self.note("curly-quote", path, message, "write straight quotes (\" or '), or none", line)

    def check_comment_after(self, event: Any, path: str) -> None:
        """Note a sign that cuts a text off: what follows ` #` is a comment to every reader."""
        end = event.end_mark
        rest = self.text_lines[end.line][end.column :] if end.line < len(self.text_lines) else ""
        found = _COMMENT.match(rest)
        if event.value and found:
            message = (
                f"what follows # is a comment and no part of the text: {rest.strip()[:40]!r} is not read"
            )
            remedy = "put the whole text in quotes; a comment has a space after #"
            self.note("cut-off", path, message, remedy, end.line + 1)

    def check_comments(self) -> None:
        """Note signs in comments that show a reader another text than stands there."""
        told = {problem.line for problem in self.problems if problem.code == "control-character"}
        for number, line in enumerate(self.text_lines, start=1):
            signs = _HIDDEN.findall(line)
            if signs and number not in told:
                self.note_signs(signs, WHOLE, number)

    def check_characters(self, text: str, path: str, line: int) -> None:
        """Note characters that cannot be stored or shown; a quoted text can hold any by its escapes."""
        if text.isascii() and text.isprintable():
            return
        kinds = ("Cc", "Cs", "Cf", "Zl", "Zp")
        odd = [sign for sign in text if unicodedata.category(sign) in kinds and sign not in f"\n{_JOINERS}"]
        if odd:
            self.note_signs(odd, path, line)

    def note_signs(self, signs: list[str], path: str, line: int) -> None:
        """Keep a fault of signs that cannot be seen or stored, or that turn the order of others round."""
        names = ", ".join(f"U+{ord(sign):04X}" for sign in dict.fromkeys(signs))
        self.note(
            "control-character", path, f"the text holds {names}, which nobody sees", "leave it out", line
        )

    def note(self, code: str, path: str, message: str, remedy: str, line: int) -> None:
        """Keep a fault of the text."""
        self.problems.append(Problem(code, path, message, remedy, line=line))


def plain_value(text: str) -> object:
    """The value of a text without quotes: nothing, a truth value, a number, or the text itself."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def needs_quotes(text: str) -> bool:
    """Whether this text would be read as something else, be doubtful, or be hard to read without quotes."""
    doubtful = _DOUBTFUL.fullmatch(text) or _DAY.fullmatch(text) or _OTHERWISE.fullmatch(text)
    return bool(doubtful) or not _PLAIN.fullmatch(text) or not isinstance(plain_value(text), str)
