"""What can be read of roles: who has or had access where and when, for those who administer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from trials.domain.accounts.access import Right, Scope
from trials.models import Membership, Role, Site, Trial, User
from trials.selectors.accounts.accounts import SUPERUSER, administers_everything
from trials.selectors.records import roles_of
from trials.zones import begins


@dataclass(frozen=True, slots=True)
class WantedAccess:
    """Which roles are wanted; nothing means all. `on` asks for those held on that day."""

    name: str = ""
    role: str = ""
    site: Site | None = None
    trial: Trial | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """One stretch of access: who, in which role, where, when, given and taken by whom and why."""

    user: User
    role: str
    site: str
    trial: str
    starts_on: date
    ends_on: date | None
    granted_at: datetime | None = None
    granted_by: str = ""
    reason: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_reason: str = ""


def memberships_visible_to(user: User, today: date) -> QuerySet[Membership]:
    """The roles that reach into where somebody administers, held now, before and later."""
    scope = roles_of(user, today)
    related = Membership.objects.select_related("user", "site", "trial", "granted_by", "withdrawn_by")
    return related.filter(reaching(scope, Right.ADMINISTER)).order_by("user__username", "starts_on", "pk")


def reaching(scope: Scope, right: Right) -> Q:
    """The condition on rows of a site and a trial (none: all of them) that touch where a right is held."""
    if scope.everything:
        return Q()
    found = Q(pk__in=[])
    for grant in scope.granting(right):
        here = Q() if grant.site is None else Q(site=None) | Q(site=grant.site)
        within = Q() if grant.trial is None else Q(trial=None) | Q(trial=grant.trial)
        found |= Q(pk__isnull=False) & here & within
    return found


def may_administer(user: User, site: Site | None, trial: Trial | None, today: date) -> bool:
    """Whether somebody administers all of this place: a whole site, a whole trial, or (without both) all."""
    ids = (site.pk if site else None, trial.pk if trial else None)
    return roles_of(user, today).allows_throughout(Right.ADMINISTER, *ids)


def wanted(memberships: QuerySet[Membership], asked: WantedAccess) -> QuerySet[Membership]:
    """Those of the roles that were asked for; a role for all sites is one for the site that was named."""
    if asked.name:
        memberships = memberships.filter(user__username__icontains=asked.name)
    if asked.role:
        memberships = memberships.filter(role=asked.role)
    if asked.site:
        memberships = memberships.filter(Q(site=asked.site) | Q(site=None))
    if asked.trial:
        memberships = memberships.filter(Q(trial=asked.trial) | Q(trial=None))
    return memberships.filter(_held_on(asked.on)) if asked.on else memberships


def _held_on(day: date) -> Q:
    """Held on at least a part of that day; a day is the server's, as for every role."""
    ended = Q(ends_on__lt=day) | Q(withdrawn_at__lt=begins(day))
    return Q(starts_on__lte=day) & ~Q(pk__in=Membership.objects.filter(ended).values("pk"))


def access_report(user: User, asked: WantedAccess, today: date) -> Iterator[Access]:
    """Every stretch of access in sight that was asked for; superusers come last, for those who see them."""
    found = wanted(memberships_visible_to(user, today), asked)
    for membership in found.iterator(chunk_size=1000):
        yield access_of(membership)
    if administers_everything(user, today) and asked.role in {"", SUPERUSER}:
        supers = User.objects.filter(is_superuser=True, username__icontains=asked.name).order_by("username")
        for one in supers:
            begun = timezone.localdate(one.date_joined, timezone.get_default_timezone())
            if asked.on is None or begun <= asked.on:
                yield Access(one, SUPERUSER, _("all"), _("all"), begun, None)


def access_of(membership: Membership) -> Access:
    """A role as a stretch of access."""
    granted, withdrawn = membership.granted_by, membership.withdrawn_by
    return Access(
        user=membership.user,
        role=str(Role(membership.role).label),
        site=membership.site.code if membership.site else _("all"),
        trial=membership.trial.code if membership.trial else _("all"),
        starts_on=membership.starts_on,
        ends_on=membership.ends_on,
        granted_at=membership.granted_at,
        granted_by=granted.username if granted else "",
        reason=membership.reason,
        withdrawn_at=membership.withdrawn_at,
        withdrawn_by=withdrawn.username if withdrawn else "",
        withdrawn_reason=membership.withdrawn_reason,
    )
