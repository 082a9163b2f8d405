"""Whose calendar subscriptions there are, and of whom each may show anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import CalendarFeed
from schedules.selectors.store.plain_rows import NOBODY, ids_of
from schedules.selectors.store.rows_once import rows_of
from trials.domain.accounts.access import ROLE_RIGHTS, Right, Scope, covers
from trials.models import Cohort, Membership, Site, Trial, User
from trials.selectors.records import (
    roles_of,
    sites_administered_by,
    sites_visible_to,
    trials_visible_to,
    within,
)
from trials.zones import begins, ended, server_zone, zone_named, zone_of

_RELATED = ("participant__site", "participant__trial", "site", "trial", "cohort__trial")
_ALONG = (
    *("owner", "shown", "participant", "participant__site", "participant__trial"),
    *("cohort", "cohort__trial", "site", "trial"),
)
_ANY_ID = -(2**62)
"""Stands in a compiled statement for the id of what a feed is of."""


def feed_by_digest(digest: str) -> CalendarFeed | None:
    """The feed behind the digest of a secret, revoked or not, with all that it is of; one statement."""
    found = rows_of(CalendarFeed, [digest], column="token_digest", related=_ALONG)
    return found[0] if found else None


def feeds_visible_to(user: User, today: date) -> QuerySet[CalendarFeed]:
    """The feeds of participants in sight, and those of sites that a user administers."""
    theirs = Q(participant__in=participants_visible_to(user, today))
    return CalendarFeed.objects.filter(theirs | _of_sites(sites_administered_by(user, today))).distinct()


def live_feeds() -> QuerySet[CalendarFeed]:
    """The subscriptions that still work, with owner and all that they are of, the newest first."""
    return CalendarFeed.objects.filter(revoked_at=None).select_related("owner", *_RELATED).order_by("-pk")


def feeds_owned_by(user: User) -> QuerySet[CalendarFeed]:
    """The subscriptions that somebody made and that still work, the newest first."""
    return live_feeds().filter(owner=user)


def own_feed(user: User, pk: int) -> CalendarFeed | None:
    """One of somebody's subscriptions, whether it still works or has ended."""
    return CalendarFeed.objects.filter(owner=user, pk=pk).select_related("owner", *_RELATED).first()


def feeds_administered(feeds: QuerySet[CalendarFeed], user: User, today: date) -> QuerySet[CalendarFeed]:
    """Those of the feeds that lie at sites which a user administers."""
    return feeds.filter(pk__in=CalendarFeed.objects.filter(_of_sites(sites_administered_by(user, today))))


def feeds_at(site: Site) -> QuerySet[CalendarFeed]:
    """The subscriptions that still work and may show anything of a site, the newest first."""
    return live_feeds().filter(_of_sites(Site.objects.filter(pk=site.pk)))


def places_to_follow(user: User, today: date) -> tuple[list[Site], list[Trial], list[Cohort]]:
    """The sites, trials and cohorts that a user may follow in a calendar, by their codes; four queries."""
    scope = roles_of(user, today)
    sites = [site for site in sites_visible_to(user, today) if scope.allows(Right.SUBSCRIBE, site.pk)]
    trials = [
        trial for trial in trials_visible_to(user, today) if scope.allows(Right.SUBSCRIBE, None, trial.pk)
    ]
    cohorts = Cohort.objects.filter(trial__in=trials).select_related("trial")
    return sites, trials, list(cohorts.order_by("trial__code", "pk"))


def site_administered(user: User, pk: int, today: date) -> Site | None:
    """A site that a user administers throughout; None for any other."""
    return sites_administered_by(user, today).filter(pk=pk).first()


def trials_at(site: Site) -> QuerySet[Trial]:
    """The trials that run at a site, by their codes."""
    return Trial.objects.filter(sites=site).order_by("code")


def with_sight(feeds: QuerySet[CalendarFeed], user: User, today: date) -> QuerySet[CalendarFeed]:
    """The feeds, each with `in_sight`: whether the user may look into its participant."""
    seen = participants_visible_to(user, today).filter(pk=OuterRef("participant"))
    return feeds.annotate(in_sight=Exists(seen))


