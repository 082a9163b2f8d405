"""The admin, as a browser shows it under our content security policy."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.cast import a_site, a_version
from trials.models import User

PAGES = (
    "trials/site/",
    "trials/site/add/",
    "trials/protocolversion/",
    "trials/protocolversion/add/",
    "trials/workingdaytable/add/",
    "trials/membership/",
    "participants/participant/",
    "schedules/visit/",
)


@pytest.mark.django_db(transaction=True)
def test_someone_signs_in_to_the_records_and_our_policy_refuses_nothing(
    live_server: LiveServer, page: Page, complaints: list[str]
) -> None:
    User.objects.create_superuser("set-up", password="a long and made-up one")
    a_site()
    a_version()
    page.goto(f"{live_server.url}/admin/")
    page.locator("main input[autocomplete=username], main input[name=login]").first.fill("set-up")
    page.locator("main input[type=password]").fill("a long and made-up one")
    page.locator("main input[type=password]").press("Enter")
    expect(page).to_have_title("Site administration | Dayzero")
    for address in PAGES:
        page.goto(f"{live_server.url}/admin/{address}")
        assert page.title().endswith("| Dayzero")
    page.get_by_role("link", name="Today").first.click()
    expect(page).to_have_title(re.compile("Dayzero$"))
    assert complaints == []
