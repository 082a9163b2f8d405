"""What every lane may use; a test that asks for a server here gets a real one."""

from collections.abc import Iterator

import hypothesis
import pytest

from tests import servers

# A busy machine is not a slow engine: `make bench` measures time, a property does not.
hypothesis.settings.register_profile("dayzero", deadline=None)
hypothesis.settings.load_profile("dayzero")


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey server for this process's tests, as the REDIS_URL that Dayzero would be given."""
    with servers.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server for this run's tests, whatever database the lane is on."""
    return servers.postgres_url()
