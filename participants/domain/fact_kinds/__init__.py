"""The kinds of facts, a module each: the value, what is kept of it, its form, what refuses it, its words.

A new kind is its word in `FactKind`, its module, its place in this list, and its Chinese messages.
"""

from __future__ import annotations

from participants.domain.fact_kinds.admission import ADMISSION, Admission
from participants.domain.fact_kinds.companion import COMPANION, CompanionConfirmed
from participants.domain.fact_kinds.confirmation import CONFIRMATION, Confirmation
from participants.domain.fact_kinds.declaration import FactDeclaration, FactKind
from participants.domain.fact_kinds.dose import DOSE, Dose
from participants.domain.fact_kinds.event import EVENT, Event
from participants.domain.fact_kinds.illness import ILLNESS, Illness
from participants.domain.fact_kinds.infection import INFECTION, Infection
from participants.domain.fact_kinds.lodging import LODGING, Lodging
from participants.domain.fact_kinds.night_away import NIGHT_AWAY, NightAway
from participants.domain.fact_kinds.procedure import PROCEDURE, Procedure
from participants.domain.fact_kinds.result import TEST, TestResult
from participants.domain.fact_kinds.vaccination import VACCINATION, Vaccination
from participants.domain.fact_kinds.waiver import WAIVER, Waiver

__all__ = [
    "BY_KIND",
    "BY_VALUE",
    "DECLARATIONS",
    "OCCURRENCES",
    "WASHED_OUT",
    "Admission",
    "CompanionConfirmed",
    "Confirmation",
    "Dose",
    "Event",
    "Fact",
    "FactDeclaration",
    "FactKind",
    "Illness",
    "Infection",
    "Lodging",
    "NightAway",
    "Occurrence",
    "Procedure",
    "TestResult",
    "Vaccination",
    "Waiver",
]

Occurrence = Dose | Vaccination | Illness | Infection | Procedure | Event
"""What happened, was taken or lasted: what washouts look for."""
Fact = (
    Lodging | NightAway | CompanionConfirmed | Admission | TestResult | Occurrence | Confirmation | Waiver
)  # fmt: skip

DECLARATIONS = (
    LODGING, NIGHT_AWAY, COMPANION, ADMISSION, TEST, DOSE, VACCINATION, ILLNESS, INFECTION, PROCEDURE, EVENT,
    CONFIRMATION, WAIVER,
)  # fmt: skip
BY_KIND = {one.kind: one for one in DECLARATIONS}
BY_VALUE = {one.value: one for one in DECLARATIONS}
OCCURRENCES = tuple(one.kind for one in DECLARATIONS if one.sorted_into == "occurrences")
"""The kinds that are sorted into what occurred."""
WASHED_OUT = tuple(kind for kind in OCCURRENCES if kind is not FactKind.EVENT)
"""The kinds that a washout can look for, whichever of them a code turns out to be."""
