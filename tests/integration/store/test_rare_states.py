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
from schedules.selectors.exchange import visit_rows
from schedules.selectors.today import counted, counted_of_many
from schedules.selectors.today.counted import MOST
from schedules.selectors.today.counted_of_many import LOOKED_AT
from schedules.selectors.visits.status_query import RARE
from schedules.services.enrolment.enrolling import enrol
from schedules.web.today import views
from tests.bench.enrolment import cast_of
from tests.bench.sweep import _copies
from tests.cast import NOW, TODAY
from tests.plans import plan_of, reads, rows_of, taken
from trials.models import Role, User
from trials.services.accounts.memberships import grant_membership

pytestmark = pytest.mark.django_db
PAST, SOON, FAR = (TODAY + timedelta(days=days) for days in (-3, 3, 90))
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
"""Not the other positions of windows: the day says which visits are in those."""
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


ENDED, TO_COME = (f"opens = '{day}', target = '{day}', closes = '{day}'" for day in (PAST, FAR))
AHEAD = [
    f"window={one.value}" for one in (WindowPosition.UPCOMING, WindowPosition.OPEN, WindowPosition.LAST_DAYS)
]


@pytest.mark.parametrize("done", ["NULL", "target"])
@pytest.mark.parametrize(
    ("state", "empty"),
    [(ENDED, AHEAD), (TO_COME, ["window=closed", "window=last-days"])],
    ids=["ended", "to come"],
)
def test_a_window_that_nothing_is_in_reads_nobody(lane: str, state: str, empty: list[str], done: str) -> None:
    """The day tells who can be in it: of an archive of years nothing is passed for what goes on today."""
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        many_in(f"{state}, performed_on = {done}")
        found = {one: asked(client, one) for one in empty}
    print(state, done, found)
    assert {one: read for one, read in found.items() if read[0] or read[1] > AT_MOST} == {}


@pytest.mark.parametrize("order", ["", "&order=target"])
def test_windows_that_are_looked_up_are_those_that_are_walked_to(order: str, client: Client) -> None:
    """One person's visits before, on and after the day, some of them done: page by page the same."""
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        first = enrol(enrolment=cast_of(1, VISITS)[0], by=None)
        for number, visit in enumerate(Visit.objects.filter(participant=first).order_by("pk")):
            opens = TODAY + timedelta(days=number - 16)
            visit.opens, visit.target, visit.closes = opens, opens, opens + timedelta(days=number % 9)
            visit.anchor_kind = "actual"
            visit.performed_on = opens if number % 3 == 0 and opens <= TODAY else None
            visit.save()
        windows = [f"window={one.value}" for one in WindowPosition]
        windows += [
            "window=open&window=last-days",
            "window=open&window=closed",
            "window=last-days&window=waiting",
        ]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(participants, "MOST_BY_PERSON", 0)
            looked_up = {one: ids_listed(client, f"{one}{order}") for one in windows}
            patched.setattr(visit_rows, "IN_REACH", 0)
            walked = {one: ids_listed(client, f"{one}{order}") for one in windows}
    assert looked_up == walked
    assert sum(map(len, looked_up.values())) > VISITS


def ids_listed(client: Client, query: str) -> list[str]:
    """The visits that a filter finds, in their order, over pages of four."""
    address: str | None = f"{reverse('api-visits')}?{query}&page_size=4"
    found = []
    while address:
        answer = client.get(address).json()
        found += [one["id"] for one in answer["results"]]
        address = answer["next"]
    return found


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


TODAYS = {
    "open": f"opens = '{TODAY}', target = '{TODAY}', closes = '{SOON}', place = 'clinic'",
    "open long": f"opens = '{TODAY}', target = '{TODAY}', closes = '{FAR}', place = 'clinic'",
    "ahead": f"opens = '{SOON}', target = '{SOON}', closes = '{FAR}', place = 'clinic'",
    "past": f"opens = '{PAST}', target = '{PAST}', closes = '{PAST}', anchor_kind = 'actual'",
    "booked": f"opens = '{PAST}', target = '{TODAY}', closes = '{SOON}', booked_on = '{TODAY}'",
    "was booked": f"opens = '{PAST}', target = '{TODAY}', closes = '{SOON}', booked_on = '{PAST}'",
    "lost": f"opens = '{SOON}', target = '{SOON}', closes = '{SOON}', booked_on = '{TODAY}'",
    "on the ward": f"opens = '{PAST}', target = '{PAST}', closes = '{SOON}', timing = 'over',"
    "place = CASE WHEN participant_id %% 10 = 0 THEN 'ward' ELSE 'clinic' END",
    "nothing": "performed_on = target",
}
"""What all 18,600 visits are, for which Today counts so many."""


@pytest.mark.parametrize("state", TODAYS)
def test_today_of_many_reads_no_more_than_it_counts(lane: str, state: str) -> None:
    """Whatever all visits are: a part of the page has them, and others are not looked for among them."""
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        many_in(TODAYS[state])
        answer = client.get(reverse("today"))
        some = [one for one in statements_of(client, reverse("today")) if Visit._meta.db_table in one]
        some = [one for one in some if "EXTRACT" not in one]  # years without a calendar count all visits
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # so few rows are read whole otherwise
        read = {one: taken(plan_of(one, options="ANALYZE"), Visit._meta.db_table) for one in some}
    found, more = answer.context["counts"], answer.context["board"].more
    print(state, found, sorted(more), sorted(read.values(), reverse=True)[:6])
    parts = {part for part in ("coming", "book", "record") if found[part]}
    assert {part for part in parts if found[part] == MOST} == parts & more
    assert sum(read.values()) <= 4 * LOOKED_AT


def test_today_counts_a_part_to_its_end_where_few_are_in_it(client: Client) -> None:
    """Of many people too, and says nothing of a bound; with more than the bound it says both."""
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        first = enrol(enrolment=cast_of(1, VISITS)[0], by=None)
        Visit.objects.filter(participant=first).update(
            opens=PAST, target=PAST, closes=PAST, anchor_kind="actual"
        )
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(participants, "MOST_BY_PERSON", 0)
            every = client.get(reverse("today"))
            patched.setattr(counted, "MOST", 20)
            patched.setattr(counted_of_many, "LOOKED_AT", 25)
            patched.setattr(views, "MOST", 20)
            bounded = client.get(reverse("today"))
    assert (every.context["counts"]["record"], every.context["counted_to"]) == (VISITS, 0)
    assert f"{VISITS} past their window" in every.content.decode()
    assert (bounded.context["counts"]["record"], bounded.context["counted_to"]) == (20, 20)
    said = bounded.content.decode()
    assert "20+ past their window" in said
    assert "Each part is counted up to 20 visits" in said


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
    reach = ("visit_live_by_closes", "visit_over_by_closes")
    with time_machine.travel(NOW, tick=True):
        client = everywhere()
        enrol(enrolment=cast_of(1, VISITS)[0], by=None)
        windows = sqlite_plans(client, "window=open")
        plans = {one: sqlite_plans(client, one) for one in BY_INDEX}
    assert {one: plans[one] for one, name in BY_INDEX.items() if name not in plans[one]} == {}
    assert [name for name in reach if name not in windows] == [], windows


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
