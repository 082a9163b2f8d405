"""What became of a visit, told in a browser: booked, done, withdrawn, and who was quicker."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.services.visits.appointments import book_visit
from tests.browser.test_pages import BASICS, DAY, DESK, FAINT, PASSWORD, PHONE, press, sign_in, today
from tests.cast import a_site, a_version, an_enrolment
from trials.models import Role, User

__all__ = ["today"]


@pytest.fixture
def infused(transactional_db: None, today: date) -> int:
    """Somebody who was infused four weeks ago, at the site of a coordinator."""
    from schedules.services.enrolment.enrolling import enrol
    from trials.services.accounts.memberships import grant_membership
    from trials.services.sites.working_days import record_working_days

    site = a_site("SHENYANG")
    record_working_days(site=site, by=None, first_year=today.year - 1, last_year=today.year + 3)
    user = User.objects.create_user("coordinator", password=PASSWORD)
    grant_membership(user=user, role=Role.COORDINATOR, site=site, starts_on=today, by=None)
    anchors: dict[str, RecordedAnchor | AnchorDay] = {
        "infusion": AnchorDay(today - 28 * DAY, AnchorKind.ACTUAL),
        "consent": AnchorDay(today - 60 * DAY, AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(a_version("NCT07193667"), site=site, anchors=anchors), by=user).pk


def test_the_life_of_a_visit(live_server: LiveServer, page: Page, infused: int, today: date) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/participants/{infused}/")
    press(page, "#visit-d28 a:has-text('Book')")
    page.locator("[name=on]").fill((today + 2 * DAY).isoformat())
    page.locator("[name=place]").fill("Room 4")
    visit = Visit.objects.get(code="d28")
    other = Booking(today + DAY, place="Room 7")
    book_visit(visit=visit, version=visit.version, booking=other, by=None, now=timezone.now())
    press(page, "main button.primary")
    expect(page.get_by_role("heading", name="Somebody else was quicker")).to_be_visible()
    expect(page.locator("[name=place]")).to_have_value("Room 4")
    page.locator("[name=reason]").fill("Room 7 is taken")
    press(page, "main button.primary")
    expect(page.locator("#visit-d28")).to_contain_text("booked")
    press(page, "#visit-d28 a:has-text('Done')")
    page.locator("[name=on]").fill(today.isoformat())
    press(page, "main button.primary")
    expect(page.locator("#visit-d28")).to_contain_text("Done")
    press(page, "#visit-d28 th a")
    press(page, "a:has-text('Undo')")
    press(page, "main button.primary")
    expect(page.locator("[name=reason]")).to_be_focused()
    page.locator("[name=reason]").fill("wrong chart")
    press(page, "main button.primary")
    visit.refresh_from_db()
    assert (visit.performed_on, visit.booked_place) == (None, "Room 4")


@pytest.mark.parametrize("reader", [(DESK, "dark", "en"), (PHONE, "light", "en")])
def test_the_pages_can_be_read_and_used(
    live_server: LiveServer, page: Page, infused: int, reader: Any
) -> None:
    size, light, language = reader
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=light)
    sign_in(page, live_server, language)
    visit, site = Visit.objects.get(code="d28").pk, Participant.objects.get().site_id
    person = f"/participants/{infused}"
    addresses = [f"/visits/{visit}/", *(f"/visits/{visit}/{deed}/" for deed in ("book", "complete", "miss"))]
    addresses += [f"{person}/course/", f"{person}/course/early-termination/", f"{person}/course/transfer/"]
    addresses += [f"{person}/unscheduled/", f"{person}/absences/", f"/sites/{site}/absences/"]
    for address in addresses:
        page.goto(f"{live_server.url}{address}")
        assert page.evaluate(BASICS) == [], address
        assert page.evaluate(FAINT) == [], address
        across = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert across <= 0, f"{address} scrolls sideways by {across}"
