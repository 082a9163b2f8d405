"""The books that a simulated site keeps apart: dates worked out from the documents alone, and what was meant.

Nothing here asks the engine: a document is read as YAML, days and months are counted by hand.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import yaml

from tests.cast import document

_OFFSET = re.compile(r"(-)?P(\d+)([DWMY])")


@dataclass(frozen=True)
class Span:
    """A visit's window by the books."""

    opens: date
    target: date
    closes: date


def shifted(day: date, offset: str) -> date:
    """A day moved by an ISO 8601 offset in days, weeks, months or years; months clamp to their end."""
    found = _OFFSET.fullmatch(offset)
    assert found, f"the books know no offset {offset}"
    amount, unit = int(found[2]) * (-1 if found[1] else 1), found[3]
    if unit in "DW":
        return day + timedelta(days=amount * (7 if unit == "W" else 1))
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "Y" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def back(day: date, target_offset: str, tolerance: str, sign: int) -> date:
    """An end of a window: counted from the target, and months from the anchor itself."""
    unit = tolerance[-1]
    if unit in "MY" and target_offset[-1] in "MY":
        base, size = _OFFSET.fullmatch(target_offset), _OFFSET.fullmatch(tolerance)
        assert base is not None, target_offset
        assert size is not None, tolerance
        own = int(base[2]) * (12 if base[3] == "Y" else 1) * (-1 if base[1] else 1)
        return shifted(day, _iso(own + sign * int(size[2]) * (12 if size[3] == "Y" else 1)))
    return shifted(shifted(day, target_offset), ("-" if sign < 0 else "") + tolerance)


def _iso(months: int) -> str:
    return f"{'-' if months < 0 else ''}P{abs(months)}M"


@dataclass
class Books:
    """What the simulated site knows by itself: the documents, and everything that it did on purpose."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    missed: set[tuple[int, str]] = field(default_factory=set)
    late: set[tuple[int, str]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def read(self, trial: str) -> None:
        """Read a shipped document as plain YAML."""
        self.documents[trial] = yaml.safe_load(document(trial))

    def count(self, what: str) -> None:
        """Count one thing that was done."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def say(self, day: date, text: str) -> None:
        """Keep a line of what happened, for whoever reads a failure."""
        self.log.append(f"{day} {text}")

    def span(self, trial: str, code: str, anchors: dict[str, date]) -> Span | None:
        """The window of a visit at one offset from an anchor that is known; None for all others."""
        rule = next((one for one in self.documents[trial]["visits"] if one["code"] == code), None)
        if rule is None or "at" not in rule or rule["from"] not in anchors:
            return None
        day, offset = anchors[rule["from"]], rule["at"]
        if "H" in offset or "tolerance" not in rule:
            return None
        around = rule["tolerance"]
        return Span(
            back(day, offset, around["before"], -1),
            shifted(day, offset),
            back(day, offset, around["after"], 1),
        )
