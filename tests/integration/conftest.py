"""The lane that runs on SQLite and on PostgreSQL alike."""

import os
from collections.abc import Iterator

import pytest
import time_machine
from django.db import transaction
from django.utils import translation
from pytest_django import DjangoDbBlocker

from tests.cast import NOW

pytest.register_assert_rewrite("tests.integration.course.courses")


@pytest.fixture(scope="session")
def lane() -> str:
    """The database that this lane was asked to run on."""
    return os.environ.get("DAYZERO_TEST_DATABASE", "sqlite")


@pytest.fixture(scope="module")
def shared_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One transaction for the rows that the tests of a module share; each test takes back its own alone.

    A fixture of the module that asks for it builds them, and travels to its own day; a fixture of the
    test reads them again, so that no test meets what another made of an object.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


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
