"""What is recorded about a participant that protocol windows are judged by.

Every fact is a frozen value (`participants.domain.fact_kinds`). Days are whole days in the site's zone; an
instant carries its zone. `ref` is the name under which the fact is stored; the domain only hands it on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta

from participants.domain.fact_kinds import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Dose,
    Lodging,
    NightAway,
    Occurrence,
    TestResult,
    Waiver,
)
from participants.domain.moments import Point
from participants.domain.performed import PerformedVisit


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is on record of one participant, in any order.

    `called` maps the codes under which visits are stored to those by which the protocol may name them;
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
    visit_names: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    expected: Mapping[str, date] = field(default_factory=dict)
    ended_at: Point | None = None
    on_hold: bool = False

    def names_of_visit(self, code: str) -> AbstractSet[str]:
        """The codes by which the protocol may name a visit that is stored under this one."""
        return self.called.get(code) or frozenset({code})

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
        """One half-life of what was taken: its own, else the longest of the same product, else of the drug.

        A dose of the drug by another product name lends nothing: its half-life must be entered.
        """
        if isinstance(fact, Dose) and fact.half_life is not None:
            return fact.half_life
        if isinstance(fact, Dose) and fact.drug == drug:
            same = (dose.half_life for dose in self.doses if (dose.drug, dose.name) == (drug, fact.name))
            # the longest: which dose was entered first must not decide where a washout begins
            return max((half_life for half_life in same if half_life is not None), default=None)
        return self.half_lives.get(drug)
