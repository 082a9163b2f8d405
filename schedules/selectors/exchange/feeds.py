"""What a calendar feed may show, and whether that has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.plan.explanations import because_visit
from schedules.domain.visits.short_names import visit_mark
from schedules.domain.visits.state import activities_of
from schedules.ical.values import Hours, WholeDays
from schedules.ical.visits import ShownVisit, VisitNaming, VisitRecord, VisitTerms
from schedules.models import Basis, CalendarFeed, Visit
from schedules.selectors.store.stored_visits import (
    day_zero_of,
    lost_booking,
    planned_visit,
    version_of,
    window_of,
)
from trials.domain.accounts.access import ROLE_RIGHTS, Right, covers
from trials.domain.protocols.protocol import Protocol, TimingKind
from trials.domain.words import Say, plain
from trials.models import Membership, Site, User
from trials.selectors.records import protocol_of, roles_of, sites_administered_by, token_digest, within
from trials.zones import begins, ended, server_zone, zone_of

CANCELLED_DAYS = timedelta(days=30)
"""How long a cancelled visit is still shown, struck through, so that nobody wonders where it went."""


def feed_by_token(token: str) -> CalendarFeed | None:
    """The feed behind a secret, revoked or not, with its owner, participant and site."""
    feeds = CalendarFeed.objects.select_related("owner", "participant__site", "participant__trial", "site")
    return feeds.filter(token_digest=token_digest(token)).first()


def feeds_visible_to(user: User, today: date) -> QuerySet[CalendarFeed]:
    """The feeds of participants in sight, and those of sites that a user administers."""
    theirs = Q(participant__in=participants_visible_to(user, today))
    return CalendarFeed.objects.filter(theirs | _of_sites(sites_administered_by(user, today)))


def feeds_owned_by(user: User) -> QuerySet[CalendarFeed]:
    """The addresses that somebody made and that still work, the newest first."""
    related = ("participant__site", "participant__trial", "site")
    return CalendarFeed.objects.filter(owner=user, revoked_at=None).select_related(*related).order_by("-pk")


def feeds_administered(feeds: QuerySet[CalendarFeed], user: User, today: date) -> QuerySet[CalendarFeed]:
    """Those of the feeds that lie at sites which a user administers."""
    return feeds.filter(_of_sites(sites_administered_by(user, today)))


def with_sight(feeds: QuerySet[CalendarFeed], user: User, today: date) -> QuerySet[CalendarFeed]:
    """The feeds, each with `in_sight`: whether the user may look into its participant."""
    seen = participants_visible_to(user, today).filter(pk=OuterRef("participant"))
    return feeds.annotate(in_sight=Exists(seen))


def _of_sites(sites: QuerySet[Site]) -> Q:
    return Q(site__in=sites) | Q(participant__site__in=sites)


def site_of_feed(feed: CalendarFeed) -> Site:
    """The site whose zone, and whose leave, a feed needs."""
    site = feed.participant.site if feed.participant else feed.site
    if site is None:
        raise ValueError("A feed is of a participant or of a site; the database holds it to that.")
    return site


def shown_participants(feed: CalendarFeed, today: date) -> QuerySet[Participant]:
    """The participants in a feed whom its owner may subscribe to on this day; none ends the feed."""
    participants = Participant.objects.filter(within(roles_of(feed.owner, today), Right.SUBSCRIBE))
    if feed.participant_id:
        return participants.filter(pk=feed.participant_id)
    return participants.filter(site=feed.site_id)


def owner_may_subscribe(feed: CalendarFeed, today: date) -> bool:
    """Whether the owner still holds a role that allows this feed, whether it is empty or not."""
    person = feed.participant
    return roles_of(feed.owner, today).allows(
        Right.SUBSCRIBE, site_of_feed(feed).pk, person.trial_id if person else None
    )


def held_since_last_fetch(feed: CalendarFeed, now: datetime) -> bool:
    """Say whether a role allowed this feed on every day since it was last fetched, or opened.

    By the days of `roles_of`: those of the site for a role there, the server's for one at all sites.
    Asked once a day and feed; a superuser's is not asked for.
    """
    site, person = site_of_feed(feed), feed.participant
    last = feed.last_fetched_at or feed.created_at
    zones = {site.pk: zone_of(site), None: server_zone()}
    if feed.owner.is_superuser or all(
        last.astimezone(zone).date() >= now.astimezone(zone).date() for zone in zones.values()
    ):
        return True
    roles = [role for role, rights in ROLE_RIGHTS.items() if Right.SUBSCRIBE in rights]
    held = Membership.objects.filter(Q(site=None) | Q(site=site), user=feed.owner_id, role__in=roles)
    if person:
        held = held.filter(Q(trial=None) | Q(trial=person.trial_id))
    spans = []
    for at, starts, ends, withdrawn in held.values_list("site", "starts_on", "ends_on", "withdrawn_at"):
        zone = zones[at]
        days = [day for day in (ends, withdrawn.astimezone(zone).date() if withdrawn else None) if day]
        spans.append((begins(starts, zone), ended(min(days), zone) if days else None))
    return covers(spans, last, now)


@dataclass(frozen=True, slots=True)
class Revisions:
    """What a feed shows, without showing it: equal revisions render to equal bytes.

    Of each participant all that is shown beside their visits: the record's version (protocol version,
    traits, anchors), the subject code, what the trial is called and the zone of the site.

    Cancelled visits leave by the passing of days alone, so their number is part of it.
    """

    participants: tuple[tuple[int | str, ...], ...]
    cancelled: int


def revisions_of(participants: QuerySet[Participant], today: date) -> Revisions:
    """The present revisions of these participants' calendars; two queries."""
    people = participants.order_by("pk").values_list(
        "pk", "calendar_state__revision", "version", "subject_code",
        "trial__code", "trial__outside_name", "site__zone",
    )  # fmt: skip
    cancelled = Visit.objects.filter(
        participant__in=participants, cancelled_on__gte=today - CANCELLED_DAYS
    ).count()
    return Revisions(tuple(people), cancelled)


