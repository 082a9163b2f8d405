"""Channels: what may be entered by whom, what of it is kept, what a test says, how a key is renewed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from tests.cast import a_site
from tests.integration.channels.test_outbound import HERE, Receiver
from tests.receivers import http_server, serving
from trials.domain.channels.kinds import KINDS, ChannelKind
from trials.domain.channels.texts import Packet
from trials.domain.errors import Refused, Stale
from trials.models import AuditEntry, Channel, ChannelHealth, Membership, Role, User
from trials.outbound import Verdict, new_signing_secret
from trials.outbound.by_channel import send_packet
from trials.selectors.channels import receivers_of
from trials.services.channels.channels import (
    ChannelSaid,
    add_channel,
    opened,
    renew_channel,
    switch_channel,
    try_channel,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 29, 10, 7, tzinfo=UTC)
WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=the-robots-key"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_NETWORKS = HERE
    receiver = Receiver()
    with serving(http_server(0, receiver.took.append)) as receiver.port:
        yield receiver


@pytest.fixture
def keeper() -> User:
    return User.objects.create_user("wang")


def wecom(**given: str) -> ChannelSaid:
    return ChannelSaid("wecom", given.get("name", "Ward"), given.get("address", WECOM), language="en")


def webhook(receiver: Receiver, path: str = "ok") -> ChannelSaid:
    return ChannelSaid("webhook", "Gateway", receiver.url(path), language="zh-hans")


def test_neither_table_nor_trail_holds_the_address(keeper: User) -> None:
    channel = add_channel(said=wecom(), now=NOW, by=keeper).channel
    assert (channel.host, channel.user) == ("qyapi.weixin.qq.com", keeper)
    assert "the-robots-key" not in Channel.objects.get().secret
    entry = AuditEntry.objects.get(model="trials.channel")
    assert entry.actor == "wang"
    assert "secret" not in entry.new
    assert "the-robots-key" not in json.dumps(entry.new)
    way, _secret = opened(channel)
    assert way.url == "wecombot://the-robots-key"


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        (ChannelSaid("wecom", "x", "discord://a/b"), "address", "discord:// is not on the list"),
        (ChannelSaid("wecom", "x", "https://evil.example/"), "address", "This is not the address"),
        (ChannelSaid("webhook", "x", "https://127.0.0.1/x"), "address", "no public address"),
        (ChannelSaid("webhook", "x", "http://169.254.169.254/"), "address", "no public address"),
        (ChannelSaid("webhook", "x", "https://8.8.8.8/", "short"), "secret", "no signing secret"),
        (ChannelSaid("ntfy", "x", "https://10.0.0.7/ward"), "address", "no public address"),
        (ChannelSaid("smseagle", "x", "smseagle://tok@10.0.0.7/15550002222"), "address", "no public address"),
        (ChannelSaid("fax", "x", "1"), "kind", "Choose a kind"),
        (ChannelSaid("wecom", "  ", WECOM), "name", "Enter a name"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field(
    said: ChannelSaid, field: str, words: str, keeper: User
) -> None:
    with pytest.raises(Refused) as refused:
        add_channel(said=said, now=NOW, by=keeper)
    assert words in refused.value.fields[field][0]
    assert not Channel.objects.exists()


def test_a_name_is_taken_once_for_each_owner(keeper: User) -> None:
    add_channel(said=wecom(), now=NOW, by=keeper)
    with pytest.raises(Refused, match="on record already"):
        add_channel(said=wecom(name=" Ward "), now=NOW, by=keeper)
    add_channel(said=wecom(), now=NOW, by=keeper, site=a_site())


def test_nor_is_a_name_that_is_taken_got_by_renewing_or_by_switching_on_again(keeper: User) -> None:
    first = add_channel(said=wecom(), now=NOW, by=keeper).channel
    switch_channel(channel=first, version=first.version, on=False, now=NOW, by=keeper)
    second = add_channel(said=wecom(), now=NOW, by=keeper).channel
    first.refresh_from_db()
    with pytest.raises(Refused, match="on record already"):
        switch_channel(channel=first, version=first.version, on=True, now=NOW, by=keeper)
    third = add_channel(said=wecom(name="Night"), now=NOW, by=keeper).channel
    with pytest.raises(Refused, match="on record already"):
        renew_channel(channel=third, version=third.version, said=wecom(), now=NOW, by=keeper)
    renew_channel(channel=second, version=second.version, said=wecom(), now=NOW, by=keeper)


def test_a_signed_post_is_given_a_secret_that_is_shown_once(receiver: Receiver, keeper: User) -> None:
    added = add_channel(said=webhook(receiver), now=NOW, by=keeper)
    assert added.shown_once.startswith("whsec_")
    at = datetime.now(UTC)
    tried = try_channel(channel=added.channel, at=at, link="https://dayzero.example/")
    assert tried.left
    (took,) = receiver.took
    body = Webhook(added.shown_once).verify(took["body"], took["headers"])
    assert body["data"]["text"] == "Dayzero：这是一条测试消息。\nhttps://dayzero.example/"


@pytest.mark.parametrize(
    ("path", "words"),
    [("status/404", "404"), ("redirect", "302"), ("status/503", "503"), ("status/401", "401")],
)
def test_a_test_says_what_came_of_it(receiver: Receiver, keeper: User, path: str, words: str) -> None:
    channel = add_channel(said=webhook(receiver, path), now=NOW, by=keeper).channel
    tried = try_channel(channel=channel, at=NOW, link="https://dayzero.example/")
    assert not tried.left
    assert words in tried.words
    assert ChannelHealth.objects.get().failures == 0, "somebody is there"


def test_where_nobody_answers_the_channel_rests_and_a_test_says_so(settings: Settings, keeper: User) -> None:
    settings.OUTBOUND_NETWORKS = HERE
    said = ChannelSaid("webhook", "Nobody", "http://127.0.0.1:1/x")
    channel = add_channel(said=said, now=NOW, by=keeper).channel
    for _ in range(3):
        tried = try_channel(channel=channel, at=NOW, link="https://dayzero.example/")
        assert "cannot be reached" in tried.words
    assert "no more messages now" in try_channel(channel=channel, at=NOW, link="x").words
    assert ChannelHealth.objects.get().rests_until == NOW + timedelta(minutes=1)


def test_an_address_that_leads_inside_later_is_refused_at_the_connection(
    receiver: Receiver, keeper: User, settings: Settings
) -> None:
    channel = add_channel(said=webhook(receiver), now=NOW, by=keeper).channel
    settings.OUTBOUND_NETWORKS = []
    tried = try_channel(channel=channel, at=NOW, link="x")
    assert "no public address" in tried.words
    assert not receiver.took


def test_without_a_way_out_nothing_is_tried(receiver: Receiver, keeper: User, settings: Settings) -> None:
    channel = add_channel(said=webhook(receiver), now=NOW, by=keeper).channel
    settings.OUTBOUND = False
    assert "no way out" in try_channel(channel=channel, at=NOW, link="x").words
    assert not receiver.took


ROBOTS = {
    ChannelKind.WECOM: ("apprise.plugins.wecombot", "NotifyWeComBot", "wecombot://key", "?key={key}"),
    ChannelKind.DINGTALK: (
        "apprise.plugins.dingtalk",
        "NotifyDingTalk",
        "dingtalk://SEC12345678@tok",
        "?t={token}",
    ),
    ChannelKind.FEISHU: ("apprise.plugins.feishu", "NotifyFeishu", "feishu://tok", "?t={token}"),
    ChannelKind.VONAGE: (
        "apprise.plugins.vonage",
        "NotifyVonage",
        "vonage://key1:sec1@15550001111/15550002222",
        "",
    ),
}


def sent_by(kind: ChannelKind, receiver: Receiver, path: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    from importlib import import_module

    from trials.domain.channels.kinds import Way, way_of

    module, name, address, query = ROBOTS[kind]
    monkeypatch.setattr(getattr(import_module(module), name), "notify_url", receiver.url(path) + query)
    way = way_of(kind, address)
    assert isinstance(way, Way)
    return send_packet(way, Packet(("k",), "受试者 S01-003\n访视"), secret="", at=NOW)


@pytest.mark.parametrize("kind", list(ROBOTS))
def test_a_robot_takes_the_text_whole_by_the_guarded_session(
    kind: ChannelKind, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sent_by(kind, receiver, "ok", monkeypatch).verdict is Verdict.TAKEN
    (took,) = receiver.took
    said = took["body"] if "%" in took["body"] else json.dumps(json.loads(took["body"]), ensure_ascii=False)
    assert "S01-003" in said
    assert kind is not ChannelKind.DINGTALK or "sign=" in took["path"]


def posted(receiver: Receiver, kind: ChannelKind, packet: Packet, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a receiver of a kind gets of a text, its own server standing for the receiver's."""
    from importlib import import_module

    from trials.domain.channels.kinds import Way, way_of

    own = {
        ChannelKind.NTFY: ("ntfy", f"http://127.0.0.1:{receiver.port}/ward", ""),
        ChannelKind.SMSEAGLE: ("smseagle", f"smseagle://tok1@127.0.0.1:{receiver.port}/15550002222", ""),
        ChannelKind.WEBHOOK: ("", receiver.url("ok"), new_signing_secret()),
    }
    address, secret = own[kind][1:] if kind in own else (ROBOTS[kind][2], "")
    if kind in ROBOTS:
        module, name, _address, query = ROBOTS[kind]
        monkeypatch.setattr(getattr(import_module(module), name), "notify_url", receiver.url("ok") + query)
    way = way_of(kind, address, "" if kind is ChannelKind.WEBHOOK else secret)
    assert isinstance(way, Way)
    receiver.took.clear()
    send_packet(way, packet, secret=secret, at=NOW)
    return receiver.took[0]["headers"]


