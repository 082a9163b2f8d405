"""Where Dayzero may connect to: public addresses, and the internal networks that a setting names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from trials.domain.refusals import Refusal
from trials.domain.words import mark as _

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2000
_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL = ip_network("2000::/3")
"""What of IPv6 is given out (https://www.iana.org/assignments/ipv6-address-space). The rest leads inside:
site-local addresses (fec0::/10), IPv4 in ::/96 and ::ffff:0:0:0/96, translation inside (64:ff9b:1::/48)."""
# documentation (RFC 9637), assignments of protocols (RFC 6890), relays of 6to4 (RFC 7526):
# Python's is_global takes some of them for public
_NO_PUBLIC = tuple(
    ip_network(name)
    for name in ("3fff::/20", "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")  # the last: Azure's own
)
_BITS = 32
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z", re.IGNORECASE)
_CONTROL = re.compile(r"[\s\x00-\x20\x7f\\]")

NOT_A_URL = _("%(url)s is no address of the web: enter one such as https://gateway.example.org/dayzero.")
NOT_HTTPS = _(
    "%(url)s does not begin with https://. Plain http:// is only for the internal networks that the "
    "setting OUTBOUND_NETWORKS names."
)
WITH_PASSWORD = _(
    "The address holds a user name or a password before the @: enter the secret in its own field."
)
INTERNAL = _(
    "%(host)s leads to %(address)s, which is no public address. Internal addresses are allowed only in the "
    "networks that the setting OUTBOUND_NETWORKS names."
)
UNKNOWN_HOST = _("Nobody knows a server called %(host)s: check how it is spelt.")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: its scheme, host and port."""

    scheme: str
    host: str
    port: int


def networks_of(names: Iterable[str]) -> tuple[Network, ...]:
    """Read networks such as `10.1.0.0/16`; raises ValueError, with the name, for what is none."""
    return tuple(ip_network(name.strip()) for name in names if name.strip())


def may_connect(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Say whether an address is public, or lies in one of the networks allowed.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) counts as itself.
    """
    try:
        given = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_may(one, allowed) for one in (given, *_inside(given)))


def target_of(url: str) -> Target | Refusal:
    """Read where a URL leads, or say at the field `url` what is wrong with it.

    It is https or http, without user, password and fragment, with a host that can be one, and not
    longer than LONGEST_URL. Whether its address may be connected to is asked later, of the address.
    """
    shown = url.split("?", maxsplit=1)[0][:80]
    wrong = Refusal("url", NOT_A_URL, {"url": shown})
    parts = _parts(url)
    if parts is None:
        return wrong
    if parts.scheme not in {"http", "https"}:
        return Refusal("url", NOT_HTTPS, {"url": shown}) if parts.scheme else wrong
    if parts.username is not None or parts.password is not None:
        return Refusal("url", WITH_PASSWORD)
    host = _host(parts)
    if host is None or parts.fragment or parts.port == 0:
        return wrong
    return Target(parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80))


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL that can be read, its port among them; None of any other."""
    if len(url) > LONGEST_URL or _CONTROL.search(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018, raises where it is no number
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult) -> str | None:
    host = (parts.hostname or "").rstrip(".")
    if not host:
        return None
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        plain = host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    labels = plain.split(".")
    # 0x7f.1 and 2130706433 are read as addresses by resolvers: a name ends in a label that is no number
    if labels[-1][:1].isdecimal() or not all(_LABEL.match(label) for label in labels):
        return None
    return plain


def _may(address: Address, allowed: Sequence[Network]) -> bool:
    if any(address in network for network in allowed if network.version == address.version):
        return True
    if isinstance(address, IPv6Address) and not (address in _GLOBAL or _inside(address)):
        return False
    named = any(address in network for network in _NO_PUBLIC if network.version == address.version)
    return address.is_global and not address.is_multicast and not named


def _inside(address: Address) -> tuple[IPv4Address, ...]:
    if isinstance(address, IPv4Address):
        return ()
    teredo = address.teredo[1] if address.teredo else None
    nat64 = IPv4Address(int(address) % 2**_BITS) if address in _NAT64 else None
    return tuple(one for one in (address.ipv4_mapped, address.sixtofour, teredo, nat64) if one)
