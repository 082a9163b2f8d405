"""Calendar addresses end with the role behind them: at the write that takes it, anyone who makes that write.

A role that was lost and given again between two fetches must not bring the old address back to life.
So it is looked at before and after every write of a role or an account (before, since one may have
ended by its date), by the sweep, and at a fetch for the days since the last one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models.signals import post_delete, post_save, pre_save
from django.utils import timezone

from participants.models import Participant
from schedules.models import CalendarFeed
from schedules.selectors.feeds.subscriptions import live_feeds, owner_may_subscribe
from schedules.services.feeds.rendering import drop_unused_chunks
from schedules.services.feeds.subscriptions import revoke_feed
from trials.audit.acts import caused_by
from trials.models import Membership, User
from trials.selectors.records import roles_read_once
from trials.zones import roles_day

_DAY = timedelta(days=1)
_ACCESS = {"is_active", "is_superuser"}
"""What of an account decides whether it has any role at all."""


def end_lost_feeds(
    *, now: datetime, owners: Collection[int] | None = None, participant: int | None = None
) -> int:
    """Revoke the calendar addresses whose owner may no longer subscribe; give how many.

    Of these owners (ids) or of this participant; of all where neither is named.
    """
    feeds = live_feeds().order_by("pk")
    if owners is not None:
        feeds = feeds.filter(owner__in=owners)
    if participant is not None:
        feeds = feeds.filter(participant=participant)
    with roles_read_once():
        lost = [feed for feed in feeds if not owner_may_subscribe(feed, roles_day(now))]
    for feed in lost:
        revoke_feed(feed=feed, now=now)
    return len(lost)


def sweep_feeds(*, now: datetime) -> int:
    """Revoke the addresses behind which a role has ended by its date; give how many.

    Stored entries that no subscription shows any more are dropped.
    """
    drop_unused_chunks()
    ending = CalendarFeed.objects.filter(
        revoked_at=None,
        owner__memberships__withdrawn_at=None,
        owner__memberships__ends_on__lt=now.date() + 2 * _DAY,  # no zone is further ahead than a day
    )
    owners = set(ending.values_list("owner", flat=True))
    if not owners:
        return 0
    with caused_by("sweep: a role has ended by its date"):
        return end_lost_feeds(now=now, owners=owners)


def watch_roles() -> None:
    """Look at the addresses of anyone who a role or an account is written for; called once by the app."""
    pre_save.connect(_before_membership, sender=Membership)
    post_save.connect(_after_membership, sender=Membership)
    post_delete.connect(_after_membership, sender=Membership)
    pre_save.connect(_around_user, sender=User)
    post_save.connect(_around_user, sender=User)
    post_save.connect(_after_participant, sender=Participant)


def _before_membership(instance: Membership, raw: bool = False, **_: Any) -> None:
    owners = {instance.user_id}
    if instance.pk:
        owners |= set(Membership.objects.filter(pk=instance.pk).values_list("user", flat=True))
    instance._written_for = owners  # type: ignore[attr-defined]  # noqa: SLF001  for the handler after it
    _look(owners, raw)


def _after_membership(instance: Membership, raw: bool = False, **_: Any) -> None:
    _look(getattr(instance, "_written_for", {instance.user_id}), raw)


def _around_user(
    instance: User,
    raw: bool = False,
    created: bool = False,
    update_fields: Collection[str] | None = None,
    **_: Any,
) -> None:
    """A new account has no address yet, before it is written or after."""
    if instance.pk and not created and (update_fields is None or _ACCESS & set(update_fields)):
        _look({instance.pk}, raw)


def _after_participant(
    instance: Participant,
    created: bool,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    **_: Any,
) -> None:
    """Anyone who moved to another site is no longer followed from the first."""
    if not (created or raw) and (update_fields is None or {"site", "site_id"} & set(update_fields)):
        end_lost_feeds(now=timezone.now(), participant=instance.pk)


def _look(owners: Collection[int], raw: bool) -> None:
    """The clock is read here, since a write that the admin or a command makes hands over none."""
    if not raw and CalendarFeed.objects.filter(owner__in=owners, revoked_at=None).exists():
        end_lost_feeds(now=timezone.now(), owners=owners)
