"""By which ways a message reaches somebody, besides the bell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Max, QuerySet

from schedules.models import ReminderDelivery
from schedules.selectors.reminders.notices import is_due
from trials.models import Channel, User
from trials.outbound import way_out
from trials.selectors.channels import channels_in_use

EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: the name of its channel, the address there, and since when a channel has it."""

    channel: str
    address: str
    entered_at: datetime | None = None


def ways_of(people: Iterable[int]) -> Mapping[int, list[Way]]:
    """The ways of each of these people, by id: e-mail, and their own channels; two queries.

    None by e-mail where it does not leave, none by a channel where there is no way out.
    """
    ids = set(people)
    found: dict[int, list[Way]] = defaultdict(list)
    if settings.REMINDERS_LEAVE:
        rows = User.objects.filter(pk__in=ids).exclude(email="").values_list("pk", "email")
        for pk, address in rows:
            found[pk].append(Way(EMAIL, address))
    if way_out():
        for channel in channels_in_use().filter(user__in=ids).order_by("pk"):
            assert channel.user_id is not None, "filtered by its person"
            found[channel.user_id].append(Way(channel.way, channel.host, channel.renewed_at))
    return found


def ways_of_groups(places: Collection[tuple[int, int]]) -> Mapping[tuple[int, int], list[Way]]:
    """The channels of the groups at these places (a trial and a site, by id); one query."""
    if not places or not way_out():
        return {}
    channels = list(channels_in_use().filter(user=None).order_by("pk"))
    return {
        (trial, site): [
            Way(channel.way, channel.host, channel.renewed_at)
            for channel in channels
            if channel.trial_id in (None, trial) and channel.site_id in (None, site)
        ]
        for trial, site in places
    }


def channels_due(at: datetime) -> list[Channel]:
    """The channels by which something may leave now, the one tried longest ago first; two queries."""
    if not way_out():
        return []
    due = _by_channels().filter(is_due(at)).order_by("channel").values("channel")
    names = {row["channel"]: row["tried"] for row in due.annotate(tried=Max("tried_at"))}
    found = [one for one in channels_in_use() if one.way in names]
    return sorted(found, key=lambda one: (names[one.way] is not None, names[one.way], one.pk))


def left_behind() -> QuerySet[ReminderDelivery]:
    """The open deliveries by channels that are switched off, or that this installation has no way out for."""
    live = [one.way for one in channels_in_use()] if way_out() else []
    return _by_channels().exclude(channel__in=live)


def _by_channels() -> QuerySet[ReminderDelivery]:
    open_ = ReminderDelivery.objects.filter(sent_at=None, refused_at=None, lapsed_at=None)
    return open_.exclude(channel=EMAIL)
