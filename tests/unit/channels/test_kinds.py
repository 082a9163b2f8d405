# ruff: noqa: E501  (a table of addresses)
"""The named list of channels: addresses as receivers show them, every other scheme refused by name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trials.domain.channels.kinds import KINDS, ChannelKind, Way, receiver_of, way_of
from trials.domain.refusals import Refusal

K = ChannelKind


@pytest.mark.parametrize(
    ("kind", "address", "secret", "url", "host"),
    [
        (K.WECOM, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ab-1_C", "", "wecombot://ab-1_C", "qyapi.weixin.qq.com"),
        (K.WECOM, " wecombot://ab-1 ", "", "wecombot://ab-1", "qyapi.weixin.qq.com"),
        (K.DINGTALK, "https://oapi.dingtalk.com/robot/send?access_token=ab1", "SEC12345678", "dingtalk://SEC12345678@ab1", "oapi.dingtalk.com"),
        (K.DINGTALK, "dingtalk://SEC12345678@ab1", "", "dingtalk://SEC12345678@ab1", "oapi.dingtalk.com"),
        (K.FEISHU, "https://open.feishu.cn/open-apis/bot/v2/hook/a-b", "", "feishu://a-b", "open.feishu.cn"),
        (K.FEISHU, "https://open.feishu.cn/open-apis/bot/v2/hook/a-b", "demo12345", "feishu://a-b", "open.feishu.cn"),
        (K.NTFY, "https://ntfy.example.org/ward", "tk_12345678", "ntfys://ntfy.example.org/ward/?auth=token&token=tk_12345678&mode=private&image=no", "ntfy.example.org"),
        (K.NTFY, "ntfy://10.0.0.1:8080/ward", "", "ntfy://10.0.0.1:8080/ward/?mode=private&image=no", "10.0.0.1"),
        (K.TWILIO, "twilio://ACab12:tok1@+15550001111/+15550002222", "", "twilio://ACab12:tok1@+15550001111/+15550002222", "api.twilio.com"),
        (K.SMSEAGLE, "smseagles://tok-1@sms.example.org/15550002222", "", "smseagles://tok-1@sms.example.org/15550002222", "sms.example.org"),
        (K.WEBHOOK, "https://gateway.example.org/dayzero?x=1", "whsec_x", "https://gateway.example.org/dayzero?x=1", "gateway.example.org"),
    ],
)  # fmt: skip
def test_an_address_is_read_as_its_receiver_shows_it(kind, address, secret, url, host):
    way = way_of(kind, address, secret)
    assert isinstance(way, Way)
    assert (way.url, way.host) == (url, host)


def test_where_the_receiver_may_be_anybody_its_host_is_to_be_judged():
    for kind, address in (
        (K.NTFY, "https://ntfy.example.org/ward"),
        (K.SMSEAGLE, "smseagle://tok-1@10.0.0.9/15550002222"),
        (K.WEBHOOK, "https://gateway.example.org/x"),
    ):
        way = way_of(kind, address)
        assert isinstance(way, Way)
        assert way.host in way.connects


@pytest.mark.parametrize(
    "scheme", ["discord", "mailto", "json", "xml", "form", "telegram", "slack", "syslog", "file", "lark"]
)
@pytest.mark.parametrize("kind", [K.WECOM, K.NTFY, K.WEBHOOK, K.TWILIO])
def test_every_other_scheme_is_refused_by_name(kind, scheme):
    refused = way_of(kind, f"{scheme}://x@y/z")
    assert isinstance(refused, Refusal)
    assert (refused.field, refused.code) == ("address", "scheme-refused")
    assert f"{scheme}://" in refused.text()
    assert "wecombot, dingtalk, feishu, ntfys" in refused.text()


def test_the_address_of_another_kind_says_which():
    refused = way_of(K.WECOM, "feishu://abc")
    assert isinstance(refused, Refusal)
    assert "Feishu" in refused.text()


@pytest.mark.parametrize(
    ("kind", "address", "secret", "field"),
    [
        (K.WECOM, "", "", "address"),
        (K.WECOM, "https://evil.example/cgi-bin/webhook/send?key=ab", "", "address"),
        (K.WECOM, "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ab", "", "address"),
        (K.WECOM, "wecombot://ab?verify=no", "", "address"),
        (K.WECOM, "wecombot://ab/../x", "", "address"),
        (K.WECOM, "wecombot://ab", "secret", "secret"),
        (K.FEISHU, "feishu://ab", "a b", "secret"),
        (K.DINGTALK, "dingtalk://ab1", "a b", "secret"),
        (K.DINGTALK, "dingtalk://ab1/13800000000", "", "address"),
        (K.NTFY, "https://ntfy.example.org/", "", "address"),
        (K.NTFY, "https://ntfy.example.org/a/b", "", "address"),
        (K.NTFY, "https://user:pw@ntfy.example.org/ward", "", "address"),
        (K.NTFY, "https://ntfy.example.org:x/ward", "", "address"),
        (K.TWILIO, "twilio://ACab12:tok1@+15550001111/+15550002222/+15550003333", "", "address"),
        (K.CLICKSEND, "clicksend://user:key@+15550002222?batch=yes", "", "address"),
    ],
)
def test_what_is_not_its_address_is_refused_at_its_field(kind, address, secret, field):
    refused = way_of(kind, address, secret)
    assert isinstance(refused, Refusal)
    assert refused.field == field
    assert "pw" not in refused.text()


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        (K.WECOM, ["wecombot://k-1", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-1"]),
        (K.DINGTALK, ["dingtalk://SEC12345678@ab1", "dingtalk://ab1"]),
        (K.FEISHU, ["feishu://a-b", "https://open.feishu.cn/open-apis/bot/v2/hook/a-b/"]),
        (K.NTFY, ["https://Ntfy.example.org/ward", "ntfys://tk_12345678@ntfy.example.org/ward/"]),
        (K.WEBHOOK, ["https://Gateway.example.org/x?a=1", "https://gateway.example.org/x?a=1"]),
        (K.VONAGE, ["vonage://k1:s1@15550001111/15550002222", "vonage://k1:s2@15550001111/15550002222/"]),
    ],
)
def test_one_robot_is_known_by_each_spelling_of_its_address_and_no_secret(kind, spellings):
    names = {receiver_of(way_of(kind, one)) for one in spellings}
    assert len(names) == 1
    other = receiver_of(way_of(kind, spellings[0][:-1] + ("9" if kind is K.VONAGE else "z")))
    assert other not in names


def test_the_receivers_limits_are_those_that_they_state():
    assert (KINDS[K.WECOM].limit, KINDS[K.WECOM].per_minute) == (2048, 20)
    assert KINDS[K.WECOM].length("中文ab") == 8
    assert KINDS[K.FEISHU].limit <= 20 * 1024
    full, later = datetime(2026, 11, 29, 8, 0, 59, tzinfo=UTC), datetime(2026, 11, 29, 8, 1, tzinfo=UTC)
    assert KINDS[K.FEISHU].rests_at(full)
    assert not KINDS[K.FEISHU].rests_at(later)
    assert not KINDS[K.WECOM].rests_at(full)
