"""The lanes run where and when they say they run."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.checks import Error, Info
from django.db import connection

from config.connections import enough_connections
from tests.clocks import database_clock_at
from trials.database_time import database_now

VENDORS = {"sqlite": "sqlite", "postgres": "postgresql"}


def asked(statement: str) -> object:
    """Give the first value that the database answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_the_lane_runs_on_the_database_it_names(lane: str) -> None:
    assert connection.vendor == VENDORS[lane]


@pytest.mark.django_db
def test_sqlite_keeps_a_write_ahead_log_and_waits_for_a_lock(lane: str) -> None:
    if lane != "sqlite":
        pytest.skip("PostgreSQL has no such settings")
    assert asked("PRAGMA journal_mode") == "wal"
    assert asked("PRAGMA busy_timeout") == 20_000


@pytest.mark.django_db
def test_the_database_keeps_chinese_as_it_was_written() -> None:
    assert asked("SELECT '浙江大学医学院附属儿童医院'") == "浙江大学医学院附属儿童医院"


@pytest.mark.django_db
def test_the_clock_of_the_database_is_that_of_the_tests() -> None:
    """Also where `make test-as-of` moves it: the server that was started from its wheel moves along."""
    machine = time_machine.escape_hatch.datetime.datetime.now(UTC)  # not the day of the cast
    assert abs(database_now() - machine) < timedelta(seconds=5)
    stamp = "now()" if connection.vendor == "postgresql" else "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    said = datetime.fromisoformat(str(asked(f"SELECT {stamp}")))
    assert abs(said.replace(tzinfo=UTC) - machine) < timedelta(seconds=5)


@pytest.mark.django_db
def test_a_test_sets_the_clock_of_either_database() -> None:
    instant = datetime(2028, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    with database_clock_at(instant):
        assert database_now() == instant
    assert database_now() != instant


@pytest.mark.django_db
@pytest.mark.parametrize(("threads", "kind"), [(8, Info), (500, Error)])
def test_the_connections_of_all_processes_are_added_up_beside_what_the_server_allows(
    lane: str, settings, threads: int, kind: type
) -> None:
    settings.WEB_PROCESSES, settings.WEB_THREADS = 2, threads
    found = enough_connections(databases=["default"])
    assert [type(one) for one in found] == ([kind] if lane == "postgres" else [])
    if found:
        assert f"up to {2 * threads + 3} connections; the server allows 200" in found[0].msg
