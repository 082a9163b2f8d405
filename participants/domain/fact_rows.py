"""Facts as they are stored: one row for each, and back.

A point that is a whole day stands in the day alone; an instant stands beside its local day and the zone
of the site where it was recorded. What only one kind has goes into `detail`, as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from participants.domain.facts import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Dose,
    Event,
    Fact,
    Facts,
    Illness,
    Infection,
    Lodging,
    NightAway,
    Occurrence,
    Point,
    Procedure,
    TestResult,
    Vaccination,
    Waiver,
)
from participants.domain.moments import day_of, on_record, zone_on_record

_HOUR = timedelta(hours=1)


class FactKind(StrEnum):
    """The kinds of facts, as they are stored."""

    LODGING = "lodging"
    NIGHT_AWAY = "night-away"
    COMPANION = "companion"
    ADMISSION = "admission"
    TEST = "test"
    DOSE = "dose"
    VACCINATION = "vaccination"
    ILLNESS = "illness"
    INFECTION = "infection"
    PROCEDURE = "procedure"
    EVENT = "event"
    CONFIRMATION = "confirmation"
    WAIVER = "waiver"


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


_KINDS: Mapping[type, FactKind] = {
    Lodging: FactKind.LODGING,
    NightAway: FactKind.NIGHT_AWAY,
    CompanionConfirmed: FactKind.COMPANION,
    Admission: FactKind.ADMISSION,
    TestResult: FactKind.TEST,
    Dose: FactKind.DOSE,
    Vaccination: FactKind.VACCINATION,
    Illness: FactKind.ILLNESS,
    Infection: FactKind.INFECTION,
    Procedure: FactKind.PROCEDURE,
    Event: FactKind.EVENT,
    Confirmation: FactKind.CONFIRMATION,
    Waiver: FactKind.WAIVER,
}
# The field of each kind that names what the fact is of, and those that say from when and until when.
_NAMES = {
    FactKind.TEST: "test",
    FactKind.DOSE: "drug",
    FactKind.VACCINATION: "vaccine",
    FactKind.CONFIRMATION: "topic",
    FactKind.WAIVER: "window",
}
_SPANS = {
    FactKind.LODGING: ("from_day", "to_day"),
    FactKind.NIGHT_AWAY: ("day", None),
    FactKind.COMPANION: ("from_day", "to_day"),
    FactKind.ADMISSION: ("admitted_at", "discharged_at"),
    FactKind.TEST: ("taken_at", "resulted_at"),
    FactKind.DOSE: ("taken_at", None),
    FactKind.VACCINATION: ("given_at", None),
    FactKind.ILLNESS: ("from_day", "to_day"),
    FactKind.INFECTION: ("from_day", "to_day"),
}


def kind_of(fact: Fact) -> FactKind:
    """Which kind a fact is of."""
    return _KINDS[type(fact)]


def span_fields(kind: FactKind) -> tuple[str, str | None]:
    """The fields of a kind that say from when and until when; the second None where it is a moment."""
    return _SPANS.get(kind, ("at", None))


def row_of(fact: Fact, zone: ZoneInfo) -> FactRow:
    """A fact as it is stored; the days of instants are those of the site's zone, or of their record."""
    kind = kind_of(fact)
    first, last = span_fields(kind)
    starts, ends = getattr(fact, first), getattr(fact, last) if last else None
    of = str(getattr(fact, _NAMES.get(kind, "code"), ""))
    days = (*_on_and_at(starts, zone), *_on_and_at(ends, zone))
    zones = (zone_on_record(starts, zone), zone_on_record(ends, zone))
    return FactRow(kind.value, of, *days, _detail(fact), fact.ref, *zones)


def fact_of(row: FactRow, zone: ZoneInfo) -> Fact:
    """A stored fact as a value, its instants in the zone in which they were recorded, else in the site's.

    Raises ValueError for an unknown kind.
    """
    starts: Any = on_record(row.starts_at, row.starts_zone, zone) or row.starts_on
    ends: Any = on_record(row.ends_at, row.ends_zone, zone) or row.ends_on
    return _READERS[FactKind(row.kind)](row, starts, ends)


def facts_of(rows: Iterable[FactRow], zone: ZoneInfo) -> Facts:
    """All stored facts of one participant, sorted into their kinds."""
    return gathered(fact_of(row, zone) for row in rows)


