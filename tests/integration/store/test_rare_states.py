"""Filters of visits by their state find few among many, and none without reading those of other states."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from participants.domain.lifecycle import Step
from participants.models import CourseStep, Participant
from participants.selectors import participants
from schedules.domain.visits.edc_words import EdcStatus
from schedules.domain.visits.status import Appointment, WindowPosition
from schedules.models import Visit
from schedules.selectors.visits.status_query import RARE
from schedules.services.enrolment.enrolling import enrol
from tests.bench.enrolment import cast_of
from tests.bench.sweep import _copies
from tests.cast import NOW, TODAY
from tests.plans import plan_of, reads, rows_of, taken
from trials.models import Role, User
from trials.services.accounts.memberships import grant_membership

pytestmark = pytest.mark.django_db
PEOPLE, VISITS, AT_MOST = 600, 30, 700
"""More people than are read by person, and what a page may take: its frame, whose it is, who may see it."""
STATES = {
    "done": "performed_on = target",
    "missed": "missed_on = target",
    "cancelled": "cancelled_on = target",
    "not applicable": "cancelled_on = target, applies = false",
    "stopped": "cancelled_on = target, applies = false, cancelled_by_id = %(step)s",
    "nothing": "target = target",
}
ASKED = [
    *(f"appointment={one.value}" for one in Appointment),
    *(f"edc_status={one.value}" for one in EdcStatus),
    *(f"window={one.value}" for one in (*RARE, WindowPosition.NOT_APPLICABLE)),
]
"""Not the other positions of windows: the day says which visits are in those, and every day some are."""
BY_INDEX = {
    "appointment=cancelled": "visit_cancelled",
    "appointment=missed": "visit_missed",
    "edc_status=stopped": "visit_stopped",
    "edc_status=skipped": "visit_skipped",
    "window=not-applicable": "visit_not_applicable",
}


@pytest.mark.parametrize("state", STATES)
def test_a_state_that_nobody_is_in_reads_nobody(lane: str, state: str) -> None:
    """All 18,600 visits are in one state: a filter that finds none of them reads no page of them."""
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        many_in(STATES[state])
        found = {one: asked(client, one) for one in ASKED}
    empty = {one: read for one, (shown, read) in found.items() if not shown}
    print(state, empty)
    assert empty
    assert {one: read for one, read in empty.items() if read > AT_MOST} == {}


def test_windows_that_close_on_one_day_are_read_a_page_at_a_time(lane: str) -> None:
    """All 18,600 close on the same day: the forecast reads those that it shows, and puts none in order."""
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        many_in(f"opens = '{TODAY}', target = '{TODAY}', closes = '{TODAY + timedelta(days=3)}'")
        chosen = [one for one in statements_of(client, reverse("forecast")) if one.endswith("LIMIT 101")]
        (plan,) = (plan_of(one, options="ANALYZE") for one in chosen)
    assert taken(plan, Visit._meta.db_table) <= 101


def test_who_comes_today_is_found_past_all_windows_that_are_open(lane: str) -> None:
    """All 18,600 are open, and none is a day on the ward that needs no booking: none of them is read."""
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        many_in(
            f"opens = '{TODAY}', target = '{TODAY}', closes = '{TODAY + timedelta(days=3)}', place = 'clinic'"
        )
        Visit.objects.filter(pk=Visit.objects.order_by("pk")[0].pk).update(booked_on=TODAY)
        coming = [
            one
            for one in statements_of(client, reverse("today"))
            if 'ORDER BY "schedules_visit"."booked_start"' in one
        ]
    (plan,) = (plan_of(one, options="ANALYZE") for one in coming)
    assert taken(plan, Visit._meta.db_table) == 1


def statements_of(client: Client, address: str) -> list[str]:
    """The statements of a page."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [one["sql"] for one in queries.captured_queries]


def test_sqlite_finds_ended_visits_by_their_index(lane: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows an index of a part of the table only by the very words of its condition."""
    if lane != "sqlite":
        pytest.skip("PostgreSQL is asked what it reads")
    monkeypatch.setattr(participants, "MOST_BY_PERSON", 0)  # as where there are many
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        enrol(enrolment=cast_of(1, VISITS)[0], by=None)
        plans = {one: sqlite_plans(client, one) for one in BY_INDEX}
    assert {one: plans[one] for one, name in BY_INDEX.items() if name not in plans[one]} == {}


def sqlite_plans(client: Client, query: str) -> str:
    """The plans of the statements that read visits for a filter."""
    told = []
    statements = statements_of(client, f"{reverse('api-visits')}?{query}")
    with connection.cursor() as cursor:
        for one in statements:
            if reads(one) and Visit._meta.db_table in one:
                cursor.execute(f"EXPLAIN QUERY PLAN {one}")
                told += [row[-1] for row in cursor.fetchall()]
    return "\n".join(told)


def everywhere() -> Client:
    """Somebody who sees everything."""
    user = User.objects.create_user("all")
    grant_membership(user=user, role=Role.COORDINATOR, starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    return client


def many_in(state: str) -> None:
    """So many people, all of whose visits are in this state."""
    (enrolment,) = cast_of(1, VISITS)
    first = enrol(enrolment=enrolment, by=None)
    step = CourseStep.objects.create(participant=first, step=Step.WITHDRAWAL, happened_on=TODAY)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in (Participant, Visit):
            cursor.execute(_copies(model, first.pk, PEOPLE))
        cursor.execute(f"UPDATE {Visit._meta.db_table} SET {state}", {"step": step.pk})
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE")


def asked(client: Client, query: str) -> tuple[bool, int]:
    """Whether a filter finds any visit, and how many rows it took."""
    address = f"{reverse('api-visits')}?{query}"
    return bool(client.get(address).json()["results"]), rows_of(client, address)
