"""What can be read of users, sites, trials and protocol versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Q, QuerySet

from trials.domain.accounts.access import Grant, Right, Scope, day_there
from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Protocol
from trials.domain.sites.working_days import WorkingDays
from trials.formats.protocols import yaml
from trials.models import (
    ApiToken,
    ProtocolVersion,
    Site,
    Trial,
    TrialSite,
    User,
    WorkingDayTable,
)
from trials.zones import zone_named

Found = TypeVar("Found")


class DocumentAltered(DomainError):
    """A stored protocol document is not the one that its digest names."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        super().__init__(f"the stored protocol document is not the one named {digest}")


def protocol_of(version: ProtocolVersion) -> Protocol:
    """The protocol in a version's document, read once for each digest; then the document is not even fetched.

    Raises DocumentAltered where the document is not the one that the digest names.
    """
    return _read_protocol(_Edition(version.digest, version))


@dataclass(frozen=True, slots=True)
class _Edition:
    """A version that is told from others by its digest alone."""

    digest: str
    version: ProtocolVersion = field(compare=False)


@lru_cache(maxsize=256)
def _read_protocol(edition: _Edition) -> Protocol:
    protocol = yaml.load_kept(edition.version.document, str(edition.version.pk))
    if yaml.digest(protocol) != edition.digest:
        raise DocumentAltered(edition.digest)
    return protocol


def working_days_of(site: Site) -> WorkingDays | None:
    """The newest working days of a site, read once for each table; None where none are recorded."""
    tables = WorkingDayTable.objects.filter(site=site).order_by("-version")
    document = tables.values_list("document", flat=True).first()
    return None if document is None else _read_working_days(json.dumps(document))


@lru_cache(maxsize=128)
def _read_working_days(document: str) -> WorkingDays:
    return WorkingDays.from_document(json.loads(document))


def roles_of(user: User, today: date) -> Scope:
    """What a user may do on this day: a superuser all, somebody not signed in or not active nothing.

    A machine may do it where its token says.
    """
    # somebody not signed in is no User, and nothing narrows them
    return _roles_of(user, today).narrowed(*getattr(user, "narrowed_to", (None, None)))


def _roles_of(user: User, today: date) -> Scope:
    if not user.is_active or user.pk is None:
        return Scope()
    if user.is_superuser:
        return Scope(everything=True)
    known = _KNOWN.get()
    if known is None:
        return scope_held(memberships_of(user.pk), today)
    if user.pk not in known:
        known[user.pk] = memberships_of(user.pk)
    return scope_held(known[user.pk], today)


class Held(NamedTuple):
    """A membership that was not withdrawn: what it grants, from when until when, and in which zone."""

    role: str
    site: int | None
    trial: int | None
    starts_on: date
    ends_on: date | None
    zone: str | None

    def holds(self, today: date) -> bool:
        """Whether it holds: by the day at its site, by the server's where it is for all sites."""
        here = today if self.site is None else day_there(today, zone_named(self.zone or ""))
        return self.starts_on <= here and (self.ends_on is None or here <= self.ends_on)


_HELD = """
    SELECT m.role, m.site_id, m.trial_id, m.starts_on, m.ends_on, s.zone
    FROM trials_membership m LEFT JOIN trials_site s ON s.id = m.site_id
    WHERE m.user_id = %s AND m.withdrawn_at IS NULL ORDER BY m.id
"""


def memberships_of(user: int) -> list[Held]:
    """The memberships of a user (an id) that were not withdrawn, in the order in which they were given."""
    with connection.cursor() as cursor:  # every request asks it, and it is always the same question
        cursor.execute(_HELD, [user])
        return [Held(*row) for row in cursor.fetchall()]


def scope_held(held: Iterable[Held], today: date) -> Scope:
    """What memberships grant on this day."""
    return Scope(frozenset(Grant(one.role, one.site, one.trial) for one in held if one.holds(today)))


_KNOWN: ContextVar[dict[int, list[Held]] | None] = ContextVar("roles_known", default=None)
_READ: ContextVar[dict[Hashable, Any] | None] = ContextVar("read_once", default=None)


@contextmanager
def roles_read_once(known: Mapping[int, list[Held]] | None = None) -> Iterator[None]:
    """Read the roles of each once while the block lasts: a page that only shows asks in many places.

    `known` has the memberships, not withdrawn, of users (ids) that were read already.
    """
    before, read = _KNOWN.set(dict(known or {})), _READ.set({})
    try:
        yield
    finally:
        _KNOWN.reset(before)
        _READ.reset(read)


def read_once(key: Hashable, read: Callable[[], Found]) -> Found:
    """What `read` gives: asked once for each key in a block of `roles_read_once`, each time elsewhere."""
    known = _READ.get()
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    found: Found = known[key]
    return found


def holds_at(site: Site, today: date) -> Q:
    """The condition on memberships that hold at a site: begun, not ended and not withdrawn.

    By the same days as `roles_of`: a role at the site by the day there, one for all sites by `today`.
    """
    there = day_there(today, zone_named(site.zone))
    days = Q(site=site.pk) & _on(there) | Q(site=None) & _on(today)
    return days & Q(withdrawn_at__isnull=True)


