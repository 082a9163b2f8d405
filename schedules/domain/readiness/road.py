"""The road to infusion: which gates a participant has passed, where they are, and what blocks the way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schedules.domain.visits.status import Appointment, Standing, WindowPosition


class Stop(StrEnum):
    """A gate on the road, in its order."""

    SCREENING = "screening"
    ELIGIBLE = "eligible"
    PRODUCT = "product"
    GATE = "gate"
    CHEMOTHERAPY = "chemotherapy"
    HOLD = "hold"
    DAY_ZERO = "day-zero"


class StopState(StrEnum):
    """How a participant stands at a gate."""

    PASSED = "ok"
    HERE = "here"
    BLOCKED = "block"
    TO_COME = "wait"
    NOT_APPLICABLE = "none"


@dataclass(frozen=True, slots=True)
class Traveller:
    """What the road is drawn from: the standing of screening visits, open flags, product, gate, days.

    `product_ready` is None where the protocol asks for no product, `gated` says whether others are waited
    for. `chemotherapy` holds the planned and actual first day of the point of no return; `has_chemotherapy`
    says whether the protocol gives any.
    """

    today: date
    day_zero: date
    screening: Sequence[Standing]
    criteria_open: bool
    product_ready: bool | None
    product_broken: bool
    gated: bool
    start_refused: bool
    has_chemotherapy: bool
    began: date | None
    on_hold: bool


def road(person: Traveller) -> dict[Stop, StopState]:
    """How a participant stands at every gate of the road."""
    screening = _screening(person.screening)
    begun = person.began is not None
    found = {
        Stop.SCREENING: StopState.PASSED if begun else screening,
        Stop.ELIGIBLE: _eligible(person, screening),
        Stop.PRODUCT: _product(person),
        Stop.GATE: _gate(person),
        Stop.CHEMOTHERAPY: _chemotherapy(person),
        Stop.HOLD: StopState.HERE if person.on_hold else StopState.NOT_APPLICABLE,
        Stop.DAY_ZERO: StopState.HERE if person.day_zero == person.today else StopState.TO_COME,
    }
    if person.day_zero < person.today:
        found[Stop.DAY_ZERO] = StopState.BLOCKED
    return found


def _screening(visits: Collection[Standing]) -> StopState:
    if not visits:
        return StopState.NOT_APPLICABLE
    to_come = [one for one in visits if one.live]
    if not to_come:
        missed = Appointment.MISSED in {one.appointment for one in visits}
        return StopState.BLOCKED if missed else StopState.PASSED
    if any(_is_too_late_to_book(one) for one in to_come):
        return StopState.BLOCKED
    windows = {one.window for one in to_come}
    return StopState.TO_COME if windows == {WindowPosition.UPCOMING} else StopState.HERE


def _is_too_late_to_book(visit: Standing) -> bool:
    closed = visit.window in {WindowPosition.CLOSED, WindowPosition.NO_CLINIC_DAY_LEFT}
    return closed and visit.appointment is not Appointment.BOOKED


def _eligible(person: Traveller, screening: StopState) -> StopState:
    if person.criteria_open:
        return StopState.BLOCKED
    passed = person.began is not None or screening is StopState.PASSED
    return StopState.PASSED if passed else StopState.TO_COME


def _product(person: Traveller) -> StopState:
    if person.product_ready is None:
        return StopState.NOT_APPLICABLE
    if person.product_ready:
        return StopState.PASSED
    return StopState.BLOCKED if person.product_broken else StopState.TO_COME


def _gate(person: Traveller) -> StopState:
    if not person.gated:
        return StopState.NOT_APPLICABLE
    if person.start_refused:
        return StopState.BLOCKED
    return StopState.PASSED if person.began else StopState.TO_COME


def _chemotherapy(person: Traveller) -> StopState:
    if not person.has_chemotherapy:
        return StopState.NOT_APPLICABLE
    if person.began is None:
        return StopState.TO_COME
    done = person.on_hold or person.day_zero <= person.today
    return StopState.PASSED if done else StopState.HERE