@pytest.mark.parametrize(
    "kind", [*ROBOTS, ChannelKind.NTFY, ChannelKind.SMSEAGLE, ChannelKind.WEBHOOK], ids=str
)
def test_what_leaves_by_a_channel_carries_its_key_each_time(
    kind: ChannelKind, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a signed POST did: behind a gateway nobody could tell a repeat from another message."""
    name = "webhook-id" if kind is ChannelKind.WEBHOOK else "x-dayzero-key"
    first, again, other = (
        posted(receiver, kind, Packet((key,), "S01-003"), monkeypatch)
        for key in ("closing:u1:2026-11-29:7", "closing:u1:2026-11-29:7", "closing:u2:2026-11-29:7")
    )
    assert first[name] == again[name] == "closing:u1:2026-11-29:7" != other[name]


def test_ntfy_puts_a_repeat_in_the_place_of_the_first(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again, other = (
        posted(receiver, ChannelKind.NTFY, Packet((key,), "S01-003"), monkeypatch)["x-sequence-id"]
        for key in ("k", "k", "l")
    )
    assert first == again != other
    assert re.fullmatch(r"[-_A-Za-z0-9]{1,64}", first), "as ntfy takes it"


def test_the_keys_of_a_long_digest_fit_into_a_header(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tuple(f"closing:{'u' * 40}:2026-11-29:{number}" for number in range(200))
    headers = posted(receiver, ChannelKind.WECOM, Packet(keys, "S01-003"), monkeypatch)
    assert len(headers["x-dayzero-key"]) < 100
    again = posted(receiver, ChannelKind.WECOM, Packet(keys, "S01-003"), monkeypatch)
    assert headers["x-dayzero-key"] == again["x-dayzero-key"]


def test_a_feishu_robot_that_asks_for_a_signature_gets_it_in_each_message(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its documentation computes it, with a secret and a second written out here."""
    from trials.domain.channels.kinds import Way, way_of

    monkeypatch.setattr("trials.outbound.by_channel.FEISHU", receiver.url("ok") + "?hook=")
    way = way_of(ChannelKind.FEISHU, "feishu://a-b", "demo12345")
    assert isinstance(way, Way)
    sent = send_packet(way, Packet(("k",), "受试者 S01-003"), secret="demo12345", at=NOW)
    assert sent.verdict is Verdict.TAKEN
    (took,) = receiver.took
    said, key = json.loads(took["body"]), f"{int(NOW.timestamp())}\ndemo12345".encode()
    assert said["timestamp"] == str(int(NOW.timestamp()))
    assert said["sign"] == base64.b64encode(hmac.new(key, digestmod=hashlib.sha256).digest()).decode()
    assert (said["msg_type"], said["content"]) == ("text", {"text": "受试者 S01-003"})
    assert took["path"].endswith("hook=a-b"), "the secret stands in no address"
    assert took["headers"]["x-dayzero-key"] == "k"


@pytest.mark.parametrize(
    ("kind", "code", "verdict"),
    [
        (ChannelKind.FEISHU, 19021, Verdict.NEVER),
        (ChannelKind.WECOM, 93000, Verdict.NEVER),
        (ChannelKind.WECOM, 45009, Verdict.LATER),
        (ChannelKind.DINGTALK, 310000, Verdict.NEVER),
        (ChannelKind.DINGTALK, 410100, Verdict.LATER),
        (ChannelKind.FEISHU, 19024, Verdict.NEVER),
        (ChannelKind.FEISHU, 11232, Verdict.LATER),
    ],
)
def test_a_robot_that_answers_200_is_read_by_its_code(
    kind: ChannelKind, code: int, verdict: Verdict, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = sent_by(kind, receiver, f"says/{code}", monkeypatch)
    assert sent.verdict is verdict
    assert str(code) in sent.reason


@pytest.mark.parametrize("kind", list(ROBOTS))
def test_apprise_follows_no_redirect_and_reaches_nothing_inside(
    kind: ChannelKind, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert sent_by(kind, receiver, "redirect", monkeypatch).verdict is Verdict.NEVER
    assert len(receiver.took) == 1
    settings.OUTBOUND_NETWORKS = []
    sent = sent_by(kind, receiver, "ok", monkeypatch)
    assert (sent.verdict, len(receiver.took)) == (Verdict.NEVER, 1)
    assert "no public address" in sent.reason


def test_apprise_reaches_nobody_outside_of_our_session() -> None:
    import apprise.plugins.wecombot as module
    from apprise import Apprise

    from trials.domain.channels.kinds import Way, way_of
    from trials.outbound.by_channel import check_way

    way = way_of(ChannelKind.WECOM, "wecombot://key")
    assert isinstance(way, Way)
    check_way(way)
    assert not hasattr(module.requests, "get")
    with pytest.raises(RuntimeError, match="by_channel alone"):
        Apprise.instantiate("wecombot://key").send(body="x")  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", [kind for kind in ChannelKind if kind is not ChannelKind.WEBHOOK])
def test_apprise_makes_something_of_every_kind_on_the_list(kind: ChannelKind) -> None:
    from trials.domain.channels.kinds import Way, way_of
    from trials.outbound.by_channel import check_way

    addresses = {
        "ntfy": "https://ntfy.example.org/ward",
        "twilio": "twilio://ACab12cd:tok1@15550001111/15550002222",
        "sinch": "sinch://abc123:def456@15550001111/15550002222",
        "clicksend": "clicksend://user:abc-1@15550002222",
        "smseagle": "smseagles://tok1@sms.example.org/15550002222",
    }
    way = way_of(kind, addresses.get(kind) or ROBOTS[kind][2])
    assert isinstance(way, Way)
    check_way(way)


def test_renewing_and_switching_go_by_the_version_that_was_shown(receiver: Receiver, keeper: User) -> None:
    channel = add_channel(said=wecom(), now=NOW, by=keeper).channel
    again = wecom(address="wecombot://new-key", name="Ward 2")
    renewed = renew_channel(channel=channel, version=1, said=again, now=NOW, by=keeper).channel
    assert (opened(renewed)[0].url, renewed.name) == ("wecombot://new-key", "Ward 2")
    with pytest.raises(Stale):
        switch_channel(channel=channel, version=1, on=False, now=NOW, by=keeper)
    assert switch_channel(channel=channel, version=2, on=False, now=NOW, by=keeper).off_at == NOW


NEW = base64.urlsafe_b64encode(b"n" * 32).decode()


def test_the_key_of_secrets_can_be_renewed(
    keeper: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    old = list(settings.STORED_SECRET_KEYS)
    channel = add_channel(said=wecom(), now=NOW, by=keeper).channel
    entries = AuditEntry.objects.count()
    settings.STORED_SECRET_KEYS = [NEW, *old]
    call_command("renew_secrets")
    assert "1 secrets" in capsys.readouterr().out
    settings.STORED_SECRET_KEYS = [NEW]
    channel.refresh_from_db()
    assert opened(channel)[0].url == "wecombot://the-robots-key"
    assert AuditEntry.objects.count() == entries
    settings.STORED_SECRET_KEYS = old
    with pytest.raises(CommandError, match="Not renewed"):
        call_command("renew_secrets")


def test_channels_of_one_robot_know_each_other_under_another_key_of_the_installation(
    keeper: User, settings: Settings
) -> None:
    old = add_channel(said=wecom(), now=NOW, by=keeper).channel
    settings.SECRET_KEY = "another-key-of-this-installation-" + "x" * 20
    new = add_channel(said=wecom(name="Ward 2"), now=NOW, by=keeper).channel
    entries = AuditEntry.objects.count()
    call_command("renew_secrets")
    assert receivers_of([new.way]) == dict.fromkeys((old.way, new.way), new.receiver_way)
    assert AuditEntry.objects.count() == entries


# pages


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_person_adds_tries_and_switches_off_their_own(receiver: Receiver, keeper: User) -> None:
    client = client_of(keeper)
    assert "No channel yet" in client.get("/channels/").content.decode()
    given = {
        "reaches": "me",
        "kind": "webhook",
        "name": "Mine",
        "address": receiver.url("ok"),
        "language": "en",
    }
    page = client.post("/channels/add/", given)
    channel = Channel.objects.get()
    assert "whsec_" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    one = f"/channels/{channel.pk}/"
    for address in ("/channels/", one):
        text = client.get(address).content.decode()
        assert "whsec_" not in text
        assert receiver.url("ok") not in text
    assert "The test was taken by 127.0.0.1" in client.post(f"{one}test/", follow=True).content.decode()
    client.post(one, {"act": "off", "version": "0"})
    channel.refresh_from_db()
    assert channel.off_at is None, "by the version that was shown"
    client.post(one, {"act": "off", "version": "1"})
    channel.refresh_from_db()
    assert channel.off_at


def test_a_form_that_is_refused_keeps_what_was_typed_and_says_why(keeper: User) -> None:
    given = {"reaches": "me", "kind": "wecom", "name": "Mine", "address": "discord://a/b", "language": "en"}
    page = client_of(keeper).post("/channels/add/", given)
    assert page.status_code == 422
    assert "discord:// is not on the list of channels" in page.content.decode()
    assert 'value="discord://a/b"' in page.content.decode()
    for act in ("renew", "test", "bogus"):
        assert client_of(keeper).post("/channels/4711/", {"act": act}).status_code == 404


def test_the_channels_of_a_place_are_for_those_who_look_after_it(keeper: User) -> None:
    site = a_site()
    channel = add_channel(said=wecom(), now=NOW, by=keeper, site=site).channel
    other = User.objects.create_user("other")
    assert client_of(other).get(f"/channels/{channel.pk}/").status_code == 404
    assert "Ward" not in client_of(other).get("/channels/").content.decode()
    Membership.objects.create(
        user=other, role=Role.COORDINATOR, site=site, starts_on=NOW.date() - timedelta(days=30)
    )
    assert client_of(other).get(f"/channels/{channel.pk}/").status_code == 200
    mine = add_channel(said=wecom(name="Own"), now=NOW, by=keeper).channel
    assert client_of(other).get(f"/channels/{mine.pk}/").status_code == 404


def test_an_installation_without_a_way_out_or_a_key_says_so(keeper: User, settings: Settings) -> None:
    settings.OUTBOUND, settings.STORED_SECRET_KEYS = False, []
    page = client_of(keeper).get("/channels/").content.decode()
    assert "no way out" in page
    assert "STORED_SECRET_KEYS" in page
    given = {"reaches": "me", "kind": "wecom", "name": "Mine", "address": WECOM, "language": "en"}
    assert client_of(keeper).post("/channels/add/", given).status_code == 422


def test_every_kind_has_a_name_and_an_example(keeper: User) -> None:
    page = client_of(keeper).get("/channels/add/").content.decode()
    assert all(known.form in page for known in KINDS.values())
