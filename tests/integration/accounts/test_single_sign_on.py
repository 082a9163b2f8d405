"""Single sign-on with a small OpenID provider on this machine's loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from axes.models import AccessFailureLog
from django.test import Client
from django.urls import reverse

from trials.models import AuditEntry, User
from trials.services.accounts.accounts import deactivate_account

pytestmark = pytest.mark.django_db


class Provider(BaseHTTPRequestHandler):
    """What an OpenID provider answers: its addresses, a token for a code, and who it is."""

    claims: dict[str, Any] = {}
    asked: list[dict[str, list[str]]] = []

    def do_GET(self) -> None:
        base = f"http://{self.headers['Host']}"
        if self.path == "/.well-known/openid-configuration":
            self.say(
                issuer=base,
                authorization_endpoint=f"{base}/authorize",
                token_endpoint=f"{base}/token",
                userinfo_endpoint=f"{base}/userinfo",
                jwks_uri=f"{base}/keys",
            )
        elif self.path == "/userinfo" and self.headers["Authorization"] == "Bearer an-access-token":
            self.say(**self.claims)

    def do_POST(self) -> None:
        self.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        issuer = f"http://{self.headers['Host']}"
        signed = {"iss": issuer, "aud": "dayzero", "exp": 4102444800, **self.claims}
        token = jwt.encode(signed, "x" * 32, algorithm="HS256", headers={"kid": "1"})
        self.say(access_token="an-access-token", token_type="Bearer", id_token=token)

    def say(self, **values: Any) -> None:
        body = json.dumps(values).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def provider(settings) -> Iterator[type[Provider]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = {"provider_id": "sso", "name": "Hospital", "client_id": "dayzero", "secret": "kept"}
    app |= {"settings": {"server_url": f"http://127.0.0.1:{server.server_port}"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    Provider.claims, Provider.asked = {"sub": "subject-1", "preferred_username": "coordinator"}, []
    yield Provider
    server.shutdown()
    server.server_close()


def sign_in(client: Client) -> Any:
    """Press the button, let the provider send the browser back, and give the last answer."""
    sent = client.post(reverse("openid_connect_login", kwargs={"provider_id": "sso"}))
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    back = reverse("openid_connect_callback", kwargs={"provider_id": "sso"})
    return client.get(back, {"code": "a-code", "state": asked["state"][0]})


def test_there_is_no_button_where_no_provider_is_named(client: Client) -> None:
    assert "/accounts/oidc/" not in client.get(reverse("login")).content.decode()


def test_the_button_names_the_provider(client: Client, provider: type[Provider]) -> None:
    text = client.get(reverse("login")).content.decode()
    assert "Continue with Hospital" in text
    assert "/accounts/oidc/sso/login/" in text


def test_an_account_that_stands_here_is_opened_and_bound_to_the_subject(
    client: Client, provider: type[Provider], person: User
) -> None:
    assert sign_in(client).headers["Location"] == reverse("today")
    assert client.get("/").status_code == 200
    assert provider.asked[0]["client_secret"] == ["kept"]
    bound = SocialAccount.objects.get()
    assert (bound.user, bound.uid) == (person, "subject-1")
    assert not SocialToken.objects.exists()
    entry = AuditEntry.objects.get(model="socialaccount.socialaccount")
    assert (entry.actor, entry.reason, "subject-1" in entry.new) == ("coordinator", "single sign-on", True)


def test_the_subject_holds_whatever_name_it_claims_later(
    client: Client, provider: type[Provider], person: User, chief: User
) -> None:
    sign_in(client)
    provider.claims = {"sub": "subject-1", "preferred_username": "chief"}
    again = Client()
    sign_in(again)
    assert again.get("/").wsgi_request.user == person


REFUSED = [
    ("nobody", "subject-1", "no account has this name"),
    ("", "subject-1", "no name is claimed"),
    ("coordinator", "subject-2", "the account is bound to another subject"),
]


@pytest.mark.parametrize(("name", "subject", "why"), REFUSED)
def test_no_account_is_made_and_none_is_taken_over(
    client: Client, provider: type[Provider], person: User, name: str, subject: str, why: str
) -> None:
    sign_in(Client())
    provider.claims = {"sub": subject, "preferred_username": name}
    if subject == "subject-1":
        provider.claims["sub"] = "subject-3"
    page = sign_in(client)
    assert page.status_code == 403, why
    assert "no account" in page.content.decode()
    assert client.get("/").status_code == 302
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)
    assert AccessFailureLog.objects.filter(username=name).exists()


def test_a_deactivated_account_stays_closed(client: Client, provider: type[Provider], person: User) -> None:
    sign_in(Client())
    deactivate_account(user=person, by=None, reason="left")
    assert sign_in(client).headers["Location"] == reverse("account_inactive")
    assert client.get("/").status_code == 302


def test_a_callback_without_our_state_is_refused(
    client: Client, provider: type[Provider], person: User
) -> None:
    back = reverse("openid_connect_callback", kwargs={"provider_id": "sso"})
    page = client.get(back, {"code": "a-code", "state": "forged"})
    assert client.get("/").status_code == 302
    assert page.status_code == 401
    assert not provider.asked


def test_whoever_came_that_way_has_shown_their_second_factor_there(
    client: Client, provider: type[Provider], person: User, settings
) -> None:
    settings.SECOND_FACTOR_ROLES = ["everybody"]
    sign_in(client)
    assert client.get("/").status_code == 200
