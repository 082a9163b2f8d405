"""Passkeys and codes as a browser knows them, under our content security policy."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.cast import a_site
from trials.models import User

PASSWORD = "a long and made-up one"


@pytest.fixture
def person(transactional_db: None) -> User:
    a_site()
    return User.objects.create_user("coordinator", password=PASSWORD)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}{reverse('login')}")
    page.get_by_label("User name").fill("coordinator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/")


def give_a_key(page: Page) -> None:
    """A key that is always touched and always knows its owner, as a phone's would."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_signs_in_and_shows_again_who_one_is(
    live_server: LiveServer, page: Page, complaints: list[str], person: User
) -> None:
    give_a_key(page)
    sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{reverse('mfa_add_webauthn')}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_label("Unused codes")).to_have_value(re.compile(r"^\d{8}\n"))
    page.get_by_label("I have saved my recovery codes").check()
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Sign out").click()

    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{live_server.url}/")
    page.goto(f"{live_server.url}{reverse('mfa_reauthenticate_webauthn')}?next=/accounts/")
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    assert complaints == []
