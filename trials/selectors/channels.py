"""Which channels somebody may look after, and by which ones a message leaves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Q, QuerySet

from trials.domain.accounts.access import Right, Scope
from trials.models import Channel, ChannelHealth, Site, Trial, User
from trials.selectors.records import roles_of, sites_visible_to


def may_manage_site(scope: Scope, site: int, trial: int | None) -> bool:
    """Say whether a scope may manage the channels of a site: it may record or administer there."""
    return scope.allows_throughout(Right.ADMINISTER, site, trial) or scope.allows_throughout(
        Right.RECORD, site, trial
    )


def may_manage(user: User, channel: Channel, today: date) -> bool:
    """Say whether somebody may look after a channel: their own, or one of a place they look after."""
    if channel.user_id is not None:
        return channel.user_id == user.pk
    scope = roles_of(user, today)
    if channel.site_id is not None:
        return may_manage_site(scope, channel.site_id, channel.trial_id)
    return scope.allows_throughout(Right.ADMINISTER, None, channel.trial_id)


def channels_of(user: User, today: date) -> list[Channel]:
    """The channels that somebody may look after, in use first; four queries at most."""
    found = Channel.objects.select_related("trial", "site", "user").order_by("off_at", "name", "pk")
    everybodys = found.filter(Q(user=user) | Q(user=None))
    return sorted(
        (one for one in everybodys if may_manage(user, one, today)), key=lambda one: one.off_at is not None
    )


def channel_in_sight(user: User, pk: int, today: date) -> Channel | None:
    """The channel of this number where somebody may look after it; else None."""
    found = Channel.objects.select_related("trial", "site", "user").filter(pk=pk).first()
    return found if found is not None and may_manage(user, found, today) else None


def sites_to_manage(user: User, today: date) -> list[Site]:
    """The sites whose channels somebody may look after."""
    scope = roles_of(user, today)
    return [
        site
        for site in sites_visible_to(user, today).order_by("code")
        if may_manage_site(scope, site.pk, None)
    ]


def trials_to_manage(user: User, today: date) -> list[Trial]:
    """The trials whose channels somebody may look after."""
    scope = roles_of(user, today)
    return [
        trial
        for trial in Trial.objects.filter(frozen_on=None).order_by("code")
        if scope.allows_throughout(Right.ADMINISTER, None, trial.pk)
    ]


def channels_in_use() -> QuerySet[Channel]:
    """The channels that are not switched off."""
    return Channel.objects.filter(off_at=None)


def channel_in_use(pk: int) -> Channel | None:
    """The channel of this number, unless it is switched off."""
    return channels_in_use().filter(pk=pk).first()


def receivers_of(ways: Iterable[str]) -> dict[str, str]:
    """Which ways reach the same receivers as these channels, by name, each with its receiver's; one query.

    Those that are switched off as well: what left by them was heard. No query where no channel is given.
    """
    numbers = [int(name.partition(":")[2]) for name in ways if name.startswith("channel:")]
    if not numbers:
        return {}
    these = Channel.objects.filter(pk__in=numbers)
    same = these.exclude(receiver="").order_by().values("receiver")
    found = Channel.objects.filter(Q(pk__in=numbers) | Q(receiver__in=same)).only("pk", "receiver")
    return {one.way: one.receiver_way for one in found}


def health_of(ways: Iterable[str]) -> dict[str, ChannelHealth]:
    """How these ways out have done lately, by name; one query."""
    return {row.way: row for row in ChannelHealth.objects.filter(way__in=list(ways))}
