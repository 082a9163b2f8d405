"""The named list of channels: what each takes, within which limits, and how its address is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from trials.domain.channels.breaker import UNLIMITED
from trials.domain.refusals import Refusal
from trials.domain.words import mark as _


class ChannelKind(StrEnum):
    """A way by which messages leave, beside the bell and e-mail."""

    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    NTFY = "ntfy"
    TWILIO = "twilio"
    VONAGE = "vonage"
    SINCH = "sinch"
    CLICKSEND = "clicksend"
    SMSEAGLE = "smseagle"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is true of all channels of one kind.

    `limit` is the most that one message may hold, in bytes of UTF-8, or in characters where `letters`;
    `per_minute` and `per_second` the most messages. `host` is the receiver's where it has only one. `own` is
    the pattern of the address as the receiver itself shows it; its group is what stands behind the scheme.
    To a `keyed` one each message leaves by itself, under the key by which it drops a repeat.
    """

    label: str
    form: str
    schemes: tuple[str, ...]
    host: str = ""
    own: str = ""
    limit: int = 20_000
    letters: bool = False
    per_minute: int = 60
    per_second: int = UNLIMITED
    spares_full_hour: bool = False
    signs: bool = False
    keyed: bool = False
    pattern: str = ""

    def length(self, text: str) -> int:
        """How much of the limit a text takes."""
        return len(text) if self.letters else len(text.encode())

    def rests_at(self, at: datetime) -> bool:
        """Whether the receiver asks to be spared at this minute: full and half hours are everybody's."""
        return self.spares_full_hour and at.minute in {0, 30}


_NUMBER = r"\+?[0-9]{5,15}"
SMS_LETTERS = 300
"""The most of an SMS: it leaves in parts of 67 Chinese characters, each of which costs."""

KINDS: Mapping[ChannelKind, Kind] = MappingProxyType(
    {
        # https://developer.work.weixin.qq.com/document/path/91770: 2,048 bytes, 20 messages a minute
        ChannelKind.WECOM: Kind(
            _("WeCom group robot"),
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
            ("wecombot",),
            host="qyapi.weixin.qq.com",
            own=r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send/?\?key=([A-Za-z0-9_-]+)",
            pattern=r"[A-Za-z0-9_-]+",
            limit=2048,
            per_minute=20,
        ),
        # https://open.dingtalk.com/document/robots/custom-robot-access: 20 a minute, keyword or signature
        ChannelKind.DINGTALK: Kind(
            _("DingTalk group robot"),
            "https://oapi.dingtalk.com/robot/send?access_token=…",
            ("dingtalk",),
            host="oapi.dingtalk.com",
            own=r"https://oapi\.dingtalk\.com/robot/send/?\?access_token=([A-Za-z0-9]+)",
            pattern=r"[A-Za-z0-9]+",
            limit=6000,  # its 20,000 bytes are of JSON, in which a Chinese character takes six
            per_minute=20,
            signs=True,
        ),
        # https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: 20 KB, 100 a minute, 5 a second
        ChannelKind.FEISHU: Kind(
            _("Feishu group robot"),
            "https://open.feishu.cn/open-apis/bot/v2/hook/…",
            ("feishu",),
            host="open.feishu.cn",
            own=r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([A-Za-z0-9_-]+)/?",
            pattern=r"[A-Za-z0-9_-]+",
            limit=19_000,
            per_minute=100,
            per_second=5,
            spares_full_hour=True,
            signs=True,
        ),
        # https://docs.ntfy.sh/publish/: 4,096 bytes a message, 60 messages and then one every five seconds
        ChannelKind.NTFY: Kind(
            "ntfy",
            "https://ntfy.example.org/topic",
            ("ntfys", "ntfy"),
            limit=4000,
            per_minute=12,
            signs=True,
        ),
        ChannelKind.TWILIO: Kind(
            _("SMS by Twilio"),
            "twilio://AccountSID:AuthToken@From/To",
            ("twilio",),
            host="api.twilio.com",
            pattern=rf"AC[A-Fa-f0-9]+:[A-Za-z0-9]+@{_NUMBER}/{_NUMBER}/?",
            limit=SMS_LETTERS,
            letters=True,
        ),
        ChannelKind.VONAGE: Kind(
            _("SMS by Vonage"),
            "vonage://Key:Secret@From/To",
            ("vonage",),
            host="rest.nexmo.com",
            pattern=rf"[A-Za-z0-9]+:[A-Za-z0-9]+@{_NUMBER}/{_NUMBER}/?",
            limit=SMS_LETTERS,
            letters=True,
        ),
        ChannelKind.SINCH: Kind(
            _("SMS by Sinch"),
            "sinch://Plan:Token@From/To",
            ("sinch",),
            host="us.sms.api.sinch.com",
            pattern=rf"[A-Fa-f0-9]+:[A-Fa-f0-9]+@{_NUMBER}/{_NUMBER}/?",
            limit=SMS_LETTERS,
            letters=True,
        ),
        ChannelKind.CLICKSEND: Kind(
            _("SMS by ClickSend"),
            "clicksend://User:ApiKey@To",
            ("clicksend",),
            host="rest.clicksend.com",
            pattern=rf"[^:/@?\s]+:[A-Za-z0-9-]+@{_NUMBER}/?",
            limit=SMS_LETTERS,
            letters=True,
        ),
        ChannelKind.SMSEAGLE: Kind(
            _("SMS by an SMSEagle in your network"),
            "smseagles://Token@gateway.example.org/To",
            ("smseagles", "smseagle"),
            pattern=rf"[A-Za-z0-9_-]+@[A-Za-z0-9.:\[\]-]+/{_NUMBER}/?",
            limit=SMS_LETTERS,
            letters=True,
        ),
        ChannelKind.WEBHOOK: Kind(
            _("Signed POST (Standard Webhooks)"),
            "https://gateway.example.org/dayzero",
            ("https", "http"),
            limit=200_000,
            per_minute=UNLIMITED,
            signs=True,
            keyed=True,
        ),
    }
)

