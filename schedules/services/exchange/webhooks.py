"""Webhooks on record: made, given another secret, paused, resumed, replayed, ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from schedules.domain.webhooks import PauseReason
from schedules.models import Webhook, WebhookDelivery
from schedules.selectors.exchange.change_feed import last_number
from schedules.services.exchange.change_feed import feed_epoch, number_all_changes
from trials.audit.acts import recorded
from trials.domain.channels.failures import WEBHOOK_ENDED
from trials.domain.errors import Refused, Stale
from trials.models import ApiClient, User
from trials.outbound import OutboundError, check_url, new_signing_secret, way_out
from trials.stored_secrets import decrypted, encrypted

MOST = 10
LONGEST_OVERLAP = 30
"""Days for which the secret before can go on signing."""


@recorded
def open_webhook(*, client: ApiClient, url: str, by: User | None) -> tuple[Webhook, str]:
    """Tell a client of what changes from now on, at this address; give the secret that signs it, shown once.

    Raises Refused for an address that is wrong or may not be connected to, SecretsUnreadable without a key.
    """
    if client.ended_at:
        raise Refused({"": [_("This client has ended. Make another one.")]})
    if Webhook.objects.filter(client=client, ended_at=None).count() >= MOST:
        raise Refused({"url": [_("A client has at most %(most)d webhooks. End one first.") % {"most": MOST}]})
    _require_reachable(url)
    number_all_changes()
    secret = new_signing_secret()
    webhook = Webhook.objects.create(
        client=client, url=url, secret=encrypted(secret), cursor=last_number(), epoch=feed_epoch()
    )
    return webhook, secret


@recorded
def rotate_webhook_secret(*, webhook: Webhook, overlap_days: int, now: datetime, by: User | None) -> str:
    """Sign with another secret, and with the one before for so many days more. Raises Refused."""
    if not 0 <= overlap_days <= LONGEST_OVERLAP:
        words = _("The secret before can go on for 0 to %(days)d days.") % {"days": LONGEST_OVERLAP}
        raise Refused({"overlap_days": [words]})
    row = _running(webhook)
    secret = new_signing_secret()
    row.previous_secret = row.secret if overlap_days else ""
    row.previous_until = now + timedelta(days=overlap_days) if overlap_days else None
    row.secret = encrypted(secret)
    row.version += 1
    row.save(update_fields=["secret", "previous_secret", "previous_until", "version"])
    return secret


@recorded
def move_webhook(*, webhook: Webhook, url: str, by: User | None, version: int | None = None) -> None:
    """Send to another address from now on, also what waits. Raises Refused as `open_webhook`, and Stale."""
    row = _running(webhook, version)
    _require_reachable(url)
    row.url = url
    row.version += 1
    row.save(update_fields=["url", "version"])


@recorded
def pause_webhook(
    *,
    webhook: Webhook,
    now: datetime,
    by: User | None,
    because: PauseReason = PauseReason.BY_HAND,
    version: int | None = None,
) -> None:
    """Send nothing until somebody resumes it; what changes meanwhile waits. Raises Stale.

    `version` is the one that was read; None where nobody read it, as when the sender itself pauses.
    """
    if version is not None:
        _running(webhook, version)
    Webhook.objects.filter(pk=webhook.pk, paused_at=None, ended_at=None).update(
        paused_at=now, paused_because=because, version=F("version") + 1
    )


@recorded
def resume_webhook(*, webhook: Webhook, by: User | None, version: int | None = None) -> None:
    """Send again, at once, what waited. Raises Refused for one that has ended, and Stale."""
    row = _running(webhook, version)
    row.version += 1
    row.paused_at, row.paused_because, row.rests_until = None, "", None
    row.failures = row.refused = 0
    names = ("paused_at", "paused_because", "rests_until", "failures", "refused", "version")
    row.save(update_fields=names)
    waiting = WebhookDelivery.objects.filter(webhook=row, sent_at=None, refused_at=None)
    waiting.update(due_at=None, first_tried_at=None, attempts=0)


@recorded
def end_webhook(*, webhook: Webhook, now: datetime, by: User | None, version: int | None = None) -> None:
    """Tell nobody at this address any more; what waited is given up. Raises Stale."""
    _locked(webhook, version)
    Webhook.objects.filter(pk=webhook.pk, ended_at=None).update(ended_at=now, version=F("version") + 1)
    WebhookDelivery.objects.filter(webhook=webhook, sent_at=None, refused_at=None).update(
        refused_at=now, reason=WEBHOOK_ENDED
    )


@recorded
def replay_webhook(*, webhook: Webhook, since: datetime, by: User | None) -> int:
    """Send the messages about changes since an instant again, with the same keys; give how many."""
    return _again(WebhookDelivery.objects.filter(webhook=_running(webhook), at__gte=since))


@recorded
def replay_message(*, delivery: WebhookDelivery, by: User | None) -> int:
    """Send one message again, with the same key."""
    _running(delivery.webhook)
    return _again(WebhookDelivery.objects.filter(pk=delivery.pk))


def secrets_of(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that sign now, the newest first. Raises SecretsUnreadable."""
    stored = [webhook.secret]
    if webhook.previous_secret and webhook.previous_until and webhook.previous_until > now:
        stored.append(webhook.previous_secret)
    return [decrypted(one) for one in stored]


def _again(deliveries: QuerySet[WebhookDelivery]) -> int:
    blank = dict.fromkeys(("sent_at", "refused_at", "due_at", "claimed_at", "first_tried_at"))
    return deliveries.update(**blank, attempts=0, reason="")


def _running(webhook: Webhook, version: int | None = None) -> Webhook:
    row = _locked(webhook, version)
    if row.ended_at:
        raise Refused({"": [_("This webhook has ended. Make another one.")]})
    return row


def _locked(webhook: Webhook, version: int | None) -> Webhook:
    """The webhook as it is now, held until the transaction ends. Raises Stale for another version."""
    row = Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)
    if version is not None and row.version != version:
        raise Stale("schedules.webhook", row.pk, version, row.version)
    return row


def _require_reachable(url: str) -> None:
    if not way_out():
        raise Refused({"url": [_("This installation has no way out to other servers (OUTBOUND).")]})
    try:
        check_url(url)
    except OutboundError as error:
        raise Refused({"url": [str(error)]}) from error
