"""Whatever windows and records there are: the status as a query is the status as a function."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.domain.visits.status import VisitStatus, visit_status
from schedules.models import Visit
from schedules.selectors.store.stored_visits import facts_of
from schedules.selectors.visits.status_query import status_condition
from schedules.services.enrolment.enrolling import enrol
from tests.cast import an_enrolment

pytestmark = pytest.mark.django_db
LONG = bool(os.environ.get("DAYZERO_LONG"))
DAY = date(2027, 2, 14)
SPAN = st.integers(0, 6)


@st.composite
def records(draw: Any) -> dict[str, Any]:
    """What may stand in a visit's row: a window around a day, and any marks that the database allows."""
    target = DAY + timedelta(days=draw(st.integers(-6, 6)))
    opens, closes = target - timedelta(days=draw(SPAN)), target + timedelta(days=draw(SPAN))
    row: dict[str, Any] = {"opens": opens, "target": target, "closes": closes}
    row["timing"] = draw(st.sampled_from(["offset", "within", "each", "over"]))
    row["unscheduled"] = draw(st.booleans())
    end = draw(st.sampled_from(["", "", "", "", "performed_on", "missed_on", "cancelled_on", "never"]))
    if end == "never":
        return row | {"cancelled_on": DAY, "applies": False}
    if end:
        row[end] = target + timedelta(days=draw(st.integers(-8, 8)))
    return row | ({"held_on": DAY} if draw(st.integers(0, 3)) == 0 else {})


def test_query_and_function_agree() -> None:
    participant = enrol(enrolment=an_enrolment(), by=None)
    model = Visit.objects.get(participant=participant, code="d28")
    kept = ("participant_id", "rule_code", "code", "label", "epoch", "place", "anchor_code", "anchor_on",
            "anchor_kind", "offset", "timing_basis")  # fmt: skip
    shared = {name: getattr(model, name) for name in kept}

    reached: Counter[VisitStatus] = Counter()

    @settings(max_examples=1000 if LONG else 20, deadline=None, database=None, derandomize=not LONG)
    @given(st.lists(records(), min_size=12, max_size=25), st.integers(-4, 4))
    def agree(rows: list[dict[str, Any]], days: int) -> None:
        today = DAY + timedelta(days=days)
        with transaction.atomic():
            made = [Visit(**shared, **row, occurrence=n) for n, row in enumerate(rows, 2)]
            Visit.objects.bulk_create(made)
            visits = list(Visit.objects.all())
            for status in VisitStatus:
                found = set(
                    Visit.objects.filter(status_condition(status, today)).values_list("pk", flat=True)
                )
                assert found == {v.pk for v in visits if visit_status(facts_of(v), today) is status}, status
                reached[status] += len(found)
            transaction.set_rollback(True)

    agree()
    assert {status for status, count in reached.items() if count} == set(VisitStatus), reached
