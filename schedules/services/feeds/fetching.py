"""A fetch of a calendar: what it is answered with, and the bytes of it."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.utils import translation
from django.utils.translation import gettext

from schedules.ical.endings import ENDED, PAUSED, SITE_OFF, TRIAL_OFF, notice_event
from schedules.ical.entries import UIDS
from schedules.ical.render import END, RENDERER, calendar_bytes, head_bytes
from schedules.ical.values import CalendarHead
from schedules.models import CalendarFeed, FeedShown
from schedules.selectors.feeds.state import FeedState, feed_state
from schedules.selectors.feeds.subscriptions import (
    held_since_last_fetch,
    owner_may_subscribe,
    shown_participants,
    switched_off_by,
    zone_of_feed,
)
from schedules.selectors.store.rows_once import keep_rows
from schedules.services.feeds.bodies import deflated, gzipped
from schedules.services.feeds.chunks import Chunks, chunks_of, deflated_parts, joined
from schedules.services.feeds.rendering import EntryRequest
from schedules.services.feeds.stamps import EDITION
from schedules.services.feeds.subscriptions import revoke_feed
from trials.audit.acts import caused_by
from trials.models import Site
from trials.selectors.records import roles_read_once
from trials.spoken import say, site_place
from trials.zones import roles_day

ENDED_FOR = timedelta(days=30)
"""How long a revoked address still says that it has ended, so that phones empty themselves."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last fetch is known; finer would be a write for every fetch."""

_SECOND = timedelta(seconds=1)


class FeedPhase(StrEnum):
    """What a fetch of a feed is answered with; the UID of a notice is made of the value."""

    LIVE = "live"
    SITE_OFF = "paused"
    TRIAL_OFF = "trial-off"
    RESTING = "resting"
    ENDED = "ended"


_NOTICES = {
    FeedPhase.SITE_OFF: SITE_OFF,
    FeedPhase.TRIAL_OFF: TRIAL_OFF,
    FeedPhase.RESTING: PAUSED,
    FeedPhase.ENDED: ENDED,
}


@dataclass(frozen=True, slots=True)
class Fetch:
    """The answer to a fetch at an instant: `etag` names its content, `changed_at` is when that last changed.

    Nothing is joined yet: most fetches end here.
    """

    feed: CalendarFeed
    phase: FeedPhase
    today: date
    etag: str
    changed_at: datetime
    at: datetime
    links: str
    rooms: str = ""
    chunks: Chunks | None = None

    @property
    def request(self) -> EntryRequest:
        """What it asks of the stored entries."""
        return EntryRequest(self.feed.content, self.links, self.today, self.at, self.rooms)


def state_of(digest: str, *, now: datetime, links: str) -> FeedState | None:
    """Give a feed by the digest of its token as a fetch finds it; None for none. A few rows are read.

    `links` is the address of a participant's page with `{}` for the id.
    """
    return feed_state(digest, now, RENDERER, EDITION, links)


def fetch_feed(
    *, feed: CalendarFeed, now: datetime, links: str, state: FeedState | None = None, client: str = ""
) -> Fetch | None:
    """Say what a fetch is answered with, and keep that it was; None for a feed that ended long ago.

    `links` is the address of a participant's page with `{}` for the id, `state` what `state_of` found,
    `client` the program that asks. A feed whose owner has lost the role is revoked here and now. The number
    of queries depends neither on participants nor on visits.
    """
    if state is None:
        state = state_of(feed.token_digest, now=now, links=links)
    with roles_read_once(state.roles if state else {}):
        if feed.revoked_at is None and not _owner_allowed(feed, now):
            with caused_by("feed: its owner may not subscribe any more"):
                revoke_feed(feed=feed, now=now)
        if feed.revoked_at is not None and now - feed.revoked_at > ENDED_FOR:
            return None
        fetch = _fetch(feed, now, links, state)
    keep_seen(feed.pk, feed.last_fetched_at, now, client)
    return fetch


def render_feed(*, fetch: Fetch) -> bytes:
    """Give the calendar of a fetch."""
    if fetch.phase is not FeedPhase.LIVE:
        return _notice(fetch)
    return b"".join([_head_of(fetch), *joined(_chunks_of(fetch)), END])


def render_gzipped(*, fetch: Fetch) -> bytes:
    """Give the calendar of a fetch compressed, joined from compressed entries; the same bytes each time."""
    if fetch.phase is not FeedPhase.LIVE:
        body = _notice(fetch)
        return gzipped([body], [deflated(body)])
    head = _head_of(fetch)
    parts = [(head, deflated(head)), *deflated_parts(_chunks_of(fetch)), (END, deflated(END))]
    return gzipped([plain for plain, _block in parts], [block for _plain, block in parts])


