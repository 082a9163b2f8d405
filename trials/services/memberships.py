"""Roles given to users at sites and in trials, and taken from them."""

from __future__ import annotations

from datetime import date

from trials.acts import recorded
from trials.models import Membership, Role, Site, Trial, User


@recorded
def grant_membership(
    *,
    user: User,
    role: Role | str,
    starts_on: date,
    by: User | None,
    site: Site | None = None,
    trial: Trial | None = None,
) -> Membership:
    """A role from this day on, until `end_membership`; without a site or a trial it holds for all of them."""
    return Membership.objects.create(user=user, role=Role(role), site=site, trial=trial, starts_on=starts_on)


@recorded
def end_membership(*, membership: Membership, ends_on: date, by: User | None) -> Membership:
    """Let a role end with this day, its last one."""
    membership.ends_on = ends_on
    membership.save(update_fields=["ends_on"])
    return membership
