"""From a name to the addresses that may be connected to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from queue import Empty, Queue

from django.conf import settings

from trials.domain.channels.addresses import (
    INTERNAL,
    NOT_HTTPS,
    UNKNOWN_HOST,
    Network,
    Target,
    may_connect,
    networks_of,
    target_of,
)
from trials.domain.channels.failures import NAME_NOT_FOUND_NOW, NAME_TOO_SLOW
from trials.domain.refusals import Refusal
from trials.outbound.answers import OutboundRefused, OutboundUnreachable

LOOK_UP_SECONDS = 5.0
"""How long a name may take to be looked up: a server of names that hangs must not hold a ring."""

_UNKNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

LookUp = Callable[[str, int], list[str]]
"""The addresses of a name, in the order in which they are tried."""


def way_out() -> bool:
    """Say whether this installation may connect to other servers at all (settings.OUTBOUND)."""
    return bool(settings.OUTBOUND)


def allowed_networks() -> tuple[Network, ...]:
    """Give the internal networks that may be connected to (settings.OUTBOUND_NETWORKS)."""
    return networks_of(settings.OUTBOUND_NETWORKS)


def check_url(url: str, *, look_up: LookUp | None = None) -> Target:
    """Read a URL that somebody enters; raises OutboundRefused where it is wrong or leads inside.

    Every address of its name must be allowed. Raises OutboundUnreachable where no name can be looked
    up at this moment. Each connection asks again, of the address that it is made to.
    """
    target = target_of(url)
    if isinstance(target, Refusal):
        raise OutboundRefused(target)
    allowed = allowed_networks()
    addresses = (look_up or look_up_name)(target.host, target.port)
    for address in addresses:
        if not may_connect(address, allowed):
            raise OutboundRefused(internal(target.host, address))
    if target.scheme == "http" and not all(_is_inside(address, allowed) for address in addresses):
        raise OutboundRefused(Refusal("url", NOT_HTTPS, {"url": url.split("?", maxsplit=1)[0][:80]}))
    return target


def internal(host: str, address: str) -> Refusal:
    """Say that a name leads to an address that may not be connected to."""
    return Refusal("url", INTERNAL, {"host": host, "address": address}, "internal-address")


def look_up_name(host: str, port: int, seconds: float = LOOK_UP_SECONDS) -> list[str]:
    """Give the addresses of a name, waiting `seconds` at most.

    Raises OutboundRefused for a name that does not exist, OutboundUnreachable where nobody says.
    """
    found: Queue[list[str] | OSError] = Queue()
    # The system's look-up takes no time limit and cannot be ended: one that hangs is left to its thread.
    threading.Thread(target=_ask, args=(host, port, found), daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except Empty:
        raise OutboundUnreachable(Refusal("url", NAME_TOO_SLOW, {"host": host})) from None
    if isinstance(answer, socket.gaierror) and answer.errno in _UNKNOWN:
        raise OutboundRefused(Refusal("url", UNKNOWN_HOST, {"host": host}, "unknown-host"))
    if isinstance(answer, OSError):
        raise OutboundUnreachable(Refusal("url", NAME_NOT_FOUND_NOW, {"host": host}))
    return answer


def _ask(host: str, port: int, found: Queue[list[str] | OSError]) -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        found.put(error)
    except UnicodeError:
        found.put(socket.gaierror(socket.EAI_NONAME, host))
    else:
        found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))


def _is_inside(address: str, allowed: Sequence[Network]) -> bool:
    return not may_connect(address) and may_connect(address, allowed)
