"""Send a text by a channel of the named list, and say what came of it.

Apprise builds what each receiver wants; its requests go through our guarded session, which is put in
the place of the `requests` of its modules. Outside of it they can reach nobody.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType
from typing import Any

import requests
from apprise import Apprise, AppriseAsset

from trials.domain.channels.failures import ANSWERED, NOBODY_NAMED, REFUSED, REFUSED_WITH
from trials.domain.channels.kinds import KINDS, NOT_ITS_ADDRESS, ChannelKind, Way
from trials.domain.channels.texts import Packet
from trials.domain.refusals import Refusal
from trials.outbound.answers import Answer, OutboundRefused, OutboundUnreachable, Sent, Verdict
from trials.outbound.connections import GuardedSession, answer_of
from trials.outbound.sending import SECONDS, post
from trials.outbound.signatures import feishu_signature, signed_headers

_MODULES = {
    ChannelKind.WECOM: "wecombot",
    ChannelKind.DINGTALK: "dingtalk",
    ChannelKind.FEISHU: "feishu",
    ChannelKind.NTFY: "ntfy",
    ChannelKind.TWILIO: "twilio",
    ChannelKind.VONAGE: "vonage",
    ChannelKind.SINCH: "sinch",
    ChannelKind.CLICKSEND: "clicksend",
    ChannelKind.SMSEAGLE: "smseagle",
}
LATER_CODES: Mapping[ChannelKind, frozenset[int]] = MappingProxyType(
    {
        # busy, and too many messages a minute; every other code says that the message or the robot is wrong
        ChannelKind.WECOM: frozenset({-1, 45009, 45033}),
        ChannelKind.DINGTALK: frozenset({-1, 130101, 410100, 88, 90018}),
        ChannelKind.FEISHU: frozenset({11232, 9499000, 99991400}),
        ChannelKind.VONAGE: frozenset({1, 5}),
    }
)
_ASSET = AppriseAsset(
    app_id="Dayzero", app_desc="Dayzero", http_redirects=False, plugin_paths=[], secure_logging=True
)


def send_packet(way: Way, packet: Packet, *, secret: str, at: datetime, seconds: float = SECONDS) -> Sent:
    """Send one text by a channel; never raises for what the receiver or the network does.

    `secret` signs a POST. It takes at most about `seconds`, with the waits of apprise between requests.
    """
    try:
        if way.kind is ChannelKind.WEBHOOK:
            return _judged(way.kind, _posted(way, packet, secret, at, seconds))
        if way.kind is ChannelKind.FEISHU and secret:
            return _judged(way.kind, _signed_for_feishu(way, packet, secret, at, seconds))
        return _by_apprise(way, packet, seconds)
    except OutboundRefused as refused:
        return Sent(Verdict.NEVER, refused.kept)
    except OutboundUnreachable as failed:
        return Sent(Verdict.LATER, failed.kept, answered=False)


def check_way(way: Way) -> None:
    """Raise OutboundRefused where apprise cannot make anything of the address of a channel."""
    if way.kind is not ChannelKind.WEBHOOK:
        _plugin(way)


def _posted(way: Way, packet: Packet, secret: str, at: datetime, seconds: float) -> Answer:
    said = {
        "type": "dayzero.reminder",
        "timestamp": at.isoformat(),
        "data": {"key": packet.key, "text": packet.text},
    }
    body = json.dumps(said, ensure_ascii=False).encode()
    return post(way.url, body, headers=signed_headers(secret, packet.key, at, body), seconds=seconds)


_LONGEST_KEY = 200
"""How long a key is as it stands in a header: a digest of many messages has all of theirs."""


def key_headers(kind: ChannelKind, packet: Packet) -> dict[str, str]:
    """Give the headers that carry the key of a text, the same each time that it is sent.

    Of the receivers that take no key of their own only a gateway in between can drop a repeat by it. To ntfy
    (from 2.16 on) it is the sequence of a notification: a repeat takes the place of the first one.
    """
    key = packet.key if len(packet.key) <= _LONGEST_KEY else f"digest:{packet.sequence}"
    found = {"X-Dayzero-Key": key}
    return found | {"X-Sequence-ID": packet.sequence} if kind is ChannelKind.NTFY else found


FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/"


def _signed_for_feishu(way: Way, packet: Packet, secret: str, at: datetime, seconds: float) -> Answer:
    """Post to a robot that asks for a signature, which apprise does not make."""
    said = feishu_signature(secret, at) | {"msg_type": "text", "content": {"text": packet.text}}
    body = json.dumps(said, ensure_ascii=False).encode()
    url = FEISHU + way.url.partition("://")[2]
    headers = {"Content-Type": "application/json; charset=utf-8"} | key_headers(way.kind, packet)
    return post(url, body, headers=headers, seconds=seconds)


def _by_apprise(way: Way, packet: Packet, seconds: float) -> Sent:
    plugin = _plugin(way)
    with GuardedSession(seconds=seconds) as session, _going_through(session):
        session.headers.update(key_headers(way.kind, packet))
        taken = bool(plugin.send(body=packet.text, title=""))
        last = session.last
        if last is None:
            failed = session.failed
            if failed is None:
                return Sent(Verdict.NEVER, NOBODY_NAMED)

            def again() -> requests.Response:
                raise failed

            answer_of(again)  # raises what went wrong, in words
            return Sent(Verdict.LATER, answered=False)
    judged = _judged(way.kind, last)
    if judged.verdict is Verdict.TAKEN and not taken:
        return Sent(Verdict.NEVER, REFUSED)
    return judged


def _plugin(way: Way) -> Any:
    module: Any = importlib.import_module(f"apprise.plugins.{_MODULES[way.kind]}")
    if not isinstance(module.requests, _Guard):
        module.requests = _GUARD
    plugin = Apprise.instantiate(way.url, asset=_ASSET, suppress_exceptions=True)
    if plugin is None or not isinstance(plugin, tuple(_classes(module))):
        raise OutboundRefused(Refusal("address", NOT_ITS_ADDRESS, {"form": KINDS[way.kind].form}))
    return plugin


def _classes(module: Any) -> Iterator[type]:
    return (
        one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__
    )


def _judged(kind: ChannelKind, answer: Answer) -> Sent:
    """Read an answer: by its status, and where robots answer 200 to everything by the code inside."""
    if answer.verdict is not Verdict.TAKEN:
        words = ANSWERED % {"status": answer.status}
        return Sent(answer.verdict, f"{words} {_said(answer)}".strip())
    code = _code(kind, answer.body)
    if not code:
        return Sent(Verdict.TAKEN)
    verdict = Verdict.LATER if code in LATER_CODES.get(kind, ()) else Verdict.NEVER
    words = REFUSED_WITH % {"code": code}
    return Sent(verdict, f"{words} {_said(answer)}".strip())


def _code(kind: ChannelKind, body: bytes) -> int:
    said = _document(body)
    if kind is ChannelKind.VONAGE:
        parts = said.get("messages")
        said = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], dict) else {}
    name = {ChannelKind.FEISHU: "code", ChannelKind.VONAGE: "status"}.get(kind, "errcode")
    if kind not in LATER_CODES:
        return 0
    try:
        return int(said.get(name) or 0)
    except (TypeError, ValueError):
        return 0


def _said(answer: Answer) -> str:
    """What the receiver says of it, in its own words; short, and on one line."""
    said = _document(answer.body)
    words = next((said[name] for name in ("errmsg", "msg", "message", "error") if said.get(name)), "")
    return " ".join(str(words).split())[:120]


def _document(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


_session: ContextVar[GuardedSession | None] = ContextVar("dayzero_channel_session", default=None)


@contextmanager
def _going_through(session: GuardedSession) -> Iterator[None]:
    token = _session.set(session)
    try:
        yield
    finally:
        _session.reset(token)


class _Guard:
    """Stands where a module of apprise has `requests`: it can post through our session, and no more."""

    codes = requests.codes
    exceptions = requests.exceptions
    RequestException = requests.RequestException

    @staticmethod
    def post(url: str, **given: Any) -> requests.Response:
        """Post through the session that is going on. Raises OutboundRefused where none is."""
        session = _session.get()
        if session is None:
            raise RuntimeError("apprise sends through trials.outbound.by_channel alone")
        return session.post(url, **given)


_GUARD = _Guard()
