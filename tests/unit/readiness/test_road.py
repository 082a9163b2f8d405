"""The road to infusion, gate by gate."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from schedules.domain.readiness.road import Stop, StopState, Traveller, road
from schedules.domain.visits.status import Appointment, Standing, WindowPosition

TODAY, DAY = date(2026, 12, 1), timedelta(days=1)
DONE = Standing(WindowPosition.OPEN, Appointment.DONE)
MISSED = Standing(WindowPosition.CLOSED, Appointment.MISSED)
OPEN = Standing(WindowPosition.OPEN, Appointment.TO_BOOK)
UPCOMING = Standing(WindowPosition.UPCOMING, Appointment.TO_BOOK)
CLOSED = Standing(WindowPosition.CLOSED, Appointment.TO_RECORD)
LATE_BOOKED = Standing(WindowPosition.CLOSED, Appointment.BOOKED)
FIRST = Traveller(
    today=TODAY,
    day_zero=TODAY + 9 * DAY,
    screening=(OPEN,),
    criteria_open=False,
    product_ready=False,
    product_broken=False,
    gated=True,
    start_refused=False,
    has_chemotherapy=True,
    began=None,
    on_hold=False,
)


@pytest.mark.parametrize(
    ("visits", "state"),
    [
        ((), StopState.NOT_APPLICABLE),
        ((DONE,), StopState.PASSED),
        ((DONE, MISSED), StopState.BLOCKED),
        ((DONE, OPEN), StopState.HERE),
        ((UPCOMING,), StopState.TO_COME),
        ((OPEN, CLOSED), StopState.BLOCKED),
        ((LATE_BOOKED,), StopState.HERE),
    ],
)
def test_screening_stands_as_its_visits_do(visits, state) -> None:
    assert road(replace(FIRST, screening=visits))[Stop.SCREENING] is state
    assert road(replace(FIRST, screening=visits, began=TODAY))[Stop.SCREENING] is StopState.PASSED


@pytest.mark.parametrize(
    ("changed", "stop", "state"),
    [
        ({}, Stop.ELIGIBLE, StopState.TO_COME),
        ({"screening": (DONE,)}, Stop.ELIGIBLE, StopState.PASSED),
        ({"screening": (DONE,), "criteria_open": True}, Stop.ELIGIBLE, StopState.BLOCKED),
        ({"began": TODAY}, Stop.ELIGIBLE, StopState.PASSED),
        ({"product_ready": None}, Stop.PRODUCT, StopState.NOT_APPLICABLE),
        ({}, Stop.PRODUCT, StopState.TO_COME),
        ({"product_broken": True}, Stop.PRODUCT, StopState.BLOCKED),
        ({"product_broken": True, "product_ready": True}, Stop.PRODUCT, StopState.PASSED),
        ({"gated": False}, Stop.GATE, StopState.NOT_APPLICABLE),
        ({}, Stop.GATE, StopState.TO_COME),
        ({"start_refused": True}, Stop.GATE, StopState.BLOCKED),
        ({"began": TODAY}, Stop.GATE, StopState.PASSED),
        ({"has_chemotherapy": False}, Stop.CHEMOTHERAPY, StopState.NOT_APPLICABLE),
        ({}, Stop.CHEMOTHERAPY, StopState.TO_COME),
        ({"began": TODAY}, Stop.CHEMOTHERAPY, StopState.HERE),
        ({"began": TODAY, "on_hold": True}, Stop.CHEMOTHERAPY, StopState.PASSED),
        ({"began": TODAY - 5 * DAY, "day_zero": TODAY}, Stop.CHEMOTHERAPY, StopState.PASSED),
        ({}, Stop.HOLD, StopState.NOT_APPLICABLE),
        ({"on_hold": True}, Stop.HOLD, StopState.HERE),
        ({}, Stop.DAY_ZERO, StopState.TO_COME),
        ({"day_zero": TODAY}, Stop.DAY_ZERO, StopState.HERE),
        ({"day_zero": TODAY - DAY}, Stop.DAY_ZERO, StopState.BLOCKED),
    ],
)
def test_each_gate_stands_as_what_is_known_says(changed, stop, state) -> None:
    assert road(replace(FIRST, **changed))[stop] is state


def test_the_gates_come_in_their_order() -> None:
    assert list(road(FIRST)) == list(Stop)