def _of_sites(sites: QuerySet[Site]) -> Q:
    """The condition on feeds that may show anything of these sites.

    One that is of no site and no participant shows what its owner may follow: it is of the sites at which the
    owner holds a role, also by one for all sites; a superuser's is of every site.
    """
    several = Q(site=None, participant=None)
    roles = Membership.objects.filter(user=OuterRef("owner"), withdrawn_at=None)
    there = roles.filter(Q(site__in=sites) | (Q(site=None) & Q(Exists(sites))))
    anywhere = Q(owner__is_superuser=True) & Q(Exists(sites))
    return Q(site__in=sites) | Q(participant__site__in=sites) | (several & (Q(Exists(there)) | anywhere))


def site_of_feed(feed: CalendarFeed) -> Site | None:
    """The one site that a feed is of; None where it may be of several."""
    return feed.participant.site if feed.participant else feed.site


def trial_of_feed(feed: CalendarFeed) -> Trial | None:
    """The one trial that a feed is of; None where it may be of several."""
    if feed.participant:
        return feed.participant.trial
    return feed.cohort.trial if feed.cohort else feed.trial


def zone_of_feed(feed: CalendarFeed) -> ZoneInfo:
    """The zone of a feed's days: its site's; the server's where it may be of several."""
    site = site_of_feed(feed)
    return zone_of(site) if site else server_zone()


def switched_off_by(feed: CalendarFeed) -> Site | Trial | None:
    """The feed's site, else its trial, that shows no calendars at present; None while they are shown."""
    places = (site_of_feed(feed), trial_of_feed(feed))
    return next((place for place in places if place and not place.feeds_enabled), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """The participants in a feed as a statement that gives their ids, with its parameters."""

    sql: str
    params: tuple[object, ...]


def shown_participants(feed: CalendarFeed, today: date) -> Shown:
    """The participants in a feed whom its owner may subscribe to on this day, at sites that allow it."""
    scope = roles_of(feed.owner, today)
    of = {name: getattr(feed, f"{name}_id") for name in ("participant", "site", "trial", "cohort")}
    kind, pk = next(((name, pk) for name, pk in of.items() if pk), ("", 0))
    compiled = _shown(scope, kind, connection.vendor)
    return Shown(compiled.sql, tuple(pk if one == _ANY_ID else one for one in compiled.params))


@lru_cache(maxsize=1024)
def _shown(scope: Scope, kind: str, vendor: str) -> Shown:
    """Compile the statement once for each scope: the database is asked faster than it is made."""
    people = Participant.objects.filter(
        within(scope, Right.SUBSCRIBE), site__feeds_enabled=True, trial__feeds_enabled=True
    )
    if kind:
        people = people.filter(**{"pk" if kind == "participant" else kind: _ANY_ID})
    return Shown(*(ids_of(people.order_by()) or NOBODY))


def owner_may_subscribe(feed: CalendarFeed, today: date) -> bool:
    """Whether the owner still holds a role that allows this feed, whether it is empty or not."""
    site, trial = site_of_feed(feed), trial_of_feed(feed)
    place = (site.pk if site else None, trial.pk if trial and not feed.site_id else None)
    return roles_of(feed.owner, today).allows(Right.SUBSCRIBE, *place)


def held_since_last_fetch(feed: CalendarFeed, now: datetime) -> bool:
    """Say whether a role allowed this feed on every day since it was last fetched, or opened.

    By the days of `roles_of`: those of the site for a role there, the server's for one at all sites.
    Asked once a day and feed; a superuser's is not asked for.
    """
    site, trial = site_of_feed(feed), trial_of_feed(feed)
    last = feed.last_fetched_at or feed.created_at
    zones = {zone_of_feed(feed), server_zone()}
    if feed.owner.is_superuser or all(
        last.astimezone(zone).date() >= now.astimezone(zone).date() for zone in zones
    ):
        return True
    roles = [role for role, rights in ROLE_RIGHTS.items() if Right.SUBSCRIBE in rights]
    held = Membership.objects.filter(user=feed.owner_id, role__in=roles)
    if site:
        held = held.filter(Q(site=None) | Q(site=site))
    if trial:
        held = held.filter(Q(trial=None) | Q(trial=trial))
    return covers(list(_spans(held)), last, now)


def _spans(held: QuerySet[Membership]) -> Iterator[tuple[datetime, datetime | None]]:
    """From when to when each role was held; an end that nobody set is None."""
    columns = ("site", "site__zone", "starts_on", "ends_on", "withdrawn_at")
    for at, name, starts, ends, withdrawn in held.values_list(*columns):
        zone = zone_named(name or "") if at else server_zone()
        days = [day for day in (ends, withdrawn.astimezone(zone).date() if withdrawn else None) if day]
        yield begins(starts, zone), ended(min(days), zone) if days else None
