"""What is booked at a site is found without the bookings of other sites on the same days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from participants.models import Participant
from schedules.models import Visit
from schedules.selectors.visits.clashes import clashes_on_record
from schedules.selectors.visits.load import booked_at_clinics
from schedules.services.enrolment.enrolling import enrol
from tests.bench.enrolment import cast_of
from tests.bench.sweep import _copies
from tests.cast import NOW, TODAY, a_site
from tests.plans import plan_of, reads, taken

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE, VISITS = 40, 300, 30


@pytest.mark.parametrize("asked", ["clashes", "load"])
def test_bookings_of_other_sites_are_not_read(lane: str, asked: str) -> None:
    """Of 340 bookings on one day, forty are the site's: the calendar and Today read these alone."""
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        (enrolment,) = cast_of(1, VISITS)
        first = enrol(enrolment=enrolment, by=None)
        visit = booked_today(first)
        asking: dict[str, Callable[[], object]] = {
            "clashes": lambda: clashes_on_record([visit]),
            "load": lambda: booked_at_clinics([first.site_id], TODAY, TODAY + timedelta(days=20)),
        }
        assert HERE <= rows_taken(asking[asked]) <= 2 * HERE + VISITS


def booked_today(first: Participant) -> Visit:
    """So many people here and at another site, each with one visit that is booked today; the first one's."""
    visit = Visit.objects.filter(participant=first).order_by("pk")[0]
    Visit.objects.filter(pk=visit.pk).update(booked_on=TODAY, place="clinic")
    other = a_site("ELSEWHERE")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in (Participant, Visit):
            cursor.execute(_copies(model, first.pk, HERE + ELSEWHERE))
        moved = f"UPDATE {Participant._meta.db_table} SET site_id = %s WHERE id >= %s"
        cursor.execute(moved, [other.pk, first.pk + HERE])
        cursor.execute(
            f"UPDATE {Visit._meta.db_table} SET booked_on = %s WHERE booked_on IS NOT NULL", [TODAY]
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    return Visit.objects.select_related("participant__site").get(pk=visit.pk)


def rows_taken(ask: Callable[[], object]) -> int:
    """The rows of visits that the statements took, where no table is read whole."""
    asked: list[tuple[str, Any]] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        ask()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL enable_seqscan = off")
        plans = [plan_of(sql, params, "ANALYZE") for sql, params in asked if reads(sql)]
        cursor.execute("SET LOCAL enable_seqscan = on")
    return sum(taken(plan, Visit._meta.db_table) for plan in plans)
