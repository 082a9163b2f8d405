"""Whether lists read more than they show: the plan is asked before and after many more people come.

PostgreSQL says how many rows each step of a plan took. `make bench-web` prints the pages of 8 KB.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from participants.models import Anchor, Participant
from schedules.models import CalendarState, ProtocolWindow, Visit
from schedules.services.enrolment.enrolling import enrol
from tests.bench.enrolment import cast_of
from tests.bench.sweep import _copies
from tests.cast import NOW, TODAY
from trials.models import Site, TrialSite, User
from trials.services.accounts.memberships import grant_membership

pytestmark = [pytest.mark.django_db, pytest.mark.long]
FEW, MANY, SITES = 600, 6_000, 8
LISTS = ("today", "participants", "flags", "forecast", "screening-log", "enrolment-log", "api-visits")


def test_ten_times_the_people_make_no_list_read_more(lane: str) -> None:
    """Each of them has thirty visits, and none of those is read: at most two rows for each person who came.

    How many people there are and what is due is counted and shown.
    """
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        (enrolment,) = cast_of(1, 30)
        first = enrol(enrolment=enrolment, by=None).pk
        for number in range(1, SITES):
            site = Site.objects.create(code=f"P{number}", name=f"Place {number}", zone="Asia/Shanghai")
            TrialSite.objects.create(trial=enrolment.trial, site=site)
        reader = User.objects.create_user("monitor")
        grant_membership(user=reader, role="monitor", starts_on=TODAY, by=None)
        copied(first, 1, FEW)
        before = {name: rows_of(reader, name) for name in LISTS}
        copied(first, FEW + 1, MANY)
        after = {name: rows_of(reader, name) for name in LISTS}
    print({name: (before[name], after[name]) for name in LISTS})
    most = {name: 2 * max(before[name], 500) + 2 * (MANY - FEW) for name in LISTS}
    grown = {name: after[name] for name in LISTS if after[name] > most[name]}
    assert not grown


def copied(first: int, start: int, stop: int) -> None:
    """The people of these numbers, each a day later than the one before, over all sites."""
    places = list(Site.objects.order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in (Participant, Anchor, Visit, ProtocolWindow, CalendarState):
            cursor.execute(_copies(model, first, stop).replace("series(1,", f"series({start},"))
        moved = "UPDATE participants_participant SET site_id = (%s::bigint[])[1 + id %% %s] WHERE id >= %s"
        cursor.execute(moved, [places, len(places), start])
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE")


def rows_of(reader: User, name: str) -> int:
    """How many rows the statements of a list took from tables and indexes, where no table is read whole."""
    client, asked = Client(), []
    client.force_login(reader)
    client.get(reverse(name))

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert client.get(reverse(name)).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        read = 0
        for sql, params in asked:
            if sql.lstrip("( ").upper().startswith("SELECT"):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                (found,) = cursor.fetchone()
                read += taken((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
        cursor.execute("SET LOCAL enable_seqscan = on")
    return read


def taken(plan: dict[str, Any]) -> int:
    """The rows that the scans of a plan took, those that a filter left out too."""
    parts = plan.get("Plans", ())
    own = 0
    if "Scan" in plan["Node Type"] and "Relation Name" in plan:
        own = int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])
    return own + sum(taken(part) for part in parts)
