"""Delivery by channels: within what the receiver takes in a minute, and not while a channel rests.

Each channel has a task of its own, so that one that hangs holds up no other. What is due leaves as messages
of their own while the receiver's minute allows, and beyond that as one digest of the rest. What came of it
is kept for each row, as it is for e-mail (`ledger`).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from schedules.domain.reminders.grouping import Message
from schedules.notifications import written_out
from schedules.selectors.reminders.judging import Judged, Rows
from schedules.selectors.reminders.notices import claim_age
from schedules.selectors.reminders.ways import channels_due
from schedules.services.reminders.ledger import (
    BATCH,
    RING_NUMBER,
    RING_SECONDS,
    Batch,
    claim_messages,
    keep_failure,
    let_go,
)
from trials.database_time import database_now
from trials.domain.channels import texts
from trials.domain.channels.breaker import LEAVES_WITHIN
from trials.domain.channels.kinds import KINDS, ChannelKind, Kind, Way
from trials.domain.errors import Refused
from trials.models import Channel
from trials.outbound import SECONDS, Verdict, way_out
from trials.outbound.answers import Sent
from trials.selectors.channels import channel_in_use
from trials.services.channels.channels import opened
from trials.services.channels.health import (
    claim_allowance,
    record_answer,
    record_silence,
    settle_allowance,
)
from trials.stored_secrets import SecretsUnreadable

logger = logging.getLogger(__name__)

JUDGING = 0.25
"""The part of a ring's time that goes into judging: a slow database must not leave none for sending."""
A_SECOND = 1.05
"""How long a second of a receiver is taken to be: a little more, since its clock is another."""
SendPacket = Callable[[Way, texts.Packet, str, datetime], Sent]


def ring_channel(
    channel: Channel,
    *,
    now: Callable[[], datetime] = timezone.now,
    at: Callable[[], datetime] = database_now,
    send: SendPacket | None = None,
    clock: Callable[[], float] = monotonic,
    seconds: float = RING_SECONDS,
    wait: Callable[[float], None] = sleep,
) -> int:
    """Send what is due by a channel, for `seconds` and RING_NUMBER at most; give how many messages.

    None while the channel rests, where its minute is full, at the minutes that its receiver asks to be
    spared, and where this installation has no way out.
    """
    ring = _Ring(channel, send or _send, at, clock, clock() + seconds, wait)
    taken = 0
    while taken < RING_NUMBER and ring.has_time:
        count = ring.deliver(now=now(), at=at(), most=min(RING_NUMBER - taken, BATCH * 5))
        if not count:
            break
        taken += count
    return taken


@dataclass(frozen=True, slots=True)
class _InWords:
    """A message of a channel as text, the rows that were claimed for it, and how they were judged."""

    text: texts.Message
    rows: Rows
    judged: Judged


def _put_back(messages: Sequence[Rows], at: datetime) -> None:
    """Leave messages to the next ring."""
    let_go([row for rows in messages for row in rows], at)


