"""Calendar subscriptions: opened once by a form, replaced, paused and revoked.

An address never expires: it lives until a person revokes it, or a fetch or the sweep finds that its owner has
lost the role (`fetching.fetch_feed`, `access.sweep_feeds`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from participants.domain.lifecycle import ENDS, phase_of
from participants.models import Participant
from schedules.domain.errors import FeedRefused
from schedules.domain.feeds import FeedContent
from schedules.models import CalendarFeed
from schedules.selectors.feeds.subscriptions import (
    owner_may_subscribe,
    switched_off_by,
    zone_of_feed,
)
from schedules.selectors.store.course import course_of, standing_of, visits_to_come
from trials.audit.acts import recorded_as_caused
from trials.models import Cohort, Site, Trial, User
from trials.selectors.records import token_digest
from trials.zones import roles_day

# 256 random bits, which nobody tries through: a plain SHA-256 is enough to keep them by.
_BYTES = 32


class FormUsed(FeedRefused):
    """A form that made an address already makes no other one; `feed` is the one that it made."""

    def __init__(self, feed: CalendarFeed) -> None:
        self.feed = feed
        super().__init__(
            gettext(
                "This form has made its address already, and the address was shown that one time. "
                "If you did not keep it, replace the address to get a new one."
            )
        )


@recorded_as_caused
def open_feed(
    *,
    owner: User,
    now: datetime,
    participant: Participant | None = None,
    site: Site | None = None,
    trial: Trial | None = None,
    cohort: Cohort | None = None,
    content: FeedContent | None = None,
    compressed: bool = True,
    form_key: str = "",
) -> tuple[CalendarFeed, str]:
    """Make a calendar subscription with its secret, which nobody can read again.

    Of a participant, a site, a trial or a cohort; of none: of everybody whom the owner may follow. Raises
    FeedRefused where the site or trial has switched calendars off, the owner may not subscribe there or the
    participant is no longer in the trial, and FormUsed where `form_key` has made an address already.
    """
    # Whether the role was held ever since is asked of this day: it is the act's, as the role's days are.
    of = {"participant": participant, "site": site, "trial": trial, "cohort": cohort}
    chosen = asdict(content or FeedContent(language=settings.LANGUAGE_CODE))
    feed = CalendarFeed(owner=owner, created_at=now, compressed=compressed, **of, **chosen)
    off = switched_off_by(feed)
    if off:
        raise FeedRefused(
            gettext("Calendar subscriptions are switched off at this site.")
            if isinstance(off, Site)
            else gettext("Calendar subscriptions are switched off in this trial.")
        )
    if not owner_may_subscribe(feed, roles_day(now)):
        raise FeedRefused(gettext("Your role here does not allow calendar subscriptions."))
    if participant and _has_left(participant, now.astimezone(zone_of_feed(feed)).date()):
        raise FeedRefused(gettext("The participant is no longer in the trial: no visit is to come."))
    return _save_once(feed, form_key)


def _save_once(feed: CalendarFeed, form_key: str) -> tuple[CalendarFeed, str]:
    """Save a feed with a new secret; the second of two at once finds the key of its form taken."""
    token = secrets.token_urlsafe(_BYTES)
    feed.token_digest = token_digest(token)
    feed.form_key = token_digest(f"{feed.owner_id} {form_key}") if form_key else None
    try:
        with transaction.atomic():
            feed.save()
    except IntegrityError:
        made = CalendarFeed.objects.filter(form_key=feed.form_key).exclude(form_key=None).first()
        if made is None:
            raise
        raise FormUsed(made) from None
    return feed, token


def _has_left(participant: Participant, today: date) -> bool:
    """Whether somebody's course has ended and no visit stays after it."""
    ended = phase_of(course_of(standing_of(participant))) in ENDS
    return ended and not visits_to_come(participant, today).exists()


@recorded_as_caused
def revoke_feed(*, feed: CalendarFeed, now: datetime) -> CalendarFeed:
    """End a calendar address: nothing is shown there any longer. A second call changes nothing."""
    for stored in CalendarFeed.objects.select_for_update(no_key=True).filter(
        pk=feed.pk, revoked_at__isnull=True
    ):
        stored.revoked_at = now
        stored.save(update_fields=["revoked_at"])
    feed.refresh_from_db(fields=["revoked_at"])
    return feed


@recorded_as_caused
def replace_feed(*, feed: CalendarFeed, now: datetime) -> tuple[CalendarFeed, str]:
    """End an address, and open a new one of the same calendar with another secret.

    Raises FeedRefused, also for an address that has ended meanwhile: of two at once the second makes none.
    """
    if (
        not CalendarFeed.objects.select_for_update(no_key=True)
        .filter(pk=feed.pk, revoked_at__isnull=True)
        .exists()
    ):
        raise FeedRefused(gettext("This address has ended already. Nothing was changed."))
    revoke_feed(feed=feed, now=now)
    of = {name: getattr(feed, name) for name in ("participant", "site", "trial", "cohort")}
    return open_feed(owner=feed.owner, now=now, content=feed.content, compressed=feed.compressed, **of)


@recorded_as_caused
def pause_feed(*, feed: CalendarFeed, now: datetime) -> CalendarFeed:
    """Show nothing behind this address until it is resumed; phones are told so."""
    return _set_paused(feed, now)


@recorded_as_caused
def resume_feed(*, feed: CalendarFeed) -> CalendarFeed:
    """Show the calendar behind this address again."""
    return _set_paused(feed, None)


def _set_paused(feed: CalendarFeed, at: datetime | None) -> CalendarFeed:
    for stored in CalendarFeed.objects.select_for_update(no_key=True).filter(
        pk=feed.pk, revoked_at__isnull=True, paused_at__isnull=at is not None
    ):
        stored.paused_at = at
        stored.save(update_fields=["paused_at"])
    feed.refresh_from_db(fields=["paused_at", "revoked_at"])
    return feed


@recorded_as_caused
def change_content(*, feed: CalendarFeed, content: FeedContent, compressed: bool) -> CalendarFeed:
    """Show something else behind the same address; phones take it over with their next fetch."""
    stored = (
        CalendarFeed.objects.select_for_update(no_key=True)
        .filter(pk=feed.pk, revoked_at__isnull=True)
        .first()
    )
    if stored is None:
        raise FeedRefused(gettext("This address has ended already. Nothing was changed."))
    chosen: Mapping[str, Any] = {**asdict(content), "compressed": compressed}
    for name, value in chosen.items():
        setattr(stored, name, value)
    stored.save(update_fields=list(chosen))
    return stored


@recorded_as_caused
def switch_site(*, site: Site, enabled: bool) -> Site:
    """Switch the calendar subscriptions of a whole site off or on."""
    stored = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    stored.feeds_enabled = enabled
    stored.save(update_fields=["feeds_enabled"])
    return stored


@recorded_as_caused
def switch_trial(*, trial: Trial, enabled: bool) -> Trial:
    """Switch the calendar subscriptions of a whole trial off or on."""
    stored = Trial.objects.select_for_update(no_key=True).get(pk=trial.pk)
    stored.feeds_enabled = enabled
    stored.save(update_fields=["feeds_enabled"])
    return stored
