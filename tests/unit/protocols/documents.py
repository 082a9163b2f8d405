"""The small document of these tests, and what changes one thing in it."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

from trials.domain.errors import ProtocolInvalid
from trials.formats.protocols.yaml import load_document
from trials.formats.protocols.yaml_text import read_text

SMALL = Path(__file__).with_name("small.yaml").read_text(encoding="utf-8")
DATA = read_text(SMALL).data
PICKLED = pickle.dumps(DATA)
GONE = object()


def changed(*changes):
    """The small document's data with each value at a path replaced, appended (`visits[+]`) or gone."""
    data = pickle.loads(PICKLED)  # noqa: S301 - our own, and ten times quicker than a deep copy
    for path, value in changes:
        *steps, last = [int(step) if step.isdigit() else step for step in re.findall(r"[\w+-]+", path)]
        part = data
        for step in steps:
            part = part[step]
        if value is GONE:
            del part[last]
        elif last == "+":
            part.append(value)
        else:
            part[last] = value
    return data


def problems_of(data):
    """All problems of the data, whether or not it loads."""
    try:
        return load_document(data, "small").warnings
    except ProtocolInvalid as invalid:
        return invalid.problems


def visit(code="new", **more):
    """One more visit, at day 60 unless told otherwise."""
    timing = {} if {"each", "within", "over"} & set(more) else {"at": "P60D", "tolerance": tolerance("P0D")}
    return (
        {"code": code, "label": "New", "epoch": "after", "from": "infusion", "basis": "assumed"}
        | timing
        | more
    )


def tolerance(before, after=None):
    """A tolerance, the same on both sides unless told otherwise."""
    return {"before": before, "after": after or before, "basis": "assumed"}


def bound(offset, counted_from="infusion"):
    """One end of a window."""
    return {"from": counted_from, "offset": offset, "basis": "assumed"}


def window(code="new", **more):
    """One more window, from day 0 to day 7 unless told otherwise."""
    usual = {"code": code, "label": "New", "basis": "assumed", "starts": bound("P0D"), "ends": bound("P7D")}
    kinds = {"presence", "stay", "observation", "freshness", "washout", "conduct", "event_after"}
    return usual | ({} if kinds & set(more) else {"stay": {}}) | more
