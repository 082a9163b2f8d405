"""Roles given to users at sites and in trials, and taken from them."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from trials.acts import recorded
from trials.domain.errors import DomainError
from trials.models import Membership, Role, Site, Trial, User


class MembershipEndsTooSoon(DomainError):
    """A role cannot end before it begins."""

    def __init__(self, starts_on: date, ends_on: date) -> None:
        self.starts_on, self.ends_on = starts_on, ends_on
        super().__init__(
            _("This role begins on %(starts_on)s and cannot end on %(ends_on)s: give a later day.")
            % {"starts_on": starts_on, "ends_on": ends_on}
        )


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
    return Membership.objects.create(
        user=user, role=Role(role), site=site, trial=trial, starts_on=starts_on, granted_by=by
    )


@recorded
def end_membership(*, membership: Membership, ends_on: date, by: User | None, reason: str = "") -> Membership:
    """Let a role end with this day, its last one; raises MembershipEndsTooSoon before its first."""
    if ends_on < membership.starts_on:
        raise MembershipEndsTooSoon(membership.starts_on, ends_on)
    membership.ends_on, membership.withdrawn_by, membership.withdrawn_reason = ends_on, by, reason
    membership.save(update_fields=["ends_on", "withdrawn_by", "withdrawn_reason"])
    return membership