def _on(day: date) -> Q:
    return Q(starts_on__lte=day) & (Q(ends_on__isnull=True) | Q(ends_on__gte=day))


def may(user: User, right: Right | str, site: Site | None, trial: Trial | None, today: date) -> bool:
    """Whether a user may do this at this site in this trial; None asks for any of them."""
    ids = (site.pk if site else None, trial.pk if trial else None)
    return roles_of(user, today).allows(Right(right), *ids)


def within(scope: Scope, right: Right = Right.VIEW, *, site: str = "site", trial: str = "trial") -> Q:
    """The condition on rows whose site and trial (given as paths of fields) a scope gives this right on.

    Where all are seen it is a condition that is true, which the statement leaves out. An empty Q is none:
    joined by `|` it leaves only the other side.
    """
    if scope.everything:
        return ~Q(pk__in=[])
    # Several roles at one place are one condition: the planner would estimate each of them again.
    places = dict.fromkeys((grant.site, grant.trial) for grant in scope.granting(right))
    if (None, None) in places:
        return ~Q(pk__in=[])  # nothing to be looked at
    allowed = Q(pk__in=[])
    for place in places:
        named = zip((f"{site}_id", f"{trial}_id"), place, strict=True)
        allowed |= Q(pk__isnull=False, **{name: pk for name, pk in named if pk is not None})
    return allowed


def sites_visible_to(user: User, today: date) -> QuerySet[Site]:
    """The sites at which a user holds any role on this day."""
    scope = roles_of(user, today)
    if scope.everything or any(grant.site is None for grant in scope.grants):
        return Site.objects.all()
    return Site.objects.filter(pk__in=[grant.site for grant in scope.grants if grant.site])


def sites_administered_by(user: User, today: date) -> QuerySet[Site]:
    """The sites that a user administers throughout on this day: with every trial there."""
    scope = roles_of(user, today)
    if scope.allows_throughout(Right.ADMINISTER):
        return Site.objects.all()
    held = scope.granting(Right.ADMINISTER)
    return Site.objects.filter(pk__in=[grant.site for grant in held if grant.site and grant.trial is None])


def working_days_visible_to(user: User, today: date) -> QuerySet[WorkingDayTable]:
    """The working days, in all their versions, of the sites at which a user holds any role on this day."""
    return WorkingDayTable.objects.filter(site__in=sites_visible_to(user, today))


def trials_visible_to(user: User, today: date) -> QuerySet[Trial]:
    """The trials in which a user holds any role on this day: for all trials of a site, those that it runs."""
    scope = roles_of(user, today)
    if scope.everything or any(grant.trial is None and grant.site is None for grant in scope.grants):
        return Trial.objects.all()
    named = [grant.trial for grant in scope.grants if grant.trial]
    at = [grant.site for grant in scope.grants if grant.trial is None]
    return Trial.objects.filter(Q(pk__in=named) | Q(pk__in=trials_run_at(at)))


def trials_run_at(sites: Collection[int | None]) -> QuerySet[TrialSite, int]:
    """The ids of the trials that run at any of these sites (ids)."""
    return TrialSite.objects.filter(site__in=[site for site in sites if site]).values_list("trial", flat=True)


def keeps_records(user: User, today: date, scope: Scope | None = None) -> bool:
    """Whether the records (the admin) are open to somebody: to set up, to design, or to read as staff.

    `scope` is what the user may do on this day, where that is known already.
    """
    scope = roles_of(user, today) if scope is None else scope
    by_role = scope.allows(Right.ADMINISTER) or scope.allows(Right.PUBLISH)
    return by_role or (user.is_active and user.is_staff)


def versions_visible_to(user: User, today: date) -> QuerySet[ProtocolVersion]:
    """The protocol versions, drafts too, of the trials in which a user holds any role on this day."""
    return ProtocolVersion.objects.filter(trial__in=trials_visible_to(user, today))


def published_versions(trial: Trial) -> QuerySet[ProtocolVersion]:
    """A trial's published versions, the newest first."""
    return published_versions_of([trial])


def published_versions_of(trials: Collection[Trial]) -> QuerySet[ProtocolVersion]:
    """The published versions of these trials, the newest first."""
    published = ProtocolVersion.objects.filter(trial__in=trials, published_at__isnull=False)
    return published.order_by("-published_at", "-pk")


def token_digest(text: str) -> str:
    """What is stored of a token: its SHA-256 in hexadecimal."""
    # Quick and without salt, unlike a password's: 32 random bytes cannot be guessed, and an index finds them.
    return hashlib.sha256(text.encode()).hexdigest()


def api_token_in_use(text: str, now: datetime) -> ApiToken | None:
    """The token with this text, its user narrowed to its site and trial.

    None for one that is revoked or expired, or whose user is not active.
    """
    tokens = ApiToken.objects.select_related("user").filter(revoked_at__isnull=True, user__is_active=True)
    open_ended = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    token = tokens.filter(open_ended, digest=token_digest(text)).first()
    if token:
        token.user.narrowed_to = (token.site_id, token.trial_id)
    return token
