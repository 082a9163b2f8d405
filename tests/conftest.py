"""What every lane may use; a test that asks for a server here gets a real one."""

import gc
import os
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis.internal.conjecture import providers
from pytest_django import DjangoDbBlocker

from tests import servers

# A busy machine is not a slow engine: `make bench` measures time, a property does not. The suite
# tries a few cases, the same each time; DAYZERO_LONG=1 tries many, and others each time.
LONG = bool(os.environ.get("DAYZERO_LONG"))
hypothesis.settings.register_profile(
    "dayzero", deadline=None, max_examples=1000 if LONG else 15, derandomize=not LONG, database=None
)
hypothesis.settings.load_profile("dayzero")
if not LONG:
    # Numbers that stand in our own source are tried by the long lane: reading all of it takes as long
    # as the properties do, in each process once more.
    providers._get_local_constants = lambda: providers._local_constants

gc.disable()  # nearly all of what is imported stays: no need to look for rubbish meanwhile


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Know the setting of pytest-django also in the unit lane, which does without Django."""
    if not pluginmanager.hasplugin("django"):
        parser.addini("DJANGO_SETTINGS_MODULE", "of no use here")
        parser.addini("django_find_project", "of no use here")


def pytest_collection_finish() -> None:
    """Set aside what is there for the whole run: looking for rubbish in it takes a tenth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey server for this process's tests, as the REDIS_URL that Dayzero would be given."""
    with servers.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server for this run's tests, whatever database the lane is on."""
    return servers.postgres_url()


@pytest.fixture(scope="session")
def django_db_keepdb(
    pytestconfig: pytest.Config, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> bool:
    """Begin with the migrated database of an earlier run, if migrations are still those."""
    from tests import migrated

    with django_db_blocker.unblock():
        return migrated.take(pytestconfig)


@pytest.fixture(scope="session")
def django_db_setup(
    pytestconfig: pytest.Config, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Keep the migrated database for later runs."""
    from tests import migrated

    with django_db_blocker.unblock():
        migrated.keep(pytestconfig)


@pytest.fixture(scope="session", autouse=True)
def empty_what_was_committed(pytestconfig: pytest.Config) -> Iterator[None]:
    """Empty the database in our own way after each test that commits."""
    if not pytestconfig.pluginmanager.hasplugin("django"):
        yield
        return
    from django.test import TransactionTestCase

    from tests.emptied import empty_database

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: empty_database())
        yield
