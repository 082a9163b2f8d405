"""Where a visit stands, in the words of an EDC."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.visits.edc_words import edc_status
from schedules.domain.visits.visit import VisitState
from tests.unit.plan.small import at, days, protocol, visit

DAY = date(2026, 3, 8)
(PLANNED,) = project(protocol(visit("d7", at("P7D", "P7D"))), days(infusion="Sun 2026-03-01")).visits
PLAIN = VisitState.of_plan(PLANNED)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "not-scheduled"),
        ({"booked_on": DAY}, "scheduled"),
        ({"booked_on": DAY, "opens": date(2026, 3, 9)}, "not-scheduled"),
        ({"arrived_on": DAY}, "scheduled"),
        ({"booked_on": DAY, "performed_on": DAY}, "completed"),
        ({"booked_on": DAY, "missed_on": DAY}, "skipped"),
        ({"cancelled_on": DAY}, "skipped"),
        ({"cancelled_on": DAY, "cancelled_by_id": 1}, "stopped"),
        ({"applies": False}, "skipped"),
    ],
)
def test_where_a_visit_stands(known: dict[str, Any], said: str) -> None:
    assert edc_status(PLAIN._replace(**known)) == said
