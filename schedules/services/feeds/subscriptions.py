"""Secret addresses of calendars: opened, fetched, ended."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from participants.domain.lifecycle import ENDS, phase_of
from participants.models import Participant
from schedules.domain.errors import FeedRefused
from schedules.ical.endings import ended_event, paused_event
from schedules.ical.render import RENDERER, calendar_bytes
from schedules.ical.values import CalendarHead
from schedules.ical.visits import event_of
from schedules.models import CalendarFeed, FeedShown
from schedules.selectors.exchange.feeds import (
    held_since_last_fetch,
    owner_may_subscribe,
    revisions_of,
    shown_participants,
    shown_visits,
    site_of_feed,
)
from schedules.selectors.store.course import course_of, standing_of, visits_to_come
from schedules.services.feeds.stamps import restamp
from trials.audit.acts import caused_by, recorded
from trials.models import Site, User
from trials.selectors.records import token_digest
from trials.spoken import say
from trials.zones import roles_day, zone_of

ENDED_FOR = timedelta(days=30)
"""How long a revoked address still says that it has ended, so that phones empty themselves."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last fetch is known; finer would be a write for every fetch."""

_SECOND = timedelta(seconds=1)
_BYTES = 32
_UIDS = uuid.UUID("0b4f5f1e-6d0b-4f0f-9a53-6a2a3a6d7c11")


class FeedPhase(StrEnum):
    """What a fetch of a feed is answered with."""

    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Fetch:
    """The answer to a fetch at an instant: `etag` names its content, `changed_at` is when that last changed.

    Nothing is rendered yet: most fetches end here.
    """

    feed: CalendarFeed
    phase: FeedPhase
    today: date
    etag: str
    changed_at: datetime
    at: datetime


@recorded
def open_feed(
    *, owner: User, participant: Participant | None = None, site: Site | None = None, now: datetime
) -> tuple[CalendarFeed, str]:
    """A new feed of one participant or of one site, with its secret, which nobody can read again.

    Raises FeedRefused where the site has switched feeds off, the owner may not subscribe there or the
    participant is no longer in the trial.
    """
    # Whether the role was held ever since is asked of this day: it is the act's, as the role's days are.
    feed = CalendarFeed(owner=owner, participant=participant, site=site, created_at=now)
    place = site_of_feed(feed)
    if not place.feeds_enabled:
        raise FeedRefused(gettext("Calendar subscriptions are switched off at this site."))
    if not owner_may_subscribe(feed, roles_day(now)):
        raise FeedRefused(gettext("Your role here does not allow calendar subscriptions."))
    if participant and _has_left(participant, _day_at(place, now)):
        raise FeedRefused(gettext("The participant is no longer in the trial: no visit is to come."))
    token = secrets.token_urlsafe(_BYTES)
    feed.token_digest = token_digest(token)
    feed.save()
    return feed, token


def _has_left(participant: Participant, today: date) -> bool:
    """Whether somebody's course has ended and no visit stays after it."""
    ended = phase_of(course_of(standing_of(participant))) in ENDS
    return ended and not visits_to_come(participant, today).exists()


@recorded
def revoke_feed(*, feed: CalendarFeed, now: datetime) -> CalendarFeed:
    """Show nothing more behind this address; one that was revoked before keeps its first moment."""
    for stored in CalendarFeed.objects.select_for_update().filter(pk=feed.pk, revoked_at__isnull=True):
        stored.revoked_at = now
        stored.save(update_fields=["revoked_at"])
    feed.refresh_from_db(fields=["revoked_at"])
    return feed


@recorded
def replace_feed(*, feed: CalendarFeed, now: datetime) -> tuple[CalendarFeed, str]:
    """End an address, and open a new one of the same calendar with another secret. Raises FeedRefused."""
    revoke_feed(feed=feed, now=now)
    return open_feed(owner=feed.owner, participant=feed.participant, site=feed.site, now=now)


