"""A stay in hospital."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds.declaration import (
    FactDeclaration,
    FactKind,
    Input,
    InputKind,
    Span,
    Warnings,
    kept_day,
    problem,
)
from participants.domain.moments import day_of, first_instant
from participants.domain.performed import PerformedVisit
from trials.domain.protocols.protocol import Place
from trials.domain.refusals import Refusal
from trials.domain.words import Code, Value, Words
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Admission:
    """In hospital from one instant to another; `planned_discharge` is the day the ward has in mind."""

    admitted_at: datetime
    discharged_at: datetime | None = None
    planned_discharge: date | None = None
    ref: str = ""


def _contradicts(fact: Admission, zone: ZoneInfo) -> Iterator[Refusal]:
    """Find a discharge before the admission."""
    if fact.discharged_at is not None and first_instant(fact.discharged_at, zone) < first_instant(
        fact.admitted_at, zone
    ):
        yield problem(
            "discharge-before-admission",
            "discharged_at",
            _("the discharge at %(out)s is before the admission at %(into)s"),
            out=fact.discharged_at,
            into=fact.admitted_at,
        )
    if fact.planned_discharge is not None and fact.planned_discharge < day_of(fact.admitted_at, zone):
        yield problem(
            "discharge-before-admission",
            "planned_discharge",
            _("the planned discharge on %(out)s is before the admission at %(into)s"),
            out=fact.planned_discharge,
            into=fact.admitted_at,
        )


def _overlaps(fact: Admission, other: Admission) -> Iterator[Refusal]:
    """Find two stays that share more than the instant at which one ends and the other begins."""
    first, second = sorted((fact, other), key=lambda admission: admission.admitted_at.timestamp())
    if first.discharged_at is None or second.admitted_at.timestamp() < first.discharged_at.timestamp():
        yield problem(
            "overlapping-admissions",
            "admitted_at",
            _("it overlaps the admission of %(into)s: correct or end that one first"),
            into=other.admitted_at,
        )


def _warns(fact: Admission, performed: Iterable[PerformedVisit], zone: ZoneInfo) -> Warnings:
    """Tell of a visit at home on a day inside the stay."""
    first = day_of(fact.admitted_at, zone)
    last = day_of(fact.discharged_at, zone) if fact.discharged_at else None
    for visit in performed:
        day = day_of(visit.at, zone)
        if visit.place is Place.HOME and first < day and (last is None or day < last):
            values: dict[str, Value] = {"visit": Code(visit.code), "day": day}
            template = _("%(visit)s was performed at home on %(day)s, during this stay in hospital")
            yield "at-home-while-admitted", Words.of(template, values)


def _says(fact: Admission) -> Words | None:
    if fact.planned_discharge is None:
        return None
    return Words.of(_("discharge planned for %(day)s"), {"day": fact.planned_discharge})


ADMISSION = FactDeclaration(
    kind=FactKind.ADMISSION,
    value=Admission,
    label=_("Stay in hospital"),
    sorted_into="admissions",
    span=Span("admitted_at", "discharged_at", lasts=True),
    kept=(kept_day("planned_discharge"),),
    inputs=(
        Input(
            "admitted_at",
            InputKind.POINT,
            _("Admitted on"),
            hour_label=_("Hour"),
            hour_required=True,
        ),
        Input(
            "discharged_at",
            InputKind.POINT,
            _("Discharged on"),
            required=False,
            hour_label=_("Hour of discharge"),
        ),
        Input(
            "planned_discharge",
            InputKind.DAY,
            _("Discharge planned for"),
            _("The day that the ward has in mind."),
            required=False,
        ),
    ),
    happened=("admitted_at", "discharged_at"),
    ahead=("planned_discharge",),
    contradicts=_contradicts,
    overlaps=_overlaps,
    warns=_warns,
    says=_says,
)
