"""The lane that runs on SQLite and on PostgreSQL alike."""

import os

import pytest

pytest.register_assert_rewrite("tests.integration.schedules.courses")


@pytest.fixture(scope="session")
def lane() -> str:
    """The database that this lane was asked to run on."""
    return os.environ.get("DAYZERO_TEST_DATABASE", "sqlite")
