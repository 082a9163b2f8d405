"""Facts as they are stored: one row for each, and back.

A point that is a whole day stands in the day alone; an instant stands beside its local day and the zone
of the site where it was recorded. What only one kind has goes into `detail`, as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import BY_KIND, BY_VALUE, DECLARATIONS, Fact, FactKind
from participants.domain.facts import Facts
from participants.domain.moments import Point, day_of, on_record, zone_on_record


@dataclass(frozen=True, slots=True)
class FactRow:
    """The columns of a stored fact; `ref` is its id as text, empty for one not stored yet."""

    kind: str
    of: str = ""
    starts_on: date | None = None
    starts_at: datetime | None = None
    ends_on: date | None = None
    ends_at: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    ref: str = ""
    starts_zone: str = ""
    ends_zone: str = ""


def kind_of(fact: Fact) -> FactKind:
    """Which kind a fact is of."""
    return BY_VALUE[type(fact)].kind


def row_of(fact: Fact, zone: ZoneInfo) -> FactRow:
    """A fact as it is stored; the days of instants are those of the site's zone, or of their record."""
    declared = BY_VALUE[type(fact)]
    starts = getattr(fact, declared.span.first)
    ends = getattr(fact, declared.span.last) if declared.span.last else None
    of = str(getattr(fact, declared.of)) if declared.of else ""
    days = (*_on_and_at(starts, zone), *_on_and_at(ends, zone))
    zones = (zone_on_record(starts, zone), zone_on_record(ends, zone))
    kept = {one.name: one.write(getattr(fact, one.field)) for one in declared.kept}
    detail = {name: value for name, value in kept.items() if value is not None}
    return FactRow(declared.kind.value, of, *days, detail, fact.ref, *zones)


def fact_of(row: FactRow, zone: ZoneInfo) -> Fact:
    """A stored fact as a value, its instants in the zone in which they were recorded, else in the site's.

    Raises ValueError for an unknown kind.
    """
    declared = BY_KIND[FactKind(row.kind)]
    found: dict[str, Any] = {
        declared.span.first: on_record(row.starts_at, row.starts_zone, zone) or row.starts_on,
        "ref": row.ref,
    }
    if declared.span.last:
        found[declared.span.last] = on_record(row.ends_at, row.ends_zone, zone) or row.ends_on
    if declared.of:
        found[declared.of] = row.of
    for one in declared.kept:
        kept = row.detail.get(one.name)
        found[one.field] = one.missing if kept is None else one.read(kept)
    return cast("Fact", declared.value(**found))


def facts_of(rows: Iterable[FactRow], zone: ZoneInfo) -> Facts:
    """All stored facts of one participant, sorted into their kinds."""
    return gathered(fact_of(row, zone) for row in rows)


def gathered(facts: Iterable[Fact]) -> Facts:
    """Facts sorted into their kinds, in the order given."""
    by_kind: dict[str, list[Any]] = {one.sorted_into: [] for one in DECLARATIONS}
    for fact in facts:
        by_kind[BY_VALUE[type(fact)].sorted_into].append(fact)
    sorted_: dict[str, Any] = {name: tuple(found) for name, found in by_kind.items()}
    return Facts(**sorted_)


def _on_and_at(point: Point | None, zone: ZoneInfo) -> tuple[date | None, datetime | None]:
    if point is None:
        return None, None
    return day_of(point, zone), point if isinstance(point, datetime) else None
