"""The shape of a document: pydantic's findings in plain words, and rules about keys that go together."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trials.domain.errors import Problem
from trials.domain.protocols.findings import nearest
from trials.formats.protocols.parts import OnlyWith, Part, Rule
from trials.formats.protocols.whole import FORMAT, DocumentPart
from trials.formats.protocols.yaml_text import WHOLE, step

_WANTED = {
    "string_type": "a text; put it in quotes if it looks like a number or a day",
    "words_type": "a text; put it in quotes if it looks like a number or a day; or {en: text, zh: text}",
    "int_type": "a whole number without quotes",
    "bool_type": "true or false without quotes",
    "list_type": "a list",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
}
_KINDS: Mapping[type, str] = {
    bool: "the truth value",
    int: "the number",
    float: "the number",
    str: "the text",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The document where its shape is right; else all that is wrong with it, and where."""

    part: DocumentPart | None
    problems: tuple[Problem, ...] = ()
    locations: tuple[Location, ...] = ()


def shape_of(data: object) -> Shape:
    """Look at the shape of plain data; every fault of it is in the result, and nothing is raised."""
    part: DocumentPart | None = None
    try:
        part = DocumentPart.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
    else:
        found = []
    together = tuple(_rule_problems(DocumentPart, data, ()))
    problems = (*(_problem(details) for details in found), *(problem for problem, _ in together))
    locations = (*(details["loc"] for details in found), *(place for _, place in together))
    return Shape(None if problems else part, problems, locations)


def path_of(location: Sequence[int | str]) -> str:
    """The path of a location in words: `visits[3].at`."""
    path = ""
    for key in location:
        path = step(path, key)
    return path or WHOLE


def _problem(details: ErrorDetails) -> Problem:
    """One of pydantic's findings in plain words."""
    path, kind, given = path_of(details["loc"]), details["type"], details["input"]
    context = details.get("ctx", {})
    if "remedy" in context:
        return Problem(kind, path, context["message"], context["remedy"])
    if kind == "missing":
        remedy = f"give `{details['loc'][-1]}`"
        return Problem("missing-key", path, "this key is missing", _missing_remedy(path) or remedy)
    if kind == "extra_forbidden":
        return _unknown_key(details["loc"], path)
    if kind in ("literal_error", "enum"):
        return _unknown_word(path, given, str(context["expected"]))
    wanted = _WANTED.get(kind, details["msg"])
    return Problem("wrong-type", path, f"{_shown(given)} stands here", f"right is {wanted}")


def _missing_remedy(path: str) -> str | None:
    return f"write `format: {FORMAT}`" if path == "format" else None


def _unknown_word(path: str, given: object, expected: str) -> Problem:
    """A word or number that is not among those possible."""
    if path == "format":
        message = f"format {given!r} is not known"
        return Problem("unknown-format", path, message, f"this program reads `format: {FORMAT}`")
    return Problem("unknown-word", path, f"{_shown(given)} is not known here", f"possible are {expected}")


def _unknown_key(location: Location, path: str) -> Problem:
    """A key that the format does not have, with the key that may have been meant."""
    key, possible = str(location[-1]), _keys_at(location[:-1])
    near = nearest(key, tuple(possible))
    meant = f"did you mean {near}? " if near else ""
    return Problem("unknown-key", path, f"unknown key {key!r}", f"{meant}possible are {', '.join(possible)}")


def _shown(given: object) -> str:
    """A value as an author would call it."""
    kind = _KINDS.get(type(given), "the day")
    if isinstance(given, dict | list | types.NoneType):
        return kind
    shown = repr(given) if isinstance(given, str) else str(given)
    return f"{kind} {shown if len(shown) <= 60 else shown[:57] + '...'}"  # noqa: PLR2004 - a line's length


def _keys_at(location: Location) -> list[str]:
    """The keys that the format has at a location."""
    part: type[Part] = DocumentPart
    for key in location:
        part, _ = _parts_by_key(part).get(str(key), (part, False))
    return [info.alias or name for name, info in part.model_fields.items()]


@cache
def _parts_by_key(part: type[Part]) -> dict[str, tuple[type[Part], bool]]:
    """The parts inside a part, by the keys under which they stand, and whether it is a list of them."""
    inner = {}
    for name, info in part.model_fields.items():
        found = _part_in(info.annotation)
        if found is not None:
            inner[info.alias or name] = (found, "list[" in str(info.annotation))
    return inner


def _part_in(annotation: Any) -> type[Part] | None:
    """The part that an annotation such as `list[VisitPart]` or `HoldPart | None` speaks of."""
    if get_origin(annotation) in (list, Union, types.UnionType):
        found = (_part_in(argument) for argument in get_args(annotation))
        return next((part for part in found if part is not None), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, Part) else None


def _rule_problems(part: type[Part], data: object, place: Location) -> Iterator[tuple[Problem, Location]]:
    """What breaks the rules about keys that go together, in this part and all inside it."""
    if not isinstance(data, dict):
        return
    written = {key for key, value in data.items() if value is not None}
    for rule in part.rules:
        if _is_broken(rule, written):
            yield _broken(rule, written, path_of(place)), place
    for key, (inner, is_list) in _parts_by_key(part).items():
        value = data.get(key)
        if not is_list:
            yield from _rule_problems(inner, value, (*place, key))
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from _rule_problems(inner, item, (*place, key, number))


def _is_broken(rule: Rule, written: set[str]) -> bool:
    """Whether these written keys break the rule."""
    if isinstance(rule, OnlyWith):
        return rule.key in written and rule.beside not in written
    asked = rule.when is None or rule.when in written
    return asked and len(written.intersection(rule.keys)) != 1


def _broken(rule: Rule, written: set[str], path: str) -> Problem:
    """The problem with a rule that these written keys break."""
    if isinstance(rule, OnlyWith):
        message = f"{rule.key} stands without {rule.beside}"
        remedy = f"{rule.key} only goes with {rule.beside}"
        return Problem("key-without", step(path, rule.key), message, remedy)
    beside = f" beside {rule.when}" if rule.when else ""
    if len(rule.keys) == 1:
        return Problem("missing-key", step(path, rule.keys[0]), "this key is missing", f"give it{beside}")
    found = [key for key in rule.keys if key in written]
    message = f"{' and '.join(found)} stand together" if found else "none of the possible keys is given"
    return Problem("not-one-of", path, message, f"give exactly one of {', '.join(rule.keys)}{beside}")