@dataclass(slots=True)
class _Ring:
    channel: Channel
    send: SendPacket
    database: Callable[[], datetime]
    clock: Callable[[], float]
    ends: float
    wait: Callable[[float], None]
    bell: str = ""
    left: deque[float] = field(default_factory=deque)

    @property
    def has_time(self) -> bool:
        """Whether another text could be sent in time: a request ends after SECONDS."""
        return self.clock() + SECONDS <= self.ends

    def deliver(self, *, now: datetime, at: datetime, most: int) -> int:
        kind = KINDS[ChannelKind(self.channel.kind)]
        if self._is_closed(kind, at):
            return 0
        claimed = claim_messages(at=at, stale_after=claim_age(), most=most, channel=self.channel.way)
        if not claimed:
            return 0
        allowance = claim_allowance(self.channel.receiver_way, at=at, kind=kind, most=len(claimed))
        if not allowance:
            _put_back(claimed, at)
            return 0
        if kind.keyed:  # a digest would have a key that none of its messages has
            _put_back(claimed[allowance:], at)
            claimed = claimed[:allowance]
        with Batch(now, at, self.clock, self.channel.language) as batch:
            sent = self._send_what_is_true(batch, claimed, allowance)
        # The time of now, not of the claim: the receiver's minute is over a minute after the last has left.
        settle_allowance(self.channel.receiver_way, unused=allowance - sent, at=self.database())
        return len(claimed)

    def _is_closed(self, kind: Kind, at: datetime) -> bool:
        """Whether nothing may leave now, nor at the end of what is begun now."""
        rests = kind.rests_at(at) or kind.rests_at(at + LEAVES_WITHIN)
        return self.channel.off_at is not None or not way_out() or rests

    def _send_what_is_true(self, batch: Batch, claimed: Sequence[Rows], allowance: int) -> int:
        """Send what these messages say, in as many texts as are allowed; give how many were begun."""
        found, sent = self._judged(batch, claimed), 0
        for packet in self._packets(found, allowance):
            messages = [found[key].rows for key in packet.keys]
            judged = [found[key].judged for key in packet.keys]
            if self.has_time:
                self._wait_for_its_second()
            if self.has_time and self._is_as_it_was() and batch.look_again(messages) == judged:
                self._send(packet, batch, judged)
                self.left.append(self.clock())
                sent += 1
            else:  # no time, or it says something else by now: the next ring
                _put_back(messages, batch.at)
        return sent

    def _is_as_it_was(self) -> bool:
        """Whether nobody has renewed the channel or switched it off meanwhile; else this ring ends."""
        channel = channel_in_use(self.channel.pk)
        if channel is None or channel.version != self.channel.version:
            self.ends = self.clock()
            return False
        return True

    def _wait_for_its_second(self) -> None:
        """Wait until the receiver takes another text: the first of its second's number is a second old."""
        number = KINDS[ChannelKind(self.channel.kind)].per_second
        while len(self.left) > number:
            self.left.popleft()
        if len(self.left) == number and (rest := self.left[0] + A_SECOND - self.clock()) > 0:
            self.wait(rest)

    def _judged(self, batch: Batch, claimed: Sequence[Rows]) -> dict[str, _InWords]:
        """What of the messages is still true, in words, by key; what is not is put off or lapses.

        What cannot be written (a fault in a template) says so in its rows, and stops no other.
        """
        found: dict[str, _InWords] = {}
        judged_by = self.clock() + (self.ends - self.clock()) * JUDGING
        for place in range(0, len(claimed), BATCH):
            some = claimed[place : place + BATCH]
            if place and self.clock() > judged_by:  # what is judged must also leave within this ring
                _put_back(claimed[place:], batch.at)
                break
            for rows, judged in zip(some, batch.judge(some), strict=True):
                if judged.message is not None:
                    found[judged.message.key] = _InWords(text_of(judged.message), rows, judged)
                    self.bell = judged.message.bell
        return found

    def _packets(self, found: Mapping[str, _InWords], allowance: int) -> list[texts.Packet]:
        kind = KINDS[ChannelKind(self.channel.kind)]
        with override(self.channel.language):
            return texts.packed(
                [one.text for one in found.values()],
                limit=kind.limit,
                length=kind.length,
                more=_more(self.bell),
                most=allowance,
                keyword=self.channel.keyword,
            )

    def _send(self, packet: texts.Packet, batch: Batch, judged: Sequence[Judged]) -> None:
        rows, at = [row for one in judged for row in one.said], batch.at
        try:
            way, secret = opened(self.channel)
        except (SecretsUnreadable, Refused) as unreadable:
            # The key of stored secrets may be given back, so that waits; what is no address never is one.
            keep_failure(rows, unreadable.kept, at, for_good=isinstance(unreadable, Refused))
            return
        sent = self.send(way, packet, secret, at)
        if sent.answered:
            record_answer(self.channel.receiver_way, at=at)
        else:
            logger.warning("channel %s did not answer", self.channel.pk)
            record_silence(self.channel.receiver_way, at=at, reason=sent.reason)
            self.ends = self.clock()  # what is left goes back: the next ring asks whether it rests
        if sent.verdict is Verdict.TAKEN:
            for one in judged:
                batch.keep_sent(one)
        else:
            keep_failure(rows, sent.reason, at, for_good=sent.verdict is Verdict.NEVER)


def text_of(message: Message) -> texts.Message:
    """Give a message as lines for a chat or a phone: its subject, each thing with its link, and the rest."""
    written = written_out(message)
    lines = [line for text in (*written.lines, written.end) for line in text.splitlines()]
    return texts.Message(message.key, written.subject, tuple(lines))


def _more(bell: str) -> texts.More:
    def say(left: int) -> str:
        words = _("The rest is in Dayzero.")
        if left:
            many = ngettext("And %(count)d more in Dayzero.", "And %(count)d more in Dayzero.", left)
            words = many % {"count": left}
        return f"{words} {bell}".strip()

    return say


def _send(way: Way, packet: texts.Packet, secret: str, at: datetime) -> Sent:
    from trials.outbound.by_channel import send_packet  # noqa: PLC0415  apprise is heavy

    return send_packet(way, packet, secret=secret, at=at)


def ring_due_channels(
    *, at: Callable[[], datetime] = database_now, clock: Callable[[], float] = monotonic
) -> int:
    """Send by all channels in turn, for RING_SECONDS at most; give how many messages.

    For an installation in which beat does all work itself: those that were tried longest ago come first.
    """
    ends = clock() + RING_SECONDS
    return sum(
        ring_channel(channel, at=at, clock=clock, seconds=ends - clock()) for channel in channels_due(at())
    )