def shown_visits(
    participants: QuerySet[Participant], today: date, links: str, say: Say = plain
) -> Iterator[ShownVisit]:
    """Every visit that a feed shows by target.

    `links` is the address of a participant with `{}` for the id.

    Three queries, however many participants.
    """
    related = participants.select_related("trial", "site", "protocol_version")
    people = related.prefetch_related("anchors").in_bulk()
    visits = Visit.objects.filter(participant__in=participants).exclude(
        cancelled_on__lt=today - CANCELLED_DAYS
    )
    under = visits.select_related("done_under").defer("done_under__document")
    for visit in under.order_by("target", "id"):
        person = people.get(visit.participant_id)
        if person:  # else enrolled between the two queries: in the next fetch
            yield _shown(visit, person, links.format(person.pk), say)


def _shown(visit: Visit, person: Participant, url: str, say: Say) -> ShownVisit:
    protocol, zone = protocol_of(version_of(visit, person.protocol_version)), zone_of(person.site)
    planned = planned_visit(visit, protocol, zone)
    zero = day_zero_of(person, protocol, zone)
    mark = visit.label if visit.unscheduled else visit_mark(protocol, planned, zero)
    return ShownVisit(
        uid=visit.uid,
        sequence=visit.sequence,
        changed_at=visit.changed_at,
        naming=VisitNaming(person.trial.called, person.subject_code, say(mark), say(visit.label)),
        terms=VisitTerms(
            timing=TimingKind(visit.timing),
            window=window_of(visit),
            tolerance_assumed=visit.tolerance_basis == Basis.ASSUMED,
            place=visit.place,
            activities=tuple(map(say, _activities(visit, person, protocol))),
            because=because_visit(protocol, planned, say),
        ),
        record=_record(visit),
        url=url,
        pk=visit.pk,
    )


def _record(visit: Visit) -> VisitRecord:
    return VisitRecord(
        booked=_booking(visit),
        lost_day=visit.booked_on if lost_booking(visit) else None,
        room=visit.booked_place,
        performed_on=visit.performed_on,
        missed=visit.missed_on is not None,
        cancelled=visit.cancelled_on is not None,
        held=visit.held_on is not None,
    )


def _booking(visit: Visit) -> Hours | WholeDays | None:
    if visit.booked_start:
        return Hours(visit.booked_start, visit.booked_end)
    return WholeDays(visit.booked_on, visit.booked_on) if visit.booked_on else None


def _activities(visit: Visit, person: Participant, protocol: Protocol) -> tuple[str, ...]:
    asked = activities_of(protocol, visit.rule_code, visit.code, frozenset(person.traits))
    return tuple(activity.label for activity in asked)
