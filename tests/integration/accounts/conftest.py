"""The cast of accounts: an administrator of everything, one of a single site, and somebody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from tests.cast import TODAY, a_site, show_who_one_is
from trials.models import User
from trials.services.accounts.memberships import grant_membership

PASSWORD = "a long enough secret"


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    """No limit of one test reaches into another."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def chief(db: None) -> User:
    user = User.objects.create_user("chief", password=PASSWORD)
    grant_membership(user=user, role="administrator", starts_on=TODAY, by=None)
    return user


@pytest.fixture
def local(db: None) -> User:
    user = User.objects.create_user("local", password=PASSWORD)
    grant_membership(user=user, role="administrator", site=a_site("WH"), starts_on=TODAY, by=None)
    return user


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("coordinator", password=PASSWORD)


def signed_in(user: User, *, freshly: bool = True) -> Client:
    """A browser in which somebody is signed in, and has just confirmed it."""
    client = Client()
    client.force_login(user)
    if freshly:
        show_who_one_is(client)
    return client
