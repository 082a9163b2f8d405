"""Facts, verdicts, flags, the board and the clock in a browser: readable everywhere, and worked in."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.models import Participant
from schedules.domain.plan.values import AnchorDay
from schedules.models import Flag
from schedules.services.enrolment.enrolling import enrol
from schedules.services.windows.evaluation import sweep_windows
from tests.browser.test_pages import BASICS, DAY, FAINT, PASSWORD, sign_in
from tests.cast import a_site, a_version, an_enrolment
from trials.models import Role, User
from trials.services.accounts.memberships import grant_membership

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def tomorrow(transactional_db: None) -> Participant:
    """To be infused tomorrow: near the site from then on, and nobody knows where the nights are spent."""
    today = timezone.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    site = a_site("YANCHENG-3")
    user = User.objects.create_user("coordinator", password=PASSWORD)
    grant_membership(user=user, role=Role.COORDINATOR, starts_on=today, by=None)
    infusion = {"infusion": AnchorDay(today + DAY)}
    person = enrol(enrolment=an_enrolment(a_version("NCT07274059"), site=site, anchors=infusion), by=user)
    sweep_windows(now=timezone.now())
    return person


def test_the_pages_can_be_read_and_used(
    live_server: LiveServer, page: Page, tomorrow: Participant, complaints: list[str]
) -> None:
    sign_in(page, live_server)
    person, flag = f"/participants/{tomorrow.pk}", Flag.objects.get(window__code="stay-near-site").pk
    kinds = ("lodging", "admission", "test", "dose", "confirmation")
    addresses = (
        f"{person}/",
        f"{person}/facts/",
        *(f"{person}/facts/new/{kind}/" for kind in kinds),
        f"{person}/eligibility/",
        "/flags/",
        f"/flags/{flag}/",
        f"/flags/{flag}/snooze/",
        "/board/NCT07274059/",
        "/board/NCT07274059/review/",
    )
    for width, light in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        for address in addresses:
            page.goto(f"{live_server.url}{address}")
            assert page.evaluate(BASICS) == [], address
            assert page.evaluate(FAINT) == [], address
            assert page.evaluate(SIDEWAYS) <= 0, f"{address} scrolls sideways"
    assert complaints == []


def test_a_window_that_opens_tomorrow_is_a_flag_today_until_a_fact_is_recorded(
    live_server: LiveServer, page: Page, tomorrow: Participant
) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/flags/")
    flag = page.get_by_role("row").filter(has_text="Stay within 2 hours of the site for 28 days")
    expect(flag).to_contain_text("lodging for the night of")
    flag.get_by_role("link", name=re.compile(f"^{tomorrow.subject_code}")).click()
    page.locator("#window-stay-near-site").get_by_role("link", name="Lodging").click()
    expect(page.locator("main")).to_contain_text("Stay within 2 hours of the site for 28 days")
    infusion = timezone.now().astimezone(ZoneInfo("Asia/Shanghai")).date() + DAY
    page.get_by_label("First day").fill(infusion.isoformat())
    page.get_by_label("Minutes").fill("-5")
    page.locator("main").get_by_role("button", name="Record").click()
    expect(page.locator("main")).to_contain_text("give zero or more whole minutes")
    expect(page.get_by_label("First day")).to_have_value(infusion.isoformat())
    page.get_by_label("Minutes").fill("45")
    page.locator("main").get_by_role("button", name="Record").click()
    expect(page.locator("main")).to_contain_text("45 minutes from the site")
    page.goto(f"{live_server.url}/flags/")
    expect(flag).to_have_count(0)
