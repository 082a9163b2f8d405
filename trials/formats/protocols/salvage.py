"""What can still be judged of a document whose shape has faults: its sound parts, by the domain's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pydantic import ValidationError

from trials.domain.errors import Problem, Severity
from trials.domain.protocols.validation.rules import validate
from trials.formats.protocols.shape import Location
from trials.formats.protocols.whole import FORMAT, DocumentPart

# Stands for a head that is missing or wrong, so that the rest can be judged; never shown.
_STAND_INS: dict[str, object] = {
    "format": FORMAT,
    "trial": "unknown",
    "version": "unknown",
    "title": "unknown",
    "zone": "UTC",
    "day_zero": "unknown",
    "epochs": [],
    "anchors": [],
    "visits": [],
}
# What a rule may say wrongly once an item of a section has been left out.
_IN_DOUBT = {
    "sources": {"unknown-source"},
    "epochs": {"unknown-epoch"},
    "traits": {"unknown-trait"},
    "anchors": {"unknown-anchor", "loose-block"},
    "blocks": {"unknown-block"},
    "visits": {"unknown-visit", "block-hole"},
    "activities": {"unknown-activity"},
    "windows": {"unknown-window", "unused-fact"},
}
_ITEM = re.compile(r"(?P<section>\w+)\[(?P<number>\d+)\](?P<rest>.*)", re.DOTALL)


def salvaged_problems(data: object, locations: Iterable[Location]) -> tuple[Problem, ...]:
    """The faults of the domain in what is left when every item with a fault of shape is left out.

    Faults that may only come from the leaving out are kept back, and so are all warnings.
    """
    locations = tuple(locations)
    if not isinstance(data, dict) or () in locations:
        return ()
    numbers = _leave_out(document := dict(data), locations)
    try:
        protocol = DocumentPart.model_validate(document).value()
    except ValidationError:
        return ()
    touched = {str(location[0]) for location in locations}
    doubted = set().union(*(_IN_DOUBT.get(section, set()) for section in touched))
    return tuple(
        _renumbered(problem, numbers)
        for problem in validate(protocol)
        if problem.severity is Severity.FAULT
        and problem.code not in doubted
        and not (problem.path in touched and problem.path in _STAND_INS)
    )


def _leave_out(document: dict[str, object], locations: Iterable[Location]) -> dict[str, list[int]]:
    """Mend the document in place; returns, by section, the old numbers of the items that stay."""
    items: dict[str, set[int]] = {}
    for section, *inner in locations:
        key, given = str(section), document.get(str(section))
        if isinstance(given, list) and inner and isinstance(inner[0], int):
            items.setdefault(key, set()).add(inner[0])
        elif key in _STAND_INS:
            document[key] = _STAND_INS[key]
        else:
            document.pop(key, None)
    numbers = {}
    for key, faulty in items.items():
        given = document[key]
        assert isinstance(given, list), "only a list was given numbers above"
        numbers[key] = [number for number in range(len(given)) if number not in faulty]
        document[key] = [given[number] for number in numbers[key]]
    return numbers


def _renumbered(problem: Problem, numbers: dict[str, list[int]]) -> Problem:
    """The problem with the number that its item has in the document as it was given."""
    found = _ITEM.fullmatch(problem.path)
    if found is None or found["section"] not in numbers:
        return problem
    number = numbers[found["section"]][int(found["number"])]
    return replace(problem, path=f"{found['section']}[{number}]{found['rest']}")
