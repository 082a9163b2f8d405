"""The cast of what is signed: an investigator with a password, somebody enrolled, and the clock."""

from __future__ import annotations

from datetime import date

import pytest

from participants.models import Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, a_version, an_enrolment
from trials.models import ProtocolVersion, Role, Site, User
from trials.services.accounts.memberships import grant_membership

PASSWORD = "a long and made-up one"


def somebody(name: str, role: Role, site: Site | None = None, printed: str = "Dr. Li Na") -> User:
    """Somebody with a role since the spring, and a name to print."""
    user = User.objects.create_user(name, password=PASSWORD, first_name=printed)
    grant_membership(user=user, role=role, site=site, starts_on=date(2026, 4, 1), by=None)
    return user


@pytest.fixture
def site(db: None) -> Site:
    return a_site("WH")


@pytest.fixture
def version(site: Site) -> ProtocolVersion:
    return a_version()


@pytest.fixture
def investigator(site: Site) -> User:
    return somebody("investigator", Role.INVESTIGATOR, site)


@pytest.fixture
def coordinator(site: Site) -> User:
    return somebody("coordinator", Role.COORDINATOR, site, "Zhao Min")


@pytest.fixture
def participant(version: ProtocolVersion, site: Site) -> Participant:
    return enrol(enrolment=an_enrolment(version, site=site), by=None)