def gathered(facts: Iterable[Fact]) -> Facts:
    """Facts sorted into their kinds, in the order given."""
    by_kind: dict[str, list[Any]] = {name: [] for name in set(_PLACES.values())}
    for fact in facts:
        by_kind[_PLACES[type(fact)]].append(fact)
    sorted_: dict[str, Any] = {name: tuple(found) for name, found in by_kind.items()}
    return Facts(**sorted_)


_PLACES: Mapping[type, str] = {
    Lodging: "lodgings",
    NightAway: "nights_away",
    CompanionConfirmed: "companions",
    Admission: "admissions",
    TestResult: "tests",
    Confirmation: "confirmations",
    Waiver: "waivers",
    **dict.fromkeys((Dose, Vaccination, Illness, Infection, Procedure, Event), "occurrences"),
}


def _detail(fact: Fact) -> dict[str, Any]:
    """What only this kind has, without what is not known."""
    writer = _WRITERS.get(type(fact))
    found = writer(fact) if writer else {}
    return {name: value for name, value in found.items() if value is not None}


def _on_and_at(point: Point | None, zone: ZoneInfo) -> tuple[date | None, datetime | None]:
    if point is None:
        return None, None
    return day_of(point, zone), point if isinstance(point, datetime) else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _dose(row: FactRow, starts: Any, _ends: Any) -> Occurrence:
    hours, get = row.detail.get("half_life_hours"), row.detail.get
    half_life = None if hours is None else timedelta(hours=float(hours))
    return Dose(row.of, starts, half_life, get("source", ""), get("name", ""), row.ref)


def _confirmation(row: FactRow, starts: Any, _ends: Any) -> Fact:
    get = row.detail.get
    return Confirmation(row.of, starts, get("visit"), _day(get("since")), get("holds", True), row.ref)


def _waiver(row: FactRow, starts: Any, _ends: Any) -> Fact:
    get = row.detail.get
    return Waiver(row.of, get("by", ""), get("role", ""), get("reason", ""), starts, row.ref)


_READERS: Mapping[FactKind, Callable[[FactRow, Any, Any], Fact]] = {
    FactKind.LODGING: lambda row, a, b: Lodging(a, b, row.detail["minutes"], row.ref),
    FactKind.NIGHT_AWAY: lambda row, a, _: NightAway(a, row.detail.get("minutes"), row.ref),
    FactKind.COMPANION: lambda row, a, b: CompanionConfirmed(a, b, row.ref),
    FactKind.ADMISSION: lambda row, a, b: Admission(a, b, _day(row.detail.get("planned_discharge")), row.ref),
    FactKind.TEST: lambda row, a, b: TestResult(
        row.of, a, b, row.detail.get("result"), row.ref, row.detail.get("visit")
    ),
    FactKind.DOSE: _dose,
    FactKind.VACCINATION: lambda row, a, _: Vaccination(row.of, a, row.ref),
    FactKind.ILLNESS: lambda row, a, b: Illness(row.of, a, b, row.ref),
    FactKind.INFECTION: lambda row, a, b: Infection(a, b, row.of, row.ref),
    FactKind.PROCEDURE: lambda row, a, _: Procedure(row.of, a, row.ref),
    FactKind.EVENT: lambda row, a, _: Event(row.of, a, row.ref, row.detail.get("visit")),
    FactKind.CONFIRMATION: _confirmation,
    FactKind.WAIVER: _waiver,
}


def _detail_of_dose(dose: Dose) -> dict[str, Any]:
    hours = None if dose.half_life is None else dose.half_life / _HOUR
    return {"half_life_hours": hours, "source": dose.source or None, "name": dose.name or None}


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


_WRITERS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Lodging: lambda fact: {"minutes": fact.minutes},
    NightAway: lambda fact: {"minutes": fact.minutes},
    Admission: lambda fact: {"planned_discharge": _text(fact.planned_discharge)},
    TestResult: lambda fact: {"result": fact.result, "visit": fact.visit},
    Event: lambda fact: {"visit": fact.visit},
    Dose: _detail_of_dose,
    Confirmation: lambda fact: {"visit": fact.visit, "since": _text(fact.since), "holds": fact.holds},
    Waiver: lambda fact: {"by": fact.by, "role": fact.role, "reason": fact.reason},
}
