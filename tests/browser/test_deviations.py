"""The log of deviations and the forecast in a browser: readable everywhere, and a deviation classified."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.models import Absence
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Completion
from schedules.models import Visit
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import complete_visit
from tests.browser.test_pages import BASICS, DAY, FAINT, PASSWORD, sign_in
from tests.cast import a_site, a_version, an_enrolment
from trials.models import Role, Trial, User
from trials.services.accounts.memberships import grant_membership
from trials.services.sites.working_days import record_working_days

ADDRESSES = ("/deviations/", "/logs/screening/", "/logs/enrolment/", "/forecast/", "/forecast/?help=1")


@pytest.fixture
def late(transactional_db: None) -> Visit:
    """Infused 28 days ago: D14 was done three days late, and everything before it nobody recorded."""
    today = timezone.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    site = a_site("YANCHENG-3")
    record_working_days(site=site, by=None, first_year=today.year - 1, last_year=today.year + 3)
    user = User.objects.create_user("coordinator", password=PASSWORD)
    grant_membership(user=user, role=Role.COORDINATOR, site=site, starts_on=today, by=None)
    infusion = {"infusion": AnchorDay(today - 28 * DAY, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(a_version("NCT07274059"), site=site, anchors=infusion), by=user)
    visit = Visit.objects.get(participant=person, code="d14")
    late = Completion(on=visit.closes + 3 * DAY, outside_reason="no bed")
    complete_visit(visit=visit, version=visit.version, completion=late, by=user, now=timezone.now())
    sweep_unrecorded(now=timezone.now())
    Absence.objects.create(participant=person, first=today, last=today + 2 * DAY)
    Trial.objects.update(planned_end=date(today.year, 12, 31))
    return visit


def test_the_pages_can_be_read_and_used(
    live_server: LiveServer, page: Page, late: Visit, complaints: list[str]
) -> None:
    sign_in(page, live_server)
    of_visit = f"/visits/{late.pk}/"
    one = f"/deviations/{late.deviations.get().pk}/"
    for width, light in ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        for address in (*ADDRESSES, of_visit, one, f"{one}assess/", f"{one}withdraw/"):
            page.goto(f"{live_server.url}{address}")
            assert page.evaluate(BASICS) == [], address
            assert page.evaluate(FAINT) == [], address
            across = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert across <= 0, f"{address} scrolls sideways by {across}"
    assert complaints == []


def test_a_deviation_is_found_from_its_visit_and_classified(
    live_server: LiveServer, page: Page, late: Visit
) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/visits/{late.pk}/")
    page.get_by_role("link", name="Visit outside its window").click()
    expect(page.locator("main")).to_contain_text("3 days late")
    page.get_by_role("link", name="Describe and classify").click()
    page.get_by_label("Description").fill("The road was closed.")
    page.get_by_role("radio", name="important").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Answer yes or no before you classify it.")
    expect(page.get_by_label("Description")).to_have_value("The road was closed.")
    for name, answer in (("safety", "no"), ("rights", "no"), ("data", "yes")):
        page.locator(f"[name=affects_{name}][value={answer}]").check()
    page.get_by_label("Cause").fill("Snow.")
    page.get_by_label("Action").fill("Calls two days ahead.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Classified")
    page.get_by_role("link", name="Logs").click()
    with page.expect_download() as kept:
        page.get_by_role("link", name="XLSX").click()
    assert kept.value.suggested_filename.startswith("deviations-")
