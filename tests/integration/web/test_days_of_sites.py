"""Pages over sites in several zones: each group is headed by the day that it is at its sites."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from schedules.domain.plan.values import AnchorDay
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, a_version, an_enrolment
from trials.models import Membership, Role, Site, User

pytestmark = pytest.mark.django_db
# 02:00 on Sunday the 29th in Shanghai, 19:00 on Saturday the 28th in Berlin.
MOMENT = datetime(2026, 11, 28, 18, tzinfo=UTC)
SATURDAY, SUNDAY = "2026-11-28", "2026-11-29"


@pytest.fixture(autouse=True)
def _moment() -> Iterator[None]:
    with time_machine.travel(MOMENT, tick=False):
        yield


@pytest.fixture
def berlin(client: Client) -> Site:
    """Somebody due today in Berlin, and somebody due today in Shanghai; the reader sees both."""
    site, version = a_site("BE", zone="Europe/Berlin"), a_version()
    for where, code, day in ((site, "B-1", date(2026, 11, 28)), (a_site("WH"), "W-1", date(2026, 11, 29))):
        anchors = {"infusion": AnchorDay(day)}
        enrol(enrolment=an_enrolment(version, site=where, subject_code=code, anchors=anchors), by=None)
    user = User.objects.create_user("both")
    Membership.objects.create(user=user, role=Role.COORDINATOR, starts_on=date(2020, 1, 1))
    client.force_login(user)
    return site


def _heading(page: Any) -> str:
    return str(page.content.decode().split('<header class="heading">')[1].split("</header>")[0])


def test_today_heads_each_group_by_the_day_of_its_sites(berlin: Site, client: Client) -> None:
    page = client.get(reverse("worklist"))
    assert [(str(each.day), [site.code for site in each.sites]) for each in page.context["days"]] == [
        (SATURDAY, ["BE"]),
        (SUNDAY, ["WH"]),
    ]
    due = [group for group in page.context["groups"] if group.part == "last-days"]
    assert [(str(group.day), {row.participant.subject_code for row in group.rows}) for group in due] == [
        (SATURDAY, {"B-1"}),
        (SUNDAY, {"W-1"}),
    ]
    assert sum(group.count for group in due) == page.context["worklist"].counts["last-days"]
    shown = page.content.decode()
    assert 'id="last-days-2026-11-28"' in shown
    assert 'id="last-days-2026-11-29"' in shown


def test_one_site_is_headed_by_its_own_day_and_not_the_servers(berlin: Site, client: Client) -> None:
    for name in ("worklist", "forecast"):
        page = client.get(reverse(name), {"site": berlin.pk})
        assert [str(each.day) for each in page.context["days"]] == [SATURDAY]
        heading = _heading(page)
        assert SATURDAY in heading
        assert SUNDAY not in heading


def test_the_forecast_names_the_day_of_each_site(berlin: Site, client: Client) -> None:
    page = client.get(reverse("forecast"))
    found = {row.participant.subject_code: str(row.today) for row, _help in page.context["rows"]}
    assert found == {"B-1": SATURDAY, "W-1": SUNDAY}
    assert "BE" in _heading(page)
