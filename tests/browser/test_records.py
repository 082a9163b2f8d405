"""The admin, as a browser shows it under our content security policy."""

import re

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.cast import a_site, a_version
from trials.models import ApiToken, User

PASSWORD = "a long and made-up one"

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


def enter(page: Page, live_server: LiveServer) -> None:
    """Sign in to the records."""
    page.goto(f"{live_server.url}/admin/")
    page.locator("main input[autocomplete=username], main input[name=login]").first.fill("set-up")
    page.locator("main input[type=password]").fill(PASSWORD)
    page.locator("main input[type=password]").press("Enter")
    expect(page).to_have_title("Site administration | Dayzero")


@pytest.mark.django_db(transaction=True)
def test_someone_signs_in_to_the_records_and_our_policy_refuses_nothing(
    live_server: LiveServer, page: Page, complaints: list[str]
) -> None:
    User.objects.create_superuser("set-up", password=PASSWORD)
    a_site()
    a_version()
    enter(page, live_server)
    for address in PAGES:
        page.goto(f"{live_server.url}/admin/{address}")
        assert page.title().endswith("| Dayzero")
    page.get_by_role("link", name="Today").first.click()
    expect(page).to_have_title(re.compile("Dayzero$"))
    assert complaints == []


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_after_the_question_who_one_is_is_sent_again_from_its_own_address(
    live_server: LiveServer, page: Page, complaints: list[str]
) -> None:
    user = User.objects.create_superuser("set-up", password=PASSWORD)
    enter(page, live_server)
    address = f"{live_server.url}/admin/trials/apitoken/add/"
    page.goto(address)
    page.locator("[name=name]").fill("EDC of the night")
    session = SessionStore(Session.objects.get().pk)  # an hour later
    session["account_authentication_methods"] = []
    session.save()
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("main input[type=password]").fill(PASSWORD)
    page.locator("main input[type=password]").press("Enter")

    expect(page.locator("#apitoken_form")).to_contain_text("This field is required")
    expect(page.locator("[name=name]")).to_have_value("EDC of the night")
    expect(page).to_have_url(address)
    page.locator("select[name=user]").select_option(value=str(user.pk), force=True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("The token, shown only now")
    assert ApiToken.objects.get().name == "EDC of the night"
    assert complaints == []
