"""The lanes run where they say they run."""

import pytest
from django.db import connection

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
