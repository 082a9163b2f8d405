"""The only way out: judged by the address connected to, following nothing, over in time."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils.translation import override
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from tests.receivers import http_server, serving
from trials import outbound
from trials.domain.channels.failures import NOT_REACHED, WITHOUT_KEY
from trials.outbound import OutboundRefused, OutboundUnreachable, Verdict, resolving
from trials.stored_secrets import SecretsUnreadable, decrypted, encrypted, encrypted_again

HERE = ["127.0.0.0/8"]
NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)


class Receiver:
    def __init__(self) -> None:
        self.took: list[dict[str, Any]] = []
        self.port = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(http_server(0, receiver.took.append)) as receiver.port:
        yield receiver


def test_an_internal_address_is_refused_when_it_is_saved_and_when_it_is_connected_to(
    receiver: Receiver,
) -> None:
    for url in (
        receiver.url("ok"),
        receiver.url("ok", "localhost"),
        "https://169.254.169.254/latest/meta-data",
    ):
        with pytest.raises(OutboundRefused) as refused:
            outbound.check_url(url)
        assert refused.value.refusal.code == "internal-address"
        with pytest.raises(OutboundRefused, match="no public address"):
            outbound.post(url, b"{}")
    assert not receiver.took


def test_it_is_allowed_by_a_setting_that_names_its_network(receiver: Receiver, settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    assert outbound.check_url(receiver.url("ok")).port == receiver.port
    assert outbound.post(receiver.url("ok"), b"{}").verdict is Verdict.TAKEN
    assert len(receiver.took) == 1


def test_a_name_that_leads_elsewhere_after_it_was_saved_is_refused_at_the_connection(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    monkeypatch.setattr(resolving, "look_up_name", lambda *_: next(answers))
    url = f"https://rebound.example.org:{receiver.port}/ok"
    outbound.check_url(url)
    with pytest.raises(OutboundRefused, match=r"rebound\.example\.org leads to 127\.0\.0\.1"):
        outbound.post(url, b"{}")
    assert not receiver.took


def test_what_counts_is_whom_the_connection_reached(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = socket.create_connection
    monkeypatch.setattr(resolving, "look_up_name", lambda *_: ["8.8.8.8"])
    monkeypatch.setattr(
        socket, "create_connection", lambda _where, **given: made(("127.0.0.1", receiver.port), **given)
    )
    with pytest.raises(OutboundRefused, match=r"127\.0\.0\.1"):
        outbound.post(f"http://gateway.example.org:{receiver.port}/ok", b"{}")
    assert not receiver.took


def test_one_internal_address_among_several_is_refused_when_saved() -> None:
    with pytest.raises(OutboundRefused):
        outbound.check_url("https://two.example.org/", look_up=lambda *_: ["8.8.8.8", "10.0.0.1"])


def test_plain_http_is_for_internal_networks_alone() -> None:
    with pytest.raises(OutboundRefused, match="does not begin with https"):
        outbound.check_url("http://gateway.example.org/", look_up=lambda *_: ["8.8.8.8"])


def test_a_proxy_of_the_environment_is_not_asked(
    receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", receiver.url("ok"))
    monkeypatch.setenv("http_proxy", receiver.url("ok"))
    with pytest.raises(OutboundRefused):
        outbound.post("http://10.9.8.7/ok", b"{}")
    assert not receiver.took


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("ok", Verdict.TAKEN),
        ("status/204", Verdict.TAKEN),
        ("redirect", Verdict.NEVER),
        ("status/400", Verdict.NEVER),
        ("status/404", Verdict.NEVER),
        ("status/410", Verdict.NEVER),
        ("status/408", Verdict.LATER),
        ("status/429", Verdict.LATER),
        ("status/500", Verdict.LATER),
        ("status/503", Verdict.LATER),
    ],
)
def test_an_answer_says_whether_trying_again_can_help(
    receiver: Receiver, settings: Settings, path: str, verdict: Verdict
) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    assert outbound.post(receiver.url(path), b"{}").verdict is verdict
    assert len(receiver.took) == 1, "nothing is followed"


@pytest.mark.parametrize("path", ["hang", "drip"])
def test_a_request_ends_in_time_whatever_the_other_side_does(
    receiver: Receiver, settings: Settings, path: str
) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    began = time.monotonic()
    with pytest.raises(OutboundUnreachable, match="did not answer in time"):
        outbound.post(receiver.url(path), b"{}", seconds=0.5)
    assert time.monotonic() - began < 3


def test_why_nothing_left_is_kept_in_english_and_said_in_the_readers_language(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    with override("zh-hans"), pytest.raises(OutboundUnreachable) as failed:
        outbound.post("http://127.0.0.1:1/", b"{}")
    assert failed.value.kept == NOT_REACHED
    assert "服务器" in str(failed.value)
    settings.STORED_SECRET_KEYS = []
    with override("zh-hans"), pytest.raises(SecretsUnreadable) as unreadable:
        encrypted("x")
    assert unreadable.value.kept == WITHOUT_KEY
    assert str(unreadable.value) != WITHOUT_KEY


def test_a_flood_is_not_read(receiver: Receiver, settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    assert len(outbound.post(receiver.url("flood"), b"{}").body) <= 64 * 1024


def test_nobody_there_is_for_now(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    with pytest.raises(OutboundUnreachable):
        outbound.post("http://127.0.0.1:1/", b"{}")


def test_a_server_of_names_that_hangs_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    began = time.monotonic()
    with pytest.raises(OutboundUnreachable):
        resolving.look_up_name("slow.example.org", 443, 0.2)
    assert time.monotonic() - began < 2


def test_a_name_that_does_not_exist_is_wrong_and_one_that_cannot_be_asked_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(code: int) -> Any:
        def ask(*_: object, **__: object) -> None:
            raise socket.gaierror(code, "no")

        return ask

    monkeypatch.setattr(socket, "getaddrinfo", fails(socket.EAI_NONAME))
    with pytest.raises(OutboundRefused, match=r"Nobody knows a server called nowhere\.example"):
        outbound.check_url("https://nowhere.example/")
    monkeypatch.setattr(socket, "getaddrinfo", fails(socket.EAI_AGAIN))
    with pytest.raises(OutboundUnreachable):
        outbound.check_url("https://nowhere.example/")


def test_what_is_posted_is_signed_as_standard_webhooks_are(receiver: Receiver, settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    secret, body = outbound.new_signing_secret(), '{"say":"你好"}'.encode()
    assert outbound.is_signing_secret(secret)
    now = datetime.now(UTC)
    outbound.post(receiver.url("ok"), body, headers=outbound.signed_headers(secret, "closing:1", now, body))
    (took,) = receiver.took
    assert took["headers"]["webhook-id"] == "closing:1"
    assert Webhook(secret).verify(took["body"], took["headers"]) == {"say": "你好"}


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_short", "secret", "whsec_" + base64.b64encode(b"x" * 65).decode()]
)
def test_what_is_no_signing_secret_is_told_from_one(text: str) -> None:
    assert not outbound.is_signing_secret(text)


NEW = base64.urlsafe_b64encode(b"n" * 32).decode()


def test_a_stored_secret_is_read_back_and_moves_to_a_new_key(settings: Settings) -> None:
    old = list(settings.STORED_SECRET_KEYS)
    stored = encrypted("whsec_x")
    assert "whsec" not in stored
    settings.STORED_SECRET_KEYS = [NEW, *old]
    again = encrypted_again(stored)
    settings.STORED_SECRET_KEYS = [NEW]
    assert decrypted(again) == "whsec_x"
    with pytest.raises(SecretsUnreadable, match="not in STORED_SECRET_KEYS"):
        decrypted(stored)


@pytest.mark.parametrize("keys", [[], ["no key"]])
def test_without_a_key_secrets_are_refused_in_words(settings: Settings, keys: list[str]) -> None:
    settings.STORED_SECRET_KEYS = keys
    with pytest.raises(SecretsUnreadable, match="STORED_SECRET_KEYS"):
        encrypted("x")
