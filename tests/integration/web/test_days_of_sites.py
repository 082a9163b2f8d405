"""Pages over sites in several zones: each group is headed by the day that it is at its sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import book_visit
from tests.cast import a_site, a_version, an_enrolment
from trials.models import AuditEntry, Membership, Role, Site, User

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


def test_hours_are_those_of_the_site_and_not_of_the_server(berlin: Site, client: Client) -> None:
    """Booked for 20:30 in Berlin, which is 03:30 in Shanghai, where the server is; now it is 19:00 there."""
    visit = Visit.objects.get(participant__site=berlin, target=date(2026, 11, 28))
    start = datetime(2026, 11, 28, 19, 30, tzinfo=UTC)
    Visit.objects.filter(pk=visit.pk).update(booked_on=start.date(), booked_start=start)
    page = client.get("/", {"site": berlin.pk}).content.decode()
    assert '<span class="hour">20:30' in page
    assert re.search(r"28 Nov.*</time>\s*· 19:00|28 Nov · 19:00", page)
    paper = client.get(reverse("paper", args=[berlin.pk, "day"]) + f"?day={SATURDAY}").content.decode()
    assert "28 Nov 2026 19:00" in paper


def test_what_was_changed_is_said_by_the_clocks_of_the_site(berlin: Site, client: Client) -> None:
    person = Participant.objects.get(site=berlin)
    visit = Visit.objects.filter(participant=person, place="clinic").order_by("target")[0]
    by = User.objects.create_superuser("colleague")
    said = {"booking": Booking(date(2026, 11, 28)), "by": by, "reason": "as asked", "now": MOMENT}
    book_visit(visit=visit, version=visit.version, **said)
    (entry,) = AuditEntry.objects.filter(model="schedules.visit", actor="colleague")
    there = entry.at.astimezone(ZoneInfo("Europe/Berlin"))
    today = client.get("/", {"site": berlin.pk}).content.decode()
    assert f"{there:%H:%M}</small>" in today.split('id="changed"')[1]
    page = client.get(f"/participants/{person.pk}/").content.decode()
    assert f"<small>{there:%Y-%m-%d %H:%M}" in page.split('id="past"')[1]
    late = client.post(
        reverse("visit-deed", args=[visit.pk, "book"]), {"version": visit.version - 1, "on": SATURDAY}
    )
    assert late.status_code == 409
    assert f"{there:%H:%M}" in late.content.decode().split('id="overtaken"')[1]
