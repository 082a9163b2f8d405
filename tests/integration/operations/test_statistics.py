"""A database whose tables PostgreSQL knows nothing of, as after a restore."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from schedules.services.enrolment.enrolling import enrol
from tests.cast import TODAY, a_site, a_version, an_enrolment
from tests.plans import plan_of, steps_of
from trials.models import Role, User
from trials.services.accounts.memberships import grant_membership
from trials.services.operations.statistics import gather_missing_statistics

pytestmark = pytest.mark.django_db


def people(count: int) -> User:
    """Enrol so many, and give somebody who sees them."""
    site, version = a_site(), a_version()
    for number in range(count):
        enrol(enrolment=an_enrolment(version, site=site, subject_code=f"S01-{number:03}"), by=None)
    reader = User.objects.create_user("reader")
    grant_membership(user=reader, role=Role.COORDINATOR, starts_on=TODAY, by=None, site=site)
    return reader


def known_columns(table: str) -> int:
    """Of how many columns of a table PostgreSQL knows what is in them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stats WHERE tablename = %s", [table])
        return int(cursor.fetchone()[0])


def test_migrating_looks_at_the_filled_tables_that_nobody_has_looked_at(lane: str) -> None:
    """A restore migrates, and so does a new release: who filled the tables does not matter."""
    people(1)
    if lane != "postgres":
        assert gather_missing_statistics() == []
        return
    assert known_columns("schedules_visit") == 0
    call_command("migrate", verbosity=0)
    assert known_columns("schedules_visit") > 0
    assert "schedules_visit" not in gather_missing_statistics()


@pytest.mark.parametrize("asked", ["", "?order=target", "?appointment=to-book", "?window=open"])
def test_a_list_of_visits_finds_its_page_once_whatever_is_known_of_the_tables(lane: str, asked: str) -> None:
    """Joined with the page, each visit that there is had the page found anew (34 s at 9,000 visits)."""
    if lane != "postgres":
        pytest.skip("SQLite plans by the statement alone")
    client = Client()
    client.force_login(people(2))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{reverse('api-visits')}{asked}").json()["results"] or asked == "?window=open"
    pages = [one["sql"] for one in queries if '."opens"' in one["sql"] and "cs" in one["sql"]]
    assert pages
    for sql in pages:
        limits = [one for one in steps_of(plan_of(sql)) if one["Node Type"] == "Limit"]
        assert [one["Parent Relationship"] for one in limits] == ["InitPlan"]