NOT_ON_THE_LIST = _("%(scheme)s:// is not on the list of channels. Dayzero sends by: %(list)s.")
OTHER_KIND = _("%(scheme)s:// is the address of another kind of channel (%(kind)s): choose that kind.")
NOT_ITS_ADDRESS = _("This is not the address of a channel of this kind: enter it as %(form)s.")
NO_OPTIONS = _("Leave out the part from the question mark on: options cannot be set here.")
BAD_SECRET = _("This secret cannot be right: enter letters and digits, as the receiver shows it.")
NO_SECRET_HERE = _("Such a channel takes no secret of its own: leave it empty.")


@dataclass(frozen=True, slots=True)
class Way:
    """Where one channel sends to: an address that apprise or a POST takes, and the host to show.

    `connects` is the URL of the host, where the receiver may be anybody's and has to be judged.
    """

    kind: ChannelKind
    url: str
    host: str
    connects: str = ""


_SECRET = re.compile(r"[A-Za-z0-9_-]{8,100}")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")


def way_of(kind: ChannelKind, address: str, secret: str = "") -> Way | Refusal:
    """Read the address of a channel, as its receiver shows it or as an apprise URL, and its secret.

    The secret is DingTalk's signature or ntfy's token; that of a signed POST or of Feishu, which signs
    each message, is not a part of the way.
    Gives the refusal, at `address` or `secret`, where either cannot be right. No name is looked up.
    """
    known, given = KINDS[kind], address.strip()
    scheme = given.partition("://")[0].lower() if "://" in given else ""
    wrong = Refusal("address", NOT_ITS_ADDRESS, {"form": known.form})
    if refused := _refused(kind, scheme, secret):
        return refused
    if kind is ChannelKind.WEBHOOK:
        return _signed_post(given) if scheme else wrong
    if kind is ChannelKind.NTFY:
        return _ntfy(given, scheme, secret) or wrong
    if way := _by_pattern(kind, given, scheme, secret):
        return way
    has_options = scheme in known.schemes and "?" in given
    return Refusal("address", NO_OPTIONS) if has_options else wrong


