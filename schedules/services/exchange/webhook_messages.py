"""Messages of webhooks: written for each change that a client may see, sent in order, tried again.

The database is the queue: a worker claims a row by the database's clock, sends, and keeps what came of it.
A claim that a crash left behind grows old and is taken up again, with the same key. Of each participant
only the earliest open message is sent, so that no change overtakes another.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from schedules.domain.webhooks import KEPT, REFUSED_IN_A_ROW, PauseReason, after_failure
from schedules.models import ChangeEvent, Webhook, WebhookDelivery
from schedules.selectors.exchange.change_feed import last_number
from schedules.selectors.exchange.webhooks import deliveries_to_claim, people_of, running_webhooks
from schedules.services.exchange.change_feed import feed_epoch, number_all_changes
from schedules.services.exchange.webhooks import pause_webhook, secrets_of
from trials.audit.acts import caused_by
from trials.database_time import database_now
from trials.domain.channels.failures import NOT_IN_SIGHT, UNSENT
from trials.outbound import (
    SECONDS,
    Answer,
    OutboundError,
    OutboundRefused,
    Verdict,
    post,
    signed_headers,
    way_out,
)
from trials.stored_secrets import SecretsUnreadable
from trials.zones import roles_day

logger = logging.getLogger(__name__)

AT_ONCE = 1000
"""How many changes are read for a webhook in one transaction."""

BATCH, RING_NUMBER, RING_SECONDS = 20, 200, 20
STALE_AFTER = timedelta(minutes=5)
"""After so long a claim is a crash: BATCH messages of SECONDS each end before."""

# By 410 a receiver says that its address is no more (Standard Webhooks): it is not tried again.
_REASON, _GONE = 300, 410
_FORGOTTEN = 5000
Send = Callable[[str, bytes, Mapping[str, str]], Answer]


def write_messages(*, now: datetime) -> int:
    """Write the messages of all webhooks for what changed since, each once; give how many."""
    number_all_changes()
    return sum(_write(webhook.pk, now) for webhook in running_webhooks(now))


def ring_webhooks(
    *,
    now: Callable[[], datetime] = timezone.now,
    at: Callable[[], datetime] = database_now,
    send: Send | None = None,
    clock: Callable[[], float] = monotonic,
) -> int:
    """Write what is due and send it, for RING_SECONDS and RING_NUMBER at most; give how many were tried.

    A webhook that fails holds up no other: it rests, and the others go on.
    """
    write_messages(now=now())
    if not way_out():
        return 0
    ends, tried = clock() + RING_SECONDS, 0
    for webhook in (
        # Those that answer first: one whose receiver hangs would take the time of this ring from them.
        running_webhooks(now()).filter(paused_at=None).order_by(F("rests_until").asc(nulls_first=True))
    ):
        ring = _Ring(webhook, send or _post, lambda: clock() + SECONDS <= ends)
        while tried < RING_NUMBER and (count := ring.deliver(now(), at())):
            tried += count
    return tried


def forget_messages(*, now: datetime) -> int:
    """Forget messages that were taken or given up long ago; give how many."""
    old = WebhookDelivery.objects.filter(at__lt=now - KEPT).exclude(sent_at=None, refused_at=None)
    count, _models = WebhookDelivery.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:_FORGOTTEN])
    ).delete()
    return count


@transaction.atomic
def _write_some(pk: int, now: datetime) -> tuple[int, bool]:
    webhook = (
        Webhook.objects.select_for_update(of=("self",), no_key=True).select_related("client__user").get(pk=pk)
    )
    epoch, head = feed_epoch(), last_number()
    if webhook.epoch != epoch:  # a backup was restored: its numbers begin before what the receiver has seen
        webhook.epoch, webhook.cursor = epoch, min(webhook.cursor, head)
    found = list(
        ChangeEvent.objects.filter(
            number__gt=webhook.cursor,
            number__lte=head,
            participant__in=people_of(webhook.client, roles_day(now)),
        ).order_by("number")[:AT_ONCE]
    )
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(
                webhook=webhook,
                # With the epoch: after a restore numbers come again, and a receiver drops keys it has seen
                key=f"dz-{webhook.pk}-{epoch}-{one.number}",
                number=one.number or 0,
                kind=one.kind,
                record=one.about,
                participant_id=one.participant_id,
                visit_id=one.visit_id,
                at=one.at,
            )
            for one in found
        ],
        ignore_conflicts=True,
    )
    # Up to the head, not to the last that was found: changes of people out of sight are not read again.
    webhook.cursor = (found[-1].number or 0) if len(found) == AT_ONCE else max(head, webhook.cursor)
    webhook.save(update_fields=["cursor", "epoch"])
    return len(found), len(found) == AT_ONCE


def _write(pk: int, now: datetime) -> int:
    total, more = 0, True
    while more:
        count, more = _write_some(pk, now)
        total += count
    return total


_MEANWHILE = ("paused_at", "ended_at", "url", "secret", "previous_secret", "previous_until")
"""What somebody may change while a ring goes on: it is read again before each message."""


@dataclass(slots=True)
class _Ring:
    """What is sent to one webhook while there is time."""

    webhook: Webhook
    send: Send
    has_time: Callable[[], bool]

    def deliver(self, now: datetime, at: datetime) -> int:
        """Send one batch; give how many were tried, 0 where nothing is left or the webhook rests."""
        self.webhook.refresh_from_db(fields=["rests_until", "failures", "refused", *_MEANWHILE])
        resting = self.webhook.rests_until and self.webhook.rests_until > at
        if self.webhook.paused_at or self.webhook.ended_at or resting or not self.has_time():
            return 0
        # After a failure one message asks whether the receiver is back: a batch might wait SECONDS for each.
        probing = self.webhook.failures > 0
        claimed = self._claim(at, 1 if probing else BATCH)
        tried = 0
        for place, delivery in enumerate(claimed):
            self.webhook.refresh_from_db(fields=_MEANWHILE)
            if self.webhook.paused_at or self.webhook.ended_at or not self.has_time():
                left = [one.pk for one in claimed[place:]]
                WebhookDelivery.objects.filter(pk__in=left, sent_at=None).update(claimed_at=None)
                break
            self._try(delivery, now, at)
            tried += 1
        return tried

    @transaction.atomic
    def _claim(self, at: datetime, most: int) -> list[WebhookDelivery]:
        found = deliveries_to_claim(self.webhook, at, STALE_AFTER)
        claimed = list(found.select_for_update(of=("self",), skip_locked=True, no_key=True)[:most])
        WebhookDelivery.objects.filter(pk__in=[one.pk for one in claimed]).update(claimed_at=at)
        return claimed

    def _try(self, delivery: WebhookDelivery, now: datetime, at: datetime) -> None:
        seen = people_of(self.webhook.client, roles_day(now)).filter(pk=delivery.participant_id).exists()
        if not seen:
            _keep(
                delivery,
                refused_at=at,
                claimed_at=None,
                reason=NOT_IN_SIGHT,
            )
            return
        # These very bytes are signed and sent: JSON that is written a second time may differ.
        body = json.dumps(_body(self.webhook, delivery), separators=(",", ":")).encode()
        try:
            headers = _headers(self.webhook, delivery.key, now, body)
            answer = self.send(self.webhook.url, body, headers)
        except SecretsUnreadable as error:
            self._failed(delivery, at, error.kept, None)
            self._pause(now, PauseReason.SECRET)
        except OutboundRefused as error:
            self._refused(delivery, now, at, error.kept, None)
        except OutboundError as error:
            self._failed(delivery, at, error.kept, None)
        except Exception:  # whatever it is, it must not hold up the others
            logger.exception("a message of webhook %s could not be sent", self.webhook.pk)
            self._failed(delivery, at, UNSENT, None)
        else:
            self._answered(delivery, now, at, answer)

    def _answered(self, delivery: WebhookDelivery, now: datetime, at: datetime, answer: Answer) -> None:
        if answer.verdict is Verdict.TAKEN:
            _keep(
                delivery,
                sent_at=at,
                tried_at=at,
                attempts=delivery.attempts + 1,
                status=answer.status,
                reason="",
            )
            self._note(failures=0, refused=0, rests_until=None, succeeded_at=at)
        elif answer.verdict is Verdict.LATER:
            self._failed(delivery, at, f"HTTP {answer.status}", answer.status)
        else:
            self._refused(delivery, now, at, f"HTTP {answer.status}", answer.status)

    def _failed(self, delivery: WebhookDelivery, at: datetime, reason: str, status: int | None) -> None:
        attempts, first = delivery.attempts + 1, delivery.first_tried_at or at
        failures = self.webhook.failures + 1
        outcome = after_failure(at, attempts, first, self.webhook.succeeded_at, failures)
        tried = {"tried_at": at, "attempts": attempts, "first_tried_at": first, "claimed_at": None}
        ended = {"refused_at": at} if outcome.due_at is None else {"due_at": outcome.due_at}
        _keep(delivery, **tried, **ended, reason=reason[:_REASON], status=status)
        self._note(failures=failures, rests_until=outcome.rests_until)
        if outcome.pause:
            self._pause(at, outcome.pause)

    def _refused(
        self, delivery: WebhookDelivery, now: datetime, at: datetime, reason: str, status: int | None
    ) -> None:
        tried = {"tried_at": at, "attempts": delivery.attempts + 1, "claimed_at": None}
        if status == _GONE:  # of the address, not of this message
            _keep(delivery, **tried, due_at=None, reason=reason, status=status)
            self._pause(now, PauseReason.GONE)
            return
        _keep(delivery, **tried, refused_at=at, reason=reason[:_REASON], status=status)
        self._note(refused=self.webhook.refused + 1)
        if self.webhook.refused >= REFUSED_IN_A_ROW:
            self._pause(now, PauseReason.REFUSED)

    def _note(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self.webhook, name, value)
        Webhook.objects.filter(pk=self.webhook.pk).update(**values)

    def _pause(self, now: datetime, because: PauseReason) -> None:
        with caused_by("webhooks"):
            pause_webhook(webhook=self.webhook, now=now, because=because, by=None)
        self.webhook.paused_at = now


def _body(webhook: Webhook, delivery: WebhookDelivery) -> dict[str, Any]:
    """A thin message: that something changed and where to read it; the record itself is not sent out."""
    return {
        "type": f"{delivery.record}.changed",
        "timestamp": delivery.at.isoformat(),
        "data": {
            "number": delivery.number,
            "cursor": f"{delivery.key.split('-')[2]}-{delivery.number}",
            "kind": delivery.kind,
            "participant": delivery.participant_id,
            "visit": delivery.visit_id,
        },
    }


def _headers(webhook: Webhook, key: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message, signed with each secret that is in use."""
    signed = [signed_headers(secret, key, now, body) for secret in secrets_of(webhook, now)]
    return signed[0] | {"webhook-signature": " ".join(one["webhook-signature"] for one in signed)}


def _keep(delivery: WebhookDelivery, **values: Any) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk, sent_at=None).update(**values)


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    return post(url, body, headers=headers)
