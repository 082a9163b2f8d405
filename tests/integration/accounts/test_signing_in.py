"""Signing in by user name, failing to, being locked out, and signing out."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt, AccessFailureLog
from django.test import Client
from django.urls import reverse

from config.logs import IdsOnlyFormatter
from tests.cast import NOW
from trials.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("coordinator", password=PASSWORD)


def sign_in(client: Client, name: str = "coordinator", password: str = PASSWORD, **more: str):
    return client.post(reverse("login"), {"login": name, "password": password, **more})


def test_the_page_looks_like_ours_and_runs_nothing_inline(client: Client) -> None:
    page = client.get("/accounts/login/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "User name" in text
    assert 'autocomplete="current-password"' in text
    for part in text.split("<script")[1:]:
        assert " src=" in part.split(">")[0] or 'type="application/json"' in part.split(">")[0]
    assert "style=" not in text
    assert "script-src 'self'" in page["Content-Security-Policy"].split("; ")


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("coordinator", PASSWORD, "as it is written"),
        (" Coordinator ", PASSWORD, "capitals and blanks make no other name"),
    ],
)
def test_one_signs_in_by_user_name(client: Client, user: User, name: str, password: str, why: str) -> None:
    answer = sign_in(client, name, password)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("today")), why


def test_one_comes_back_to_where_one_was_going_and_never_elsewhere(client: Client, user: User) -> None:
    assert sign_in(client, next="/participants/").headers["Location"] == "/participants/"
    client.logout()
    assert sign_in(client, next="https://elsewhere.example/").headers["Location"] == "/"


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/email/", "/accounts/password/reset/"])
def test_nobody_signs_up_and_no_mail_opens_an_account(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_a_wrong_password_says_what_is_wrong_and_keeps_the_name(client: Client, user: User) -> None:
    page = sign_in(client, password="wrong")
    text = page.content.decode()
    assert "do not belong together" in text
    assert 'value="coordinator"' in text


class TestFailedLoginsLimitedAndRecorded:
    """Failed logins limited and recorded."""

    def test_failed_logins_limited(self, client: Client, user: User) -> None:
        for _ in range(4):
            assert sign_in(client, password="wrong").status_code == 200
        locked = sign_in(client, " COORDINATOR", "wrong")
        assert locked.status_code == 429
        assert "failed too often" in locked.content.decode()
        assert locked.headers["Retry-After"] == "900"
        assert sign_in(client).status_code == 429, "not even the right password opens it"

    def test_the_lock_opens_by_itself(self, client: Client, user: User) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            for _ in range(5):
                sign_in(client, password="wrong")
            clock.shift(timedelta(minutes=14))
            assert sign_in(client).status_code == 429
            clock.shift(timedelta(minutes=2))
            assert sign_in(client).status_code == 302

    def test_a_name_that_nobody_has_is_locked_alike(self, client: Client) -> None:
        statuses = [sign_in(client, "nobody", "wrong").status_code for _ in range(5)]
        assert statuses == [200] * 4 + [429]

    def test_failed_logins_recorded(self, client: Client, user: User) -> None:
        for _ in range(5):
            sign_in(client, password="wrong secret")
        kept = AccessFailureLog.objects.order_by("pk")
        assert [failure.username for failure in kept] == ["coordinator"] * 5
        assert [failure.locked_out for failure in kept] == [False] * 4 + [True]
        assert kept[0].ip_address == "127.0.0.1"
        attempt = AccessAttempt.objects.get()
        assert "wrong secret" not in attempt.post_data
        assert "coordinator" not in attempt.post_data

    def test_the_record_outlives_a_success(self, client: Client, user: User) -> None:
        sign_in(client, password="wrong")
        sign_in(client)
        assert AccessFailureLog.objects.count() == 1

    def test_the_record_is_seen_by_those_who_administer_everything(self, client: Client, user: User) -> None:
        sign_in(client, password="wrong")
        client.force_login(user)
        assert client.get(reverse("failed-sign-ins")).status_code == 404
        client.force_login(User.objects.create_superuser("chief"))
        assert "127.0.0.1" in client.get(reverse("failed-sign-ins")).content.decode()

    def test_requests_from_one_address_are_limited_whatever_the_names(self, client: Client, settings) -> None:
        settings.ACCOUNT_RATE_LIMITS = {"login": "3/m/ip"}
        statuses = [sign_in(client, f"name-{n}", "wrong").status_code for n in range(4)]
        assert statuses == [200, 200, 200, 429]


def test_no_log_line_holds_what_was_typed(client: Client, user: User, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        sign_in(client, password="typed by mistake")
        sign_in(client, "my password in the wrong field", "x")
        client.post(reverse("account_reauthenticate"), {"password": "x"})
    written = "\n".join(
        IdsOnlyFormatter("%(name)s %(message)s").format(record)
        for record in caplog.records
        if not record.name.startswith("django.db")
    )
    for typed in ("coordinator", "typed by mistake", "my password"):
        assert typed not in written


def test_signing_out_lets_the_browser_forget(client: Client, user: User) -> None:
    sign_in(client)
    answer = client.post(reverse("logout"))
    assert answer.status_code == 302
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert client.get("/").status_code == 302


def test_the_cookie_ends_with_the_browser(client: Client, user: User) -> None:
    answer = sign_in(client)
    cookie = answer.cookies["sessionid"]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == ("", True, "Lax")