def _chunks_of(fetch: Fetch) -> Chunks:
    """Give what a fetch found, else look it up: who comes without validators has what is stored joined."""
    return fetch.chunks or chunks_of(shown_participants(fetch.feed, roles_day(fetch.at)), fetch.request)


def _head_of(fetch: Fetch) -> bytes:
    with translation.override(fetch.feed.language):
        return head_bytes(_head(fetch.feed))


def _notice(fetch: Fetch) -> bytes:
    feed = fetch.feed
    with translation.override(feed.language):
        uid = str(uuid.uuid5(UIDS, f"{feed.pk} {fetch.phase}"))
        day = fetch.changed_at.astimezone(zone_of_feed(feed)).date()
        notice = notice_event(_NOTICES[fetch.phase], uid, day, fetch.changed_at, say)
        return calendar_bytes(_head(feed), [notice])


def calendar_name(feed: CalendarFeed) -> str:
    """Name a calendar by codes, since a phone in a cloud copies it there; a site by its short name."""
    if feed.participant:
        if not feed.subject_codes:
            return feed.participant.trial.called
        return f"{feed.participant.trial.called} {feed.participant.subject_code}"
    if feed.cohort:
        return f"{feed.cohort.trial.called} {say(feed.cohort.label)}"
    if feed.trial:
        return feed.trial.called
    return f"Dayzero {site_place(feed.site)}" if feed.site else gettext("Dayzero, my participants")


def _head(feed: CalendarFeed) -> CalendarHead:
    return CalendarHead(calendar_name(feed), zone_of_feed(feed).key)


def _owner_allowed(feed: CalendarFeed, now: datetime) -> bool:
    return owner_may_subscribe(feed, roles_day(now)) and held_since_last_fetch(feed, now)


def _fetch(feed: CalendarFeed, now: datetime, links: str, state: FeedState | None) -> Fetch:
    """Give the answer to a fetch; where it differs from the last one, it changed now.

    What left a feed (a cancelled visit, a trial that its owner lost) has no date of its own, and a
    change may be dated before a fetch that did not see it yet. Clients that ask by date alone must
    see a later second all the same.
    """
    phase, today = _phase(feed), now.astimezone(zone_of_feed(feed)).date()
    shown: FeedShown | None = getattr(feed, "shown", None)
    basis, rooms = (state.basis, state.rooms) if state else ("", "")
    if shown and shown.basis == basis:
        return Fetch(feed, phase, today, shown.digest, shown.changed_at, now, links, rooms)
    # what `state` read is older than what is rendered now, never newer: the next fetch looks again
    request, chunks = EntryRequest(feed.content, links, today, now, rooms), None
    if phase is FeedPhase.LIVE:
        chunks = chunks_of(shown_participants(feed, roles_day(now)), request)
    with translation.override(feed.language):
        head = [RENDERER, EDITION, feed.pk, calendar_name(feed), zone_of_feed(feed).key, phase, feed.language]
    if not feed.compressed:  # a program that could not read it compressed must not hear that it has it
        head.append("plain")
    etag = _digest([*head, chunks.digest if chunks else ""])[:40]
    changed_at = now.replace(microsecond=0)
    if shown:
        changed_at = shown.changed_at if shown.digest == etag else max(changed_at, shown.changed_at + _SECOND)
    kept = FeedShown(
        feed_id=feed.pk, digest=etag, changed_at=changed_at, basis=basis, day=today, style=request.style
    )
    keep_rows([kept], unique=("feed_id",))
    return Fetch(feed, phase, today, etag, changed_at, now, links, rooms, chunks)


def _phase(feed: CalendarFeed) -> FeedPhase:
    if feed.revoked_at is not None:
        return FeedPhase.ENDED
    if feed.paused_at is not None:
        return FeedPhase.RESTING
    off = switched_off_by(feed)
    if off is None:
        return FeedPhase.LIVE
    return FeedPhase.SITE_OFF if isinstance(off, Site) else FeedPhase.TRIAL_OFF


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def keep_seen(feed: int, last: datetime | None, now: datetime, client: str) -> None:
    """Keep when a feed was fetched and by what, once a minute."""
    if last is None or now - last >= SEEN_EVERY:
        CalendarFeed.objects.filter(pk=feed).update(last_fetched_at=now, last_client=client)
