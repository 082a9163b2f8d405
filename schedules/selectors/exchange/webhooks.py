"""What can be read of webhooks and their messages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import Webhook, WebhookDelivery
from schedules.selectors.reminders.notices import is_free
from trials.keyset import Page, page_by_id
from trials.models import ApiAct, ApiClient, User
from trials.selectors.accounts.clients import clients_administered_by

OPEN = Q(sent_at__isnull=True, refused_at__isnull=True)
STATES = {"open": OPEN, "sent": Q(sent_at__isnull=False), "refused": Q(refused_at__isnull=False)}


class WebhookState(StrEnum):
    """Whether messages of a webhook are sent."""

    ACTIVE = "active"
    RESTING = "resting"
    PAUSED = "paused"
    ENDED = "ended"


def state_of_webhook(webhook: Webhook, now: datetime) -> WebhookState:
    """Say whether messages of a webhook are sent now."""
    if webhook.ended_at:
        return WebhookState.ENDED
    if webhook.paused_at:
        return WebhookState.PAUSED
    resting = webhook.rests_until is not None and webhook.rests_until > now
    return WebhookState.RESTING if resting else WebhookState.ACTIVE


def state_of_delivery(delivery: WebhookDelivery) -> str:
    """Say what came of a message, by the words of STATES."""
    if delivery.sent_at:
        return "sent"
    return "refused" if delivery.refused_at else "open"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages of a webhook wait, were taken, and were given up."""

    open: int = 0
    sent: int = 0
    refused: int = 0


def webhooks_administered_by(user: User, today: date) -> QuerySet[Webhook]:
    """The webhooks of the clients that somebody administers."""
    clients = clients_administered_by(user, today)
    return Webhook.objects.filter(client__in=clients).select_related(
        "client__user", "client__trial", "client__site"
    )


def webhooks_of(client: ApiClient) -> QuerySet[Webhook]:
    """The webhooks of a client, with its account."""
    return Webhook.objects.filter(client=client).select_related("client__user")


def tally_of(webhook: Webhook) -> Tally:
    """Count a webhook's messages by what came of them; one query."""
    counts = WebhookDelivery.objects.filter(webhook=webhook).aggregate(
        **{name: Count("pk", filter=condition) for name, condition in STATES.items()}
    )
    return Tally(**counts)


def listed_deliveries(webhook: Webhook, state: str, after: int | None, size: int) -> Page[WebhookDelivery]:
    """Read a page of a webhook's messages, the newest first; `state` is one of STATES, empty for all."""
    rows = WebhookDelivery.objects.filter(STATES.get(state, Q()), webhook=webhook).order_by("-pk")
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows[: size + 1])
    return Page(found[:size], found[size - 1].pk if len(found) > size else None)


def deliveries_by_id(
    webhook: Webhook, states: Collection[str], after: int | None, size: int
) -> Page[WebhookDelivery]:
    """Read a page of a webhook's messages by id; `states` are some of STATES, none for all."""
    rows = WebhookDelivery.objects.filter(webhook=webhook)
    if states:
        rows = rows.filter(reduce(or_, (STATES[state] for state in states)))
    return page_by_id(rows, after, size)


def delivery_of(webhook: Webhook, pk: int) -> WebhookDelivery | None:
    """A message of a webhook; None for any other id."""
    return WebhookDelivery.objects.select_related("webhook").filter(webhook=webhook, pk=pk).first()


def running_webhooks(now: datetime) -> QuerySet[Webhook]:
    """The webhooks that are told of changes: not ended, and of clients that may still read."""
    open_ended = Q(client__expires_at__isnull=True) | Q(client__expires_at__gt=now)
    return Webhook.objects.filter(
        open_ended, ended_at__isnull=True, client__ended_at__isnull=True, client__user__is_active=True
    ).select_related("client__user", "client__trial", "client__site")


def people_of(client: ApiClient, today: date) -> QuerySet[Participant]:
    """The participants whom a client may look at on this day; none where it may not read."""
    if ApiAct.READ.value not in client.acts:
        return Participant.objects.none()
    client.user.narrowed_to = (client.site_id, client.trial_id)
    return participants_visible_to(client.user, today)


def deliveries_to_claim(webhook: Webhook, at: datetime, stale_after: timedelta) -> QuerySet[WebhookDelivery]:
    """The messages of a webhook that may be sent now: of each participant the earliest open one, if due."""
    before = WebhookDelivery.objects.filter(
        OPEN, webhook=webhook, participant_id=OuterRef("participant_id"), number__lt=OuterRef("number")
    )
    due = Q(due_at__isnull=True) | Q(due_at__lte=at)
    return WebhookDelivery.objects.filter(
        OPEN, due, is_free(at, stale_after), ~Exists(before), webhook=webhook
    ).order_by("number")
