"""The lane that runs on SQLite and on PostgreSQL alike."""

import os
from collections.abc import Iterator

import pytest
import time_machine
from django.utils import translation

from tests.cast import NOW

pytest.register_assert_rewrite("tests.integration.schedules.courses")


@pytest.fixture(scope="session")
def lane() -> str:
    """The database that this lane was asked to run on."""
    return os.environ.get("DAYZERO_TEST_DATABASE", "sqlite")


@pytest.fixture(autouse=True)
def day_of_the_cast() -> Iterator[None]:
    """Begin each test on the day of the cast: its roles begin and its visits are due by that day.

    The clock goes on from there. What another day matters to travels once more. The database keeps the
    clock of the machine: no test may take one for the other, which `make test-as-of` shows.
    """
    with time_machine.travel(NOW):
        yield


@pytest.fixture(autouse=True)
def english_at_first() -> Iterator[None]:
    """Begin each test in English: a request in Chinese leaves its language on the thread it ran on."""
    translation.activate("en")
    yield
    translation.activate("en")
