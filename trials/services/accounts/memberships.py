"""Roles given to users at sites and in trials, and taken from them: by whom and why."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict, Unpack

from django.db.models import Q
from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.database_time import database_now
from trials.domain.errors import DomainError, Refused
from trials.models import Membership, Role, Site, Trial, User
from trials.services.sites.plausible_days import ask_once, frame_ahead, impossible_days, questions_of
from trials.spoken import require_reason, sentence


class Where(TypedDict, total=False):
    """Where a role holds, and its last day; what is left out is all of them, and no end."""

    site: Site | None
    trial: Trial | None
    ends_on: date | None


class MembershipRefused(Refused):
    """A role cannot be given so; `fields` says what would be right."""


class MembershipEndsTooSoon(DomainError):
    """A role cannot end before it begins."""

    def __init__(self, starts_on: date, ends_on: date) -> None:
        self.starts_on, self.ends_on = starts_on, ends_on
        super().__init__(
            _("This role begins on %(starts_on)s and cannot end on %(ends_on)s: give a later day.")
            % {"starts_on": starts_on, "ends_on": ends_on}
        )


class MembershipEnded(DomainError):
    """A role was withdrawn already: `membership` says when, by whom and why."""

    def __init__(self, membership: Membership) -> None:
        self.membership = membership
        super().__init__(_("This role is withdrawn already."))


@recorded
def grant_membership(
    *,
    user: User,
    role: Role | str,
    starts_on: date,
    by: User | None,
    reason: str = "",
    sure: bool = False,
    **where: Unpack[Where],
) -> Membership:
    """A role from this day on, until its last day if one is given or until it is withdrawn.

    Without `by` it is set up, by a command or a test. A person gives a reason, gives roles to others
    only, and to an account that is open; else, where the role is held there already, and for a first day
    more than a year ahead that nobody has said is meant (`sure`), raises MembershipRefused.
    """
    role, reason = Role(role), reason.strip()
    found = Membership(user=user, role=role, starts_on=starts_on, granted_by=by, reason=reason, **where)
    # By the database's clock, which all processes share: who may confirm a change goes by which came first.
    found.granted_at = database_now()
    _refuse_unfit_days(found)
    if by is not None:
        _refuse_unfit(found, by)
        unlikely = list(questions_of(frame_ahead(found.granted_at.date()), [starts_on]))
        ask_once(unlikely, MembershipRefused, sure=sure)
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # one at a time, or both would hold it
        _refuse_held(found)
    found.save(force_insert=True)
    return found


def _refuse_unfit_days(asked: Membership) -> None:
    end = asked.trial.planned_end if asked.trial else None
    if impossible := impossible_days({"starts_on": asked.starts_on, "ends_on": asked.ends_on}, end):
        raise MembershipRefused(impossible)
    if asked.ends_on and asked.ends_on < asked.starts_on:
        words = {"starts_on": asked.starts_on, "ends_on": asked.ends_on}
        message = _("The last day, %(ends_on)s, lies before the first, %(starts_on)s: give a later one.")
        raise MembershipRefused({"ends_on": [message % words]})


def _refuse_unfit(asked: Membership, by: User) -> None:
    require_reason(asked.reason, MembershipRefused)
    if by.pk == asked.user_id:
        raise MembershipRefused({"user": [_("This account is your own. Ask another administrator.")]})
    if not asked.user.is_active:
        message = _("The account %(name)s is deactivated: open it again first.")
        raise MembershipRefused({"user": [message % {"name": asked.user.username}]})


def _refuse_held(asked: Membership) -> None:
    """One role at one place is one row at a time: else what is withdrawn would go on by another."""
    goes_on = Q(ends_on__isnull=True) | Q(ends_on__gte=asked.starts_on)
    starts = Q(starts_on__lte=asked.ends_on) if asked.ends_on else Q()
    same = Membership.objects.filter(
        goes_on & starts, user=asked.user, role=asked.role, site=asked.site, trial=asked.trial
    )
    held = same.filter(withdrawn_at__isnull=True).first()
    if held:
        message = _("%(name)s holds this role there already, from %(day)s on: withdraw that first.")
        words = {"name": asked.user.username, "day": held.starts_on}
        raise MembershipRefused({"role": [sentence(message, words)]})


@recorded
def end_membership(*, membership: Membership, ends_on: date, by: User | None, reason: str = "") -> Membership:
    """Let a role end with this day, its last one.

    Raises MembershipEndsTooSoon before its first, and what `withdraw_membership` raises.
    """
    found = _standing(membership, by, reason)
    end = found.trial.planned_end if found.trial else None
    if impossible := impossible_days({"ends_on": ends_on}, end):
        raise MembershipRefused(impossible)
    if ends_on < found.starts_on:
        raise MembershipEndsTooSoon(found.starts_on, ends_on)
    found.ends_on, found.withdrawn_by, found.withdrawn_reason = ends_on, by, reason.strip()
    found.save(update_fields=["ends_on", "withdrawn_by", "withdrawn_reason"])
    return found


@recorded
def withdraw_membership(*, membership: Membership, now: datetime, by: User | None, reason: str) -> Membership:
    """Let a role end in this moment: pages, API and calendars that hang on it are closed with it.

    Raises MembershipEnded where it was withdrawn before, and MembershipRefused without a reason or
    for one's own.
    """
    found = _standing(membership, by, reason)
    found.withdrawn_at, found.withdrawn_by, found.withdrawn_reason = now, by, reason.strip()
    found.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    return found


def _standing(membership: Membership, by: User | None, reason: str) -> Membership:
    found = (
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .get(pk=membership.pk)
    )
    if found.withdrawn_at:
        raise MembershipEnded(found)
    if by is not None:
        require_reason(reason, MembershipRefused)
        if by.pk == found.user_id:
            raise MembershipRefused({"": [_("This role is your own. Ask another administrator.")]})
    return found
