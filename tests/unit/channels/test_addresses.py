"""Where may be connected to: public addresses, and what a setting allows, in every spelling."""

from __future__ import annotations

import pytest

from trials.domain.channels.addresses import Target, may_connect, networks_of, target_of
from trials.domain.refusals import Refusal

INSIDE = [
    "127.0.0.1", "127.255.1.2", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.1.1", "192.0.2.1",  # noqa: S104
    "198.18.0.1", "240.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::7f00:1", "::127.0.0.1", "::10.0.0.1",
    "::ffff:0:10.0.0.1", "fec0::1", "5f00::1", "3fff::1", "4000::1", "2001:0:7f00:1::", "192.0.0.8",
    "192.88.99.1", "168.63.129.16",
    "not-an-address", "",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_no_internal_address_is_connected_to(address: str) -> None:
    assert not may_connect(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is(address: str) -> None:
    assert may_connect(address)


def test_an_internal_network_is_allowed_by_name_alone() -> None:
    allowed = networks_of(["10.20.0.0/16", " fd12::/32 ", ""])
    assert may_connect("10.20.3.4", allowed)
    assert may_connect("fd12::5", allowed)
    assert not may_connect("10.21.0.1", allowed)
    assert may_connect("::ffff:10.20.0.1", networks_of(["10.20.0.0/16", "::ffff:0:0/96"]))
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        networks_of(["10.0.0.0/99"])


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://gateway.example.org/dayzero?key=1", Target("https", "gateway.example.org", 443)),
        ("https://GATEWAY.example.org.:8443/", Target("https", "gateway.example.org", 8443)),
        ("http://10.0.0.1/x", Target("http", "10.0.0.1", 80)),
        ("https://[2606:4700::1]/x", Target("https", "2606:4700::1", 443)),
        ("https://医院.example.org/", Target("https", "xn--ekrs67m.example.org", 443)),
        ("https://localhost/x", Target("https", "localhost", 443)),
    ],
)
def test_where_a_url_leads_is_read(url: str, target: Target) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "", "gateway.example.org", "https://", "https:///x", "https://a b.example.org/", "https://example.org:99999/",
        "https://example.org:0/", "https://user@example.org/", "https://user:pw@example.org/", "ftp://example.org/",
        "file:///etc/passwd", "gopher://example.org/", "javascript:alert(1)", "https://2130706433/",
        "https://0x7f.0x0.0x0.0x1/", "https://127.1/", "https://0177.0.0.1/", "https://example.org/#x",
        "https://exam_ple.org/", "https://-x.example.org/", "https://example.org\\@evil.example/", "https://[::1/",
        "https://example.org/\r\nHost: x", "https://e" + "x" * 2000 + ".org/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused_at_its_field(url: str) -> None:
    refused = target_of(url)
    assert isinstance(refused, Refusal)
    assert refused.field == "url"
    assert "pw" not in refused.text()