def receiver_of(way: Way) -> str:
    """Name whom a way reaches, without what only opens or signs it: two ways with one name are one robot."""
    if way.kind is ChannelKind.NTFY:
        parts = urlsplit(way.url)
        return f"{way.kind}:{parts.netloc.lower()}{parts.path}"
    if way.kind is ChannelKind.WEBHOOK:
        parts = urlsplit(way.url)
        return f"{way.kind}:{parts.netloc.lower()}{parts.path}?{parts.query}"
    return f"{way.kind}:{way.url.partition('://')[2].rpartition('@')[2].rstrip('/')}"


def kind_of_scheme(scheme: str) -> ChannelKind | None:
    """Give the kind whose addresses begin with a scheme of apprise; None where none does."""
    return next((kind for kind, known in KINDS.items() if scheme in known.schemes), None)


def schemes() -> Iterator[str]:
    """Give the schemes of all kinds, in their order."""
    return (known.schemes[0] for known in KINDS.values())


def _refused_scheme(scheme: str) -> Refusal:
    other = kind_of_scheme(scheme)
    if other:
        return Refusal("address", OTHER_KIND, {"scheme": scheme, "kind": KINDS[other].label})
    listed = ", ".join(dict.fromkeys(schemes()))
    return Refusal("address", NOT_ON_THE_LIST, {"scheme": scheme[:30], "list": listed}, "scheme-refused")


def _signed_post(given: str) -> Way:
    return Way(ChannelKind.WEBHOOK, given, urlsplit(given).hostname or "", given)


def _by_pattern(kind: ChannelKind, given: str, scheme: str, secret: str) -> Way | None:
    known = KINDS[kind]
    scheme, rest = _as_apprise(known, given, scheme)
    if kind is ChannelKind.DINGTALK and "@" in rest and not secret:
        secret, _at, rest = rest.partition("@")
    if not re.fullmatch(known.pattern, rest):
        return None
    signed = f"{secret}@" if secret and kind is not ChannelKind.FEISHU else ""
    host, connects = known.host, ""
    if not host:
        connects = _own_server(scheme, rest)
        host = urlsplit(connects).hostname or ""
    return Way(kind, f"{scheme}://{signed}{rest}", host, connects)


def _as_apprise(known: Kind, given: str, scheme: str) -> tuple[str, str]:
    """The scheme of apprise and what stands behind it, of an address in either spelling; else nothing."""
    if scheme in known.schemes:
        return scheme, given.partition("://")[2]
    found = re.fullmatch(known.own, given) if known.own else None
    return known.schemes[0], found[1] if found else ""


def _own_server(scheme: str, rest: str) -> str:
    """The URL of the server that stands between the token and the path of an address."""
    server = rest.partition("@")[2].partition("/")[0]
    return f"{'http' if scheme == 'smseagle' else 'https'}://{server}/"


def _refused(kind: ChannelKind, scheme: str, secret: str) -> Refusal | None:
    """Why neither the scheme nor the secret can be those of a channel of this kind."""
    known = KINDS[kind]
    if scheme and scheme not in {*known.schemes, "https", "http"}:
        return _refused_scheme(scheme)
    if secret and not known.signs:
        return Refusal("secret", NO_SECRET_HERE)
    if secret and kind is not ChannelKind.WEBHOOK and not _SECRET.fullmatch(secret):
        return Refusal("secret", BAD_SECRET)
    return None


def _ntfy(given: str, scheme: str, secret: str) -> Way | None:
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        return None
    topic = parts.path.strip("/")
    secret = secret or parts.username or ""
    if not _TOPIC.fullmatch(topic) or not parts.hostname or parts.query or parts.password:
        return None
    if secret and not _SECRET.fullmatch(secret):
        return None
    apprise, web = ("ntfy", "http") if scheme in {"http", "ntfy"} else ("ntfys", "https")
    where = _host_and_port(parts.hostname, port)
    token = f"auth=token&token={quote(secret)}&" if secret else ""
    url = f"{apprise}://{where}/{topic}/?{token}mode=private&image=no"
    return Way(ChannelKind.NTFY, url, parts.hostname, f"{web}://{where}/")


def _host_and_port(host: str, port: int | None) -> str:
    """A host as an address writes it: IPv6 in brackets, its port behind a colon."""
    written = f"[{host}]" if ":" in host else host
    return written if port is None else f"{written}:{port}"