def fetch_feed(*, feed: CalendarFeed, now: datetime) -> Fetch | None:
    """Say what a fetch is answered with, and keep that it was; None for a feed that ended long ago.

    A feed whose owner has lost the role is revoked here and now. The number of queries does
    not depend on participants or visits.
    """
    site = site_of_feed(feed)
    today = _day_at(site, now)
    if feed.revoked_at is None and not _owner_allowed(feed, now):
        with caused_by("feed: its owner may not subscribe any more"):
            revoke_feed(feed=feed, now=now)
    if feed.revoked_at is not None and now - feed.revoked_at > ENDED_FOR:
        return None
    fetch = _fetch(feed, today, now)
    _keep_seen(feed, now)
    return fetch


def render_feed(*, fetch: Fetch, links: str) -> bytes:
    """The calendar of a fetch; `links` is the address of a participant's page with `{}` for the id.

    An entry that shows something else than when it was last given out gets a new stamp.
    """
    feed = fetch.feed
    head = CalendarHead(_name(feed), zone_of(site_of_feed(feed)).key)
    with translation.override(settings.LANGUAGE_CODE):
        if fetch.phase is FeedPhase.LIVE:
            people = shown_participants(feed, roles_day(fetch.at))
            visits = restamp(shown_visits(people, fetch.today, links, say), people, fetch.at)
            return calendar_bytes(head, (event_of(visit, say) for visit in visits))
        uid = str(uuid.uuid5(_UIDS, f"{feed.pk} {fetch.phase}"))
        notice = ended_event if fetch.phase is FeedPhase.ENDED else paused_event
        day = fetch.changed_at.astimezone(zone_of(site_of_feed(feed))).date()
        return calendar_bytes(head, [notice(uid, day, fetch.changed_at, say)])


def _owner_allowed(feed: CalendarFeed, now: datetime) -> bool:
    return owner_may_subscribe(feed, roles_day(now)) and held_since_last_fetch(feed, now)


def _fetch(feed: CalendarFeed, today: date, now: datetime) -> Fetch:
    """The answer to a fetch; where it differs from the last one, it changed now.

    What left a feed (a cancelled visit, a trial that its owner lost) has no date of its own, and a
    change may be dated before a fetch that did not see it yet. Clients that ask by date alone must
    see a later second all the same.
    """
    phase, parts = _phase(feed), []
    if phase is FeedPhase.LIVE:
        revisions = revisions_of(shown_participants(feed, roles_day(now)), today)
        parts = [revisions.participants, revisions.cancelled]
    etag = _etag(feed, phase, *parts)
    shown = FeedShown.objects.filter(feed=feed).first()
    if shown and shown.digest == etag:
        return Fetch(feed, phase, today, etag, shown.changed_at, now)
    changed_at = now.replace(microsecond=0)
    if shown:
        changed_at = max(changed_at, shown.changed_at + _SECOND)
    FeedShown.objects.update_or_create(feed=feed, defaults={"digest": etag, "changed_at": changed_at})
    return Fetch(feed, phase, today, etag, changed_at, now)


def _phase(feed: CalendarFeed) -> FeedPhase:
    if feed.revoked_at is not None:
        return FeedPhase.ENDED
    return FeedPhase.LIVE if site_of_feed(feed).feeds_enabled else FeedPhase.PAUSED


def _etag(feed: CalendarFeed, phase: FeedPhase, *parts: object) -> str:
    """The name of a content: what is shown, by whose rules and in which words it is rendered."""
    head = [RENDERER, settings.LANGUAGE_CODE, feed.pk, _name(feed), zone_of(site_of_feed(feed)).key, phase]
    return hashlib.sha256(json.dumps([*head, *parts]).encode()).hexdigest()[:40]


def _name(feed: CalendarFeed) -> str:
    """The name of a calendar: codes only, since a phone in a cloud copies it there."""
    person = feed.participant
    return f"{person.trial.called} {person.subject_code}" if person else f"Dayzero {site_of_feed(feed).code}"


def _keep_seen(feed: CalendarFeed, now: datetime) -> None:
    if feed.last_fetched_at is None or now - feed.last_fetched_at >= SEEN_EVERY:
        CalendarFeed.objects.filter(pk=feed.pk).update(last_fetched_at=now)


def _day_at(site: Site, now: datetime) -> date:
    return now.astimezone(zone_of(site)).date()
