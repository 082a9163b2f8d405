"""The cast of the pages: two sites, a coordinator at one of them, and anyone who is enrolled there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.services.enrolment.bulk import bulk_enrol
from tests.cast import a_site, a_version, an_enrolment
from trials.models import ProtocolVersion, Role, Site, User
from trials.services.accounts.memberships import grant_membership
from trials.services.sites.working_days import record_working_days

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)  # a Monday
TODAY = MORNING.date()

Enrol = Callable[..., Participant]


@pytest.fixture(autouse=True)
def morning() -> Any:
    """It is Monday, 23 November 2026, nine in the morning in Shanghai."""
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def site(db: None) -> Site:
    site = a_site("WH")
    record_working_days(site=site, by=None, first_year=2025, last_year=2028)
    return site


@pytest.fixture
def other_site(db: None) -> Site:
    return a_site("CD")


@pytest.fixture
def version(db: None) -> ProtocolVersion:
    return a_version("NCT07274059")


def with_role(name: str, role: Role, site: Site | None = None) -> User:
    """Somebody with a role at a site from this day on."""
    user = User.objects.create_user(name, password="a long and made-up one")
    grant_membership(user=user, role=role, site=site, starts_on=TODAY, by=None)
    return user


@pytest.fixture
def coordinator(site: Site) -> User:
    return with_role("coordinator", Role.COORDINATOR, site)


@pytest.fixture
def page(coordinator: User) -> Client:
    """The browser of the coordinator."""
    client = Client()
    client.force_login(coordinator)
    return client


@pytest.fixture
def enrolled(site: Site, version: ProtocolVersion) -> Enrol:
    """Enrols somebody with a planned infusion, or one that was given where `given`."""

    def enrolled(
        code: str = "S01-001", infusion: date = TODAY, given: bool = False, **changes: Any
    ) -> Participant:
        kind = AnchorKind.ACTUAL if given else AnchorKind.PLANNED
        asked = an_enrolment(
            changes.pop("version", version),
            site=changes.pop("site", site),
            subject_code=code,
            anchors={"infusion": AnchorDay(infusion, kind), **changes.pop("anchors", {})},
            **changes,
        )
        (pk,) = bulk_enrol(enrolments=[asked], by=None)  # taken over: no gate is asked
        return Participant.objects.get(pk=pk)

    return enrolled


def count_queries(act: Callable[[], Any]) -> int:
    """How many queries something takes."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        act()
    return len(queries)


def as_shown(client: Client, address: str, said: dict[str, Any], **more: Any) -> Any:
    """Ask for something, look at what would happen, and let it be so; the answer to the last of it."""
    shown = client.post(address, said)
    if shown.status_code != 200:
        return shown
    assert "What would happen, not saved yet" in shown.content.decode()
    held = {"action": "commit", "digest": shown.context["form"].data["digest"]}
    return client.post(address, {**said, **held, **more})
