"""The audit trail as it is read: what an entry says was changed, and in which order entries come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Order(StrEnum):
    """How entries are sorted."""

    NEWEST = "newest"
    OLDEST = "oldest"
    RECORD = "record"
    WHO = "who"


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column's value before and after; None where it was empty or the record was not there."""

    column: str
    old: Any = None
    new: Any = None


def column_changes(old: str, new: str) -> tuple[ColumnChange, ...]:
    """What an entry's old and new values (JSON, or nothing) say, in the order in which they stand."""
    before, after = _values(old), _values(new)
    columns = dict.fromkeys([*before, *after])
    return tuple(ColumnChange(column, before.get(column), after.get(column)) for column in columns)


def _values(text: str) -> Mapping[str, Any]:
    values: Mapping[str, Any] = json.loads(text) if text else {}
    return values
