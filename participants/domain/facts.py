"""What is recorded about a participant that protocol windows are judged by.

Every fact is a frozen value. Days are whole days in the site's zone; an instant carries its
zone. `ref` is the name under which the fact is stored; the domain only hands it on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from trials.domain.protocols.protocol import Place

Point = date | datetime


@dataclass(frozen=True, slots=True)
class Lodging:
    """Where the nights from `from_day` to `to_day` (both inside; None: until further notice) are spent.

    Only the minutes of travel to the site are kept, never an address. May lie ahead.
    """

    from_day: date
    to_day: date | None
    minutes: int
    ref: str = ""

    def holds(self, night: date) -> bool:
        """Whether the night that begins on this day is one of them."""
        return self.from_day <= night and (self.to_day is None or night <= self.to_day)


@dataclass(frozen=True, slots=True)
class NightAway:
    """The night that began on `day` was spent elsewhere; how far away, where that is known."""

    day: date
    minutes: int | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True)
class CompanionConfirmed:
    """A companion is there on the days from `from_day` to `to_day` (both inside). May lie ahead."""

    from_day: date
    to_day: date | None
    ref: str = ""

    def holds(self, day: date) -> bool:
        """Whether the companion is there on this day."""
        return self.from_day <= day and (self.to_day is None or day <= self.to_day)


@dataclass(frozen=True, slots=True)
class Admission:
    """In hospital from one instant to another; `planned_discharge` is the day the ward has in mind."""

    admitted_at: datetime
    discharged_at: datetime | None = None
    planned_discharge: date | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True)
class TestResult:
    """A sample or examination by its code, when it was taken, and its result once that is known.

    `visit` is the code of the visit with which it was put on record, if it was one.
    """

    test: str
    taken_at: Point
    resulted_at: Point | None = None
    result: str | None = None
    ref: str = ""
    visit: str | None = None

    @property
    def code(self) -> str:
        """The code by which protocols name the test."""
        return self.test


@dataclass(frozen=True, slots=True)
class Dose:
    """A last dose: `drug` is the code that protocols use, `name` the product.

    One half-life, and the `source` it was read from, where a protocol counts in half-lives.
    """

    drug: str
    taken_at: Point
    half_life: timedelta | None = None
    source: str = ""
    name: str = ""
    ref: str = ""

    @property
    def code(self) -> str:
        """The code by which protocols name the drug."""
        return self.drug

    @property
    def first(self) -> Point:
        """When it was taken."""
        return self.taken_at

    @property
    def last(self) -> Point | None:
        """When it was taken."""
        return self.taken_at


@dataclass(frozen=True, slots=True)
class Vaccination:
    """A vaccine given, by its kind: `live-vaccine`, `rna-vaccine`."""

    vaccine: str
    given_at: Point
    ref: str = ""

    @property
    def code(self) -> str:
        """The kind of vaccine."""
        return self.vaccine

    @property
    def first(self) -> Point:
        """When it was given."""
        return self.given_at

    @property
    def last(self) -> Point | None:
        """When it was given."""
        return self.given_at


@dataclass(frozen=True, slots=True)
class Illness:
    """A condition by its code, from one day to another, both inside; None while it lasts."""

    code: str
    from_day: date
    to_day: date | None = None
    ref: str = ""

    @property
    def first(self) -> Point:
        """The day it began."""
        return self.from_day

    @property
    def last(self) -> Point | None:
        """Its last day, None while it lasts."""
        return self.to_day


@dataclass(frozen=True, slots=True)
class Infection:
    """An active infection from one day to another, both inside; None while it lasts."""

    from_day: date
    to_day: date | None = None
    code: str = "infection"
    ref: str = ""

    @property
    def first(self) -> Point:
        """The day it began."""
        return self.from_day

    @property
    def last(self) -> Point | None:
        """Its last day, None while it lasts."""
        return self.to_day


@dataclass(frozen=True, slots=True)
class Procedure:
    """Something done to the participant: `plasma-exchange`, `major-surgery`, `blood-count`."""

    code: str
    at: Point
    ref: str = ""

    @property
    def first(self) -> Point:
        """When it was done."""
        return self.at

    @property
    def last(self) -> Point | None:
        """When it was done."""
        return self.at


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened once: `consent-again`, `lupus-crisis`."""

    code: str
    at: Point
    ref: str = ""
    visit: str | None = None

    @property
    def first(self) -> Point:
        """When it happened."""
        return self.at

    @property
    def last(self) -> Point | None:
        """When it happened."""
        return self.at


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Somebody was asked at `at`, perhaps at a visit, and said how it was since `since`.

    For a conduct: it was kept (`holds`) or broken. For a washout: none was taken. `since` None
    means for as long as the window asks. `topic` is the conduct, the substance or the code of
    the whole window.
    """

    topic: str
    at: Point
    visit: str | None = None
    since: date | None = None
    holds: bool = True
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A window set aside by somebody in a role, with a reason."""

    window: str
    by: str
    role: str
    reason: str
    at: datetime
    ref: str = ""


@dataclass(frozen=True, slots=True)
class PerformedVisit:
    """A visit that took place: its code, when, and where."""

    code: str
    at: Point
    place: Place | None = None


Occurrence = Dose | Vaccination | Illness | Infection | Procedure | Event
Fact = (
    Lodging
    | NightAway
    | CompanionConfirmed
    | Admission
    | TestResult
    | Dose
    | Vaccination
    | Illness
    | Infection
    | Procedure
    | Event
    | Confirmation
    | Waiver
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is on record of one participant, in any order.

    `expected` maps the codes of visits still to come to their days. `ended_at` is when the
    participant withdrew or died: nothing is asked of anybody from then on. `on_hold` says that the
    infusion waits after chemotherapy, so that a planned day gone by is not the day of anything.
    """

    lodgings: tuple[Lodging, ...] = ()
    nights_away: tuple[NightAway, ...] = ()
    companions: tuple[CompanionConfirmed, ...] = ()
    admissions: tuple[Admission, ...] = ()
    tests: tuple[TestResult, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    performed: tuple[PerformedVisit, ...] = ()
    expected: Mapping[str, date] = field(default_factory=dict)
    ended_at: Point | None = None
    on_hold: bool = False

    @property
    def doses(self) -> Iterator[Dose]:
        """The doses among what occurred."""
        return (fact for fact in self.occurrences if isinstance(fact, Dose))

    @property
    def half_lives(self) -> dict[str, timedelta]:
        """The longest half-life on record for each drug: what a window in half-lives is first placed by."""
        found: dict[str, timedelta] = {}
        for dose in self.doses:
            if dose.half_life is not None:
                found[dose.drug] = max(dose.half_life, found.get(dose.drug, dose.half_life))
        return found

    def half_life_of(self, fact: Occurrence, drug: str) -> timedelta | None:
        """One half-life of what was taken: its own, else that of the same product, else of the drug.

        A dose of the drug by another product name lends nothing: its half-life must be entered.
        """
        if isinstance(fact, Dose) and fact.half_life is not None:
            return fact.half_life
        if isinstance(fact, Dose) and fact.drug == drug:
            same = (dose.half_life for dose in self.doses if (dose.drug, dose.name) == (drug, fact.name))
            return next((half_life for half_life in same if half_life is not None), None)
        return self.half_lives.get(drug)
