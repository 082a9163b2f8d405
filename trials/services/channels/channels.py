"""Put channels on record: entered with an address that is judged, tried, renewed, switched off and on."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from trials.audit.acts import recorded
from trials.domain.channels.failures import failure_text
from trials.domain.channels.kinds import KINDS, ChannelKind, Way, receiver_of, way_of
from trials.domain.channels.texts import Message, packed
from trials.domain.errors import Refused, Stale
from trials.domain.refusals import Refusal
from trials.models import Channel, Site, Trial, User
from trials.outbound import (
    OutboundRefused,
    OutboundUnreachable,
    check_url,
    is_signing_secret,
    new_signing_secret,
    way_out,
)
from trials.outbound.resolving import LookUp
from trials.services.channels.health import claim_allowance, record_answer, record_silence
from trials.spoken import say
from trials.stored_secrets import SecretsUnreadable, can_store_secrets, decrypted, encrypted, recognised_by


@dataclass(frozen=True, slots=True)
class ChannelSaid:
    """What is entered of a channel: its kind and name, the address, a secret where it takes one."""

    kind: str
    name: str
    address: str
    secret: str = ""
    keyword: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Added:
    """A channel that was put on record; `shown_once` is a secret that was made for it, else empty."""

    channel: Channel
    shown_once: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test: whether it left, and the answer in words."""

    left: bool
    words: str


@recorded
def add_channel(
    *,
    said: ChannelSaid,
    now: datetime,
    by: User,
    trial: Trial | None = None,
    site: Site | None = None,
    reason: str = "",
    look_up: LookUp | None = None,
) -> Added:
    """Put a channel of a site or trial on record, or of `by` where neither is given.

    Raises Refused at the field for an address that is wrong, internal or of another kind, and where
    secrets cannot be stored.
    """
    owner = None if trial or site else by
    sealed, way, shown = _sealed(said, look_up)
    name = _free_name(said.name, Channel(user=owner, site=site, trial=trial))
    channel = Channel.objects.create(
        trial=trial,
        site=site,
        user=owner,
        kind=said.kind,
        name=name,
        host=way.host,
        language=said.language,
        keyword=said.keyword.strip(),
        secret=sealed,
        receiver=recognised_by(receiver_of(way)),
        renewed_at=now,
    )
    return Added(channel, shown)


@recorded
def renew_channel(
    *,
    channel: Channel,
    version: int,
    said: ChannelSaid,
    now: datetime,
    by: User,
    reason: str = "",
    look_up: LookUp | None = None,
) -> Added:
    """Give a channel another address and secret, name, keyword and language.

    Raises Stale, and as `add_channel`. Its kind stays: what was sent by it was sent by that kind.
    """
    found = _locked(channel, version)
    kept = ChannelSaid(found.kind, said.name, said.address, said.secret, said.keyword, said.language)
    found.secret, way, shown = _sealed(kept, look_up)
    found.name, found.host, found.language = _free_name(said.name, found), way.host, said.language
    found.receiver = recognised_by(receiver_of(way))
    found.keyword, found.renewed_at, found.version = said.keyword.strip(), now, version + 1
    found.save()
    return Added(found, shown)


@recorded
def switch_channel(
    *, channel: Channel, version: int, on: bool, now: datetime, by: User, reason: str = ""
) -> Channel:
    """Switch a channel off, so that nothing more leaves by it, or on again.

    Raises Stale, and Refused where another one has taken its name meanwhile.
    """
    found = _locked(channel, version)
    if on:
        _free_name(found.name, found)
    found.off_at, found.version = None if on else now, version + 1
    found.save(update_fields=["off_at", "version"])
    return found


