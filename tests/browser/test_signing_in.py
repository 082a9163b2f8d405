"""Passkeys and codes as a browser knows them, under our content security policy."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import CDPSession, Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.models import Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, an_enrolment
from trials.models import AuditEntry, Role, Signature, User
from trials.services.accounts.memberships import grant_membership

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


def give_a_key(page: Page) -> tuple[CDPSession, str]:
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
    key = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, key["authenticatorId"]


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


@pytest.fixture
def signer(person: User) -> Participant:
    """The person is an investigator, and somebody takes part at their site."""
    user = User.objects.get(pk=person.pk)
    user.first_name = "Dr. Li Na"
    user.save(update_fields=["first_name"])
    participant = enrol(enrolment=an_enrolment(), by=None)
    grant_membership(
        user=user, role=Role.INVESTIGATOR, site=participant.site, starts_on=timezone.localdate(), by=None
    )
    return participant


def test_a_schedule_is_signed_with_a_passkey_that_knows_its_owner_and_signs_once(
    live_server: LiveServer, page: Page, complaints: list[str], signer: Participant
) -> None:
    session, key = give_a_key(page)
    sign_in(page, live_server.url)
    page.goto(f"{live_server.url}{reverse('mfa_add_webauthn')}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Add").click()
    page.get_by_label("I have saved my recovery codes").wait_for()

    page.goto(f"{live_server.url}/participants/{signer.pk}/")
    page.locator(f'a[href="/sign/schedule/{signer.pk}/"]').first.click()
    page.get_by_role("link", name="Use a passkey instead").click()
    session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_role("alert")).to_contain_text("could not confirm who you are")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_text("You have shown your passkey")).to_be_visible()
    page.get_by_label("I approve this").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Signed.")).to_be_visible()
    expect(page.get_by_label("Password")).to_be_visible()  # the passkey signed once

    signature = Signature.objects.get(meaning="approved", printed_name="Dr. Li Na")
    assert (signature.model, signature.object_id) == ("participants.participant", signer.pk)
    entry = AuditEntry.objects.get(model="trials.signature", object_id=str(signature.pk))
    assert entry.reason == "signed with a passkey"
    assert complaints == []
