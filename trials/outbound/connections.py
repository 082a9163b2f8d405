"""A session of requests whose connections are guarded: our own requests and those of apprise go this way."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextvars import ContextVar
from time import monotonic
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from trials.domain.channels.addresses import NOT_A_URL, may_connect, target_of
from trials.domain.channels.failures import NOT_REACHED, NOT_TRUSTED, TOO_SLOW
from trials.domain.refusals import Refusal
from trials.outbound import resolving
from trials.outbound.answers import Answer, OutboundRefused, OutboundUnreachable
from trials.outbound.watch import Watch, watched

KEPT = 64 * 1024
"""How many bytes of an answer are read."""

CONNECT_SECONDS = 4.0
"""How long one address may take to be connected to."""

_TRIED = 3  # addresses of one name: a name with a hundred must not keep a worker from its other messages


_watch: ContextVar[Watch | None] = ContextVar("dayzero_outbound_watch", default=None)


class GuardedSession(requests.Session):
    """A session that connects to allowed addresses alone, follows nothing, and ends in time.

    Proxies and passwords of the environment are not used: they would connect in its place.
    """

    def __init__(self, *, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.trust_env = False
        self.last: Answer | None = None
        self.failed: Exception | None = None
        self.verify = settings.OUTBOUND_CA_FILE or True
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(max_retries=0))

    def request(self, method: Any, url: Any, **given: Any) -> requests.Response:  # type: ignore[override]
        """Send a request; raises OutboundRefused and what requests raises.

        The caller's own wishes about redirects, proxies, certificates and time are not heard.
        """
        target = target_of(str(url))
        if isinstance(target, Refusal):
            raise OutboundRefused(target)
        self.last, self.failed = None, None
        given |= {"allow_redirects": False, "timeout": self.seconds, "stream": True}
        given |= {"verify": self.verify, "proxies": None}
        with watched(self.seconds) as watch:
            token = _watch.set(watch)
            try:
                response = super().request(method, url, **given)
                body = _beginning(response)
                if watch.over.is_set():  # what was read may be a part
                    raise requests.Timeout
            except (requests.RequestException, OSError) as error:
                self.failed = requests.Timeout() if watch.over.is_set() else error
                raise self.failed from error
            finally:
                _watch.reset(token)
        self.last = Answer(response.status_code, body, str(target.host))
        return response


def answer_of(send: Callable[[], requests.Response]) -> Answer:
    """Give what came of a request, its failures as errors of ours."""
    try:
        response = send()
    except requests.exceptions.SSLError as error:
        raise OutboundUnreachable(Refusal("url", NOT_TRUSTED)) from error
    except requests.Timeout as error:
        raise OutboundUnreachable(Refusal("url", TOO_SLOW)) from error
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
        raise OutboundRefused(Refusal("url", NOT_A_URL, {"url": ""})) from error
    except (requests.RequestException, OSError) as error:
        raise OutboundUnreachable(Refusal("url", NOT_REACHED)) from error
    return Answer(response.status_code, response.content or b"")


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **given: Any) -> None:
        super().init_poolmanager(*args, **given)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Guarded(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return connect(self.host, self.port or self.default_port)


class _SecureGuarded(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return connect(self.host, self.port or self.default_port)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureGuarded


def connect(host: str, port: int) -> socket.socket:
    """Connect to the first address of a name that may be connected to, and look whom it reached.

    Raises OutboundRefused where none may be, OSError where none answers.
    """
    name = host.strip("[]").rstrip(".")
    allowed = resolving.allowed_networks()
    watch = _watch.get() or Watch(monotonic() + CONNECT_SECONDS)
    addresses = resolving.look_up_name(name, port, min(resolving.LOOK_UP_SECONDS, max(watch.left(), 0.0)))
    open_ = [address for address in addresses if may_connect(address, allowed)]
    if not open_:
        raise OutboundRefused(resolving.internal(name, addresses[0] if addresses else name))
    failed: OSError = TimeoutError()
    for address in open_[:_TRIED]:
        if (left := watch.left()) <= 0:
            break
        try:
            made = socket.create_connection((address, port), timeout=min(CONNECT_SECONDS, left))
        except OSError as error:
            failed = error
            continue
        reached = str(made.getpeername()[0])
        if not may_connect(reached, allowed):
            made.close()
            raise OutboundRefused(resolving.internal(name, reached))
        # Nought would let the socket not wait at all, and fail otherwise than one that is too slow.
        made.settimeout(max(watch.left(), 0.001))
        watch.keep(made)
        return made
    raise failed


def _beginning(response: requests.Response) -> bytes:
    """Read KEPT bytes of an answer at most, and close it: nobody may send us a flood."""
    with response:
        body = b""
        for part in response.iter_content(8192):
            body += part
            if len(body) >= KEPT:
                break
    response._content = body[:KEPT]  # noqa: SLF001  what `content` gives
    response._content_consumed = True  # noqa: SLF001
    return body[:KEPT]
