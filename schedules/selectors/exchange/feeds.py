"""Whose calendar subscriptions there are, and of whom each may show anything."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Exists, F, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import CalendarChunk, CalendarFeed
from trials.domain.accounts.access import ROLE_RIGHTS, Right, covers
from trials.models import Cohort, Membership, Resource, Site, Trial, User
from trials.selectors.records import (
    roles_of,
    sites_administered_by,
    sites_visible_to,
    trials_visible_to,
    within,
)
from trials.zones import begins, ended, server_zone, zone_named, zone_of

_RELATED = ("participant__site", "participant__trial", "site", "trial", "cohort__trial")
_SHOWN = (
    "pk",
    "calendar_state__revision",
    "version",
    "subject_code",
    "trial__code",
    "trial__outside_name",
    "site__zone",
)
"""What of a participant's calendar stands beside their visits: of the record its version (protocol version,
traits, anchors), the subject code, what the trial is called, and the zone of the site."""


def feed_by_digest(digest: str) -> CalendarFeed | None:
    """The feed behind the digest of a secret, revoked or not, with all that it is of."""
    feeds = CalendarFeed.objects.select_related("owner", "shown", *_RELATED)
    return feeds.filter(token_digest=digest).first()


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
    owner holds a role, also by one for all sites.
    """
    several = Q(site=None, participant=None)
    roles = Membership.objects.filter(user=OuterRef("owner"), withdrawn_at=None)
    there = roles.filter(Q(site__in=sites) | (Q(site=None) & Q(Exists(sites))))
    return Q(site__in=sites) | Q(participant__site__in=sites) | (several & Q(Exists(there)))


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


def shown_participants(feed: CalendarFeed, today: date) -> QuerySet[Participant]:
    """The participants in a feed whom its owner may subscribe to on this day, at sites that allow it."""
    participants = Participant.objects.filter(
        within(roles_of(feed.owner, today), Right.SUBSCRIBE),
        site__feeds_enabled=True,
        trial__feeds_enabled=True,
    )
    if feed.participant_id:
        return participants.filter(pk=feed.participant_id)
    if feed.site_id:
        return participants.filter(site=feed.site_id)
    if feed.trial_id:
        return participants.filter(trial=feed.trial_id)
    return participants.filter(cohort=feed.cohort_id) if feed.cohort_id else participants


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
    spans = []
    for at, name, starts, ends, withdrawn in held.values_list(
        "site", "site__zone", "starts_on", "ends_on", "withdrawn_at"
    ):
        zone = zone_named(name or "") if at else server_zone()
        days = [day for day in (ends, withdrawn.astimezone(zone).date() if withdrawn else None) if day]
        spans.append((begins(starts, zone), ended(min(days), zone) if days else None))
    return covers(spans, last, now)


class _Joined(Aggregate):
    """The texts of all rows in one, a line each, in whatever order the database takes."""

    function = "GROUP_CONCAT"
    name = "Joined"
    template = "%(function)s(%(expressions)s, chr(10))"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Write it as SQLite calls it."""
        return self.as_sql(
            compiler, connection, template="GROUP_CONCAT(%(expressions)s, char(10))", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Write it as PostgreSQL calls it."""
        return self.as_sql(compiler, connection, function="STRING_AGG", **context)


def joined_text(rows: QuerySet[Any], *fields: str) -> list[str]:
    """Give these columns of all rows as lines, sorted; one query and one row of the database."""
    text = rows.order_by().aggregate(all=_Joined(_line(fields), output_field=TextField()))["all"]
    return sorted(text.split("\n")) if text else []


def resources_digest() -> str:
    """Give the digest of what rooms, beds and slots are called and how long they are taken; one query."""
    text = joined_text(Resource.objects.all(), "pk", "name", "minutes")
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:16]


def stale_participants(participants: QuerySet[Participant], style: str, edition: str) -> dict[int, str]:
    """Give those of the participants without a true chunk of this style, each with what it is made from.

    One query, whose answer holds nobody else.
    """
    kept = CalendarChunk.objects.filter(participant=OuterRef("pk"), style=style, basis=OuterRef("basis"))
    rows = participants.annotate(basis=_line(_SHOWN, edition)).filter(~Exists(kept)).order_by("pk")
    return dict(rows.values_list("pk", "basis"))


class _Line(Func):
    """Texts one after the other; Django's own nests a call for each, and SQLite has no room for that many."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


def _line(fields: Sequence[str], begins: str = "") -> _Line:
    """These columns as one text, with spaces between them, after what it begins with."""
    parts: list[Any] = [Cast(Value(begins), TextField())]
    for name in fields:
        parts += [Value(" "), Coalesce(Cast(F(name), TextField()), Value("-"))]
    return _Line(*parts)
