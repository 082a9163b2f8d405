"""The status as a query is the status as a function, whatever is on record, on any day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest

from schedules.domain.visits.status import VisitStatus, visit_status
from schedules.models import Visit
from schedules.selectors.store.stored_visits import facts_of
from schedules.selectors.visits.status_query import status_condition
from schedules.services.enrolment.enrolling import enrol
from tests.cast import INFUSION, TODAY, an_enrolment

pytestmark = pytest.mark.django_db
DAYS = (-40, -28, -6, -5, -2, 0, 24, 25, 27, 28, 29, 31, 32, 400)
MARKS = ("missed_on", "cancelled_on", "held_on", "applies")


@pytest.fixture
def visits() -> None:
    """Every visit of one plan, and d28 again with every combination of what may be on record of it."""
    participant = enrol(enrolment=an_enrolment(), by=None)
    model = Visit.objects.get(participant=participant, code="d28")
    copies = []
    for timing, marks in product(("offset", "within"), product((False, True), repeat=len(MARKS))):
        values = {name: TODAY for name, marked in zip(MARKS, marks, strict=True) if marked}
        if "applies" in values:  # what never applied is stored as cancelled too
            values["cancelled_on"] = TODAY
        copies.append({**values, "timing": timing, "applies": "applies" not in values})
    done = [model.opens + timedelta(days=days) for days in (-1, 0, 3, 6, 7)]
    copies += [{"performed_on": day, "held_on": held} for day in done for held in (None, TODAY)]
    for number, values in enumerate(copies, start=2):
        Visit(**{**_fields(model), "occurrence": number, **values}).save(force_insert=True)


def _fields(visit: Visit) -> dict[str, object]:
    own = ("id", "uid")
    return {
        field.attname: getattr(visit, field.attname)
        for field in Visit._meta.concrete_fields
        if field.name not in own
    }


@pytest.mark.parametrize("days", DAYS)
def test_each_visit_has_exactly_the_status_that_is_asked_for(visits: None, days: int) -> None:
    today: date = INFUSION + timedelta(days=days)
    real = {visit.pk: visit_status(facts_of(visit), today) for visit in Visit.objects.all()}
    for status in VisitStatus:
        found = Visit.objects.filter(status_condition(status, today)).values_list("pk", flat=True)
        assert set(found) == {pk for pk, its in real.items() if its is status}, status


def test_the_table_reaches_every_status(visits: None) -> None:
    reached = {
        visit_status(facts_of(visit), INFUSION + timedelta(days=days))
        for visit in Visit.objects.all()
        for days in DAYS
    }
    assert reached == set(VisitStatus)