def try_channel(*, channel: Channel, at: datetime, link: str) -> Tried:
    """Send a test by a channel, and say in words what came of it.

    It counts into what the receiver takes in a minute and into the channel's health.
    """
    from trials.outbound.by_channel import send_packet  # noqa: PLC0415  apprise is heavy

    if not way_out():
        return Tried(left=False, words=no_way_out())
    kind = KINDS[ChannelKind(channel.kind)]
    if not claim_allowance(channel.receiver_way, at=at, kind=kind, most=1):
        return Tried(
            left=False, words=_("The receiver takes no more messages now. Try again in a few minutes.")
        )
    try:
        way, secret = opened(channel)
    except SecretsUnreadable as unreadable:
        return Tried(left=False, words=str(unreadable))
    with override(channel.language):
        message = Message(f"test:{channel.pk}:{at.timestamp():.0f}", _("Dayzero: this is a test."), (link,))
    (packet,) = packed(
        [message],
        limit=kind.limit,
        length=kind.length,
        more=lambda _left: link,
        most=1,
        keyword=channel.keyword,
    )
    # In no transaction of ours: others that write would wait with it for a receiver that is silent.
    sent = send_packet(way, packet, secret=secret, at=at)
    if sent.answered:
        record_answer(channel.receiver_way, at=at)
    else:
        record_silence(channel.receiver_way, at=at, reason=sent.reason)
    if sent.verdict == "taken":
        return Tried(
            left=True,
            words=_("The test was taken by %(host)s. Look there whether it arrived.")
            % {"host": channel.host},
        )
    return Tried(left=False, words=failure_text(sent.reason, say))


def opened(channel: Channel) -> tuple[Way, str]:
    """Give where a channel sends to and what it signs with. Raises SecretsUnreadable, Refused."""
    kept = json.loads(decrypted(channel.secret))
    kind = ChannelKind(channel.kind)
    way = way_of(kind, kept["address"], "" if kind is ChannelKind.WEBHOOK else kept["secret"])
    if isinstance(way, Refusal):
        raise Refused.because([way], say)
    return way, kept["secret"]


def recognise_channels() -> None:
    """Sign channels by whom they reach once more: signs go by SECRET_KEY, which may be another since.

    One whose address cannot be read, or whose trial is frozen, keeps its sign.
    """
    for channel in Channel.objects.all():
        with suppress(SecretsUnreadable, Refused, IntegrityError), transaction.atomic():
            sign = recognised_by(receiver_of(opened(channel)[0]))
            Channel.objects.filter(pk=channel.pk).exclude(receiver=sign).update(receiver=sign)


def no_way_out() -> str:
    """Say that this installation reaches no other servers."""
    return _("This installation has no way out to other servers (OUTBOUND): reminders go by bell and e-mail.")


def _sealed(said: ChannelSaid, look_up: LookUp | None) -> tuple[str, Way, str]:
    """Judge what was entered; give the secret as it is stored, the way, and a secret to show once."""
    if not can_store_secrets():
        raise Refused({"": [str(SecretsUnreadable.without_key())]})
    if said.kind not in set(ChannelKind):
        raise Refused({"kind": [_("Choose a kind from the list.")]})
    kind, secret, shown = ChannelKind(said.kind), said.secret.strip(), ""
    way = way_of(kind, said.address, "" if kind is ChannelKind.WEBHOOK else secret)
    if isinstance(way, Refusal):
        raise Refused.because([way], say)
    if kind is ChannelKind.WEBHOOK:
        secret = secret or (shown := new_signing_secret())
        if not is_signing_secret(secret):
            wrong = _(
                "This is no signing secret: leave it empty to have one made, or enter whsec_ and 24 to 64 "
                "bytes in base64."
            )
            raise Refused({"secret": [wrong]})
    _judge_address(way, look_up)
    return encrypted(json.dumps({"address": said.address.strip(), "secret": secret})), way, shown


def _judge_address(way: Way, look_up: LookUp | None) -> None:
    from trials.outbound.by_channel import check_way  # noqa: PLC0415  apprise is heavy

    try:
        check_way(way)
        if way.connects:
            check_url(way.connects, look_up=look_up)
    except OutboundRefused as refused:
        raise Refused({"address": [str(refused)]}) from refused
    except OutboundUnreachable as failed:
        raise Refused({"address": [str(failed)]}) from failed


def _free_name(text: str, channel: Channel) -> str:
    """Give the name of a channel, which no other one in use of its owner or place has; raises Refused."""
    name = " ".join(text.split())
    if not name:
        raise Refused({"name": [_("Enter a name, in any language.")]})
    same = Channel.objects.filter(
        name=name, user=channel.user, site=channel.site, trial=channel.trial, off_at=None
    )
    if same.exclude(pk=channel.pk).exists():
        taken = _("%(name)s is on record already: enter another name, or renew that one.") % {"name": name}
        raise Refused({"name": [taken]})
    return name


def _locked(channel: Channel, version: int) -> Channel:
    found = Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
    if found.version != version:
        raise Stale("trials.channel", found.pk, version, found.version)
    return found
