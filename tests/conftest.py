"""What every lane may use; a test that asks for a server here gets a real one."""

from collections.abc import Iterator

import pytest

from tests import servers


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey server for this process's tests, as the REDIS_URL that Dayzero would be given."""
    with servers.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server for this run's tests, whatever database the lane is on."""
    return servers.postgres_url()
