"""A whole protocol document (format 1): what stands beside its visits and windows, and its head."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Strict

from trials.domain.protocols.offsets import MonthLength
from trials.domain.protocols.protocol import (
    Block,
    Conflict,
    DayCount,
    DoseLevel,
    Epoch,
    Gate,
    GateBefore,
    HoldRule,
    ProductRule,
    Protocol,
)
from trials.formats.protocols.naming import named_windows
from trials.formats.protocols.parts import (
    BasisPart,
    Day,
    Label,
    OffsetText,
    OnlyWith,
    Part,
    no_truth,
)
from trials.formats.protocols.sections import (
    ActivityPart,
    AnchorPart,
    FactPart,
    NamePart,
    SourcePart,
    TraitPart,
    VisitPart,
    WindowPart,
)

FORMAT = 1


class DoseLevelPart(NamePart):
    """One dose level of an escalation."""

    basis: BasisPart
    planned: int | None = None

    def value(self) -> DoseLevel:
        """The dose level in the domain."""
        return DoseLevel(self.code, self.label, self.basis.value(), self.planned)


class GatePart(NamePart):
    """What must have ended or passed before the next participant or level."""

    before: Annotated[GateBefore, Strict(False)]
    basis: BasisPart
    observation: str | None = None
    interval: OffsetText | None = None
    first_of_level_interval: OffsetText | None = None
    review: bool = False

    def value(self) -> Gate:
        """The gate in the domain."""
        return Gate(
            code=self.code,
            label=self.label,
            before=self.before,
            basis=self.basis.value(),
            observation=self.observation,
            interval=self.interval,
            first_of_level_interval=self.first_of_level_interval,
            review=self.review,
        )


class HoldPart(Part):
    """How long the infusion may wait once chemotherapy has begun."""

    longest: OffsetText
    then: Label
    basis: BasisPart
    afebrile: OffsetText | None = None
    escalate_after: OffsetText | None = None

    def value(self) -> HoldRule:
        """The rule in the domain."""
        return HoldRule(self.longest, self.then, self.basis.value(), self.afebrile, self.escalate_after)


class ProductPart(Part):
    """How long a product usually takes from one milestone to the next."""

    shipped: OffsetText
    received: OffsetText
    quality_control: OffsetText
    released: OffsetText
    basis: BasisPart

    def value(self) -> ProductRule:
        """The rule in the domain."""
        steps = (self.shipped, self.received, self.quality_control, self.released)
        return ProductRule(*steps, self.basis.value())


class ConflictPart(Part):
    """Two statements of one record that disagree."""

    about: str
    statements: list[Label]
    taken: Label

    def value(self) -> Conflict:
        """The conflict in the domain."""
        return Conflict(self.about, tuple(self.statements), self.taken)


V_co = TypeVar("V_co", covariant=True)


class _Valued(typing.Protocol[V_co]):
    def value(self) -> V_co:
        """The part in the domain."""


def values(parts: Iterable[_Valued[V_co]]) -> tuple[V_co, ...]:
    """The parts in the domain, in their order."""
    return tuple(part.value() for part in parts)


def value_of(part: _Valued[V_co] | None) -> V_co | None:
    """A part in the domain; None where the document has none."""
    return None if part is None else part.value()


class DocumentPart(Part):
    """The whole document."""

    format: Annotated[Literal[1], BeforeValidator(no_truth)]
    trial: str
    version: str
    title: Label
    zone: str
    day_zero: str
    day_count: Annotated[Literal[0, 1], BeforeValidator(no_truth)] = 0
    month: Annotated[Literal["calendar", 28, 30], BeforeValidator(no_truth)] = "calendar"
    planned_number: int | None = None
    planned_end: Day | None = None
    planned_end_basis: BasisPart | None = None
    sources: list[SourcePart] = []
    epochs: list[NamePart]
    traits: list[TraitPart] = []
    anchors: list[AnchorPart]
    blocks: list[NamePart] = []
    visits: list[VisitPart]
    activities: list[ActivityPart] = []
    windows: list[WindowPart] = []
    facts: list[FactPart] = []
    dose_levels: list[DoseLevelPart] = []
    gates: list[GatePart] = []
    hold: HoldPart | None = None
    product: ProductPart | None = None
    conflicts: list[ConflictPart] = []
    notes: list[Label] = []
    unscheduled_epochs: list[str] = []
    rules = (OnlyWith("planned_end_basis", "planned_end"),)

    def value(self) -> Protocol:
        """The protocol in the domain, not yet judged by its rules."""
        facts = values(self.facts)
        return Protocol(
            trial=self.trial,
            version=self.version,
            title=self.title,
            zone=self.zone,
            day_zero=self.day_zero,
            day_count=DayCount(str(self.day_count)),
            month=MonthLength(str(self.month)),
            planned_number=self.planned_number,
            planned_end=self.planned_end,
            planned_end_basis=value_of(self.planned_end_basis),
            sources=values(self.sources),
            epochs=tuple(Epoch(part.code, part.label) for part in self.epochs),
            traits=values(self.traits),
            anchors=values(self.anchors),
            blocks=tuple(Block(part.code, part.label) for part in self.blocks),
            visits=values(self.visits),
            activities=values(self.activities),
            windows=named_windows(values(self.windows), facts),
            facts=facts,
            dose_levels=values(self.dose_levels),
            gates=values(self.gates),
            hold=value_of(self.hold),
            product=value_of(self.product),
            conflicts=values(self.conflicts),
            notes=tuple(self.notes),
            unscheduled_epochs=tuple(self.unscheduled_epochs),
        )
