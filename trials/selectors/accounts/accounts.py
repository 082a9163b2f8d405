"""What can be read of accounts, of their roles on a day, and of who failed to sign in."""

from __future__ import annotations

from datetime import date
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from axes.models import AccessFailureLog
from django.db.models import Q, QuerySet

from trials.domain.accounts.access import Right
from trials.models import ApiToken, Membership, User
from trials.selectors.records import roles_of, within

SUPERUSER = "superuser"
LONGEST = 200  # of what an audit entry keeps


def roles_in_words(user: User, today: date) -> str:
    """The roles somebody holds on this day, as the audit trail keeps them."""
    scope = roles_of(user, today)
    names = [SUPERUSER] if scope.everything else sorted(scope.roles)
    return ", ".join(names)[:LONGEST]


def open_account(username: str) -> User | None:
    """The account of this name that may sign in; None where there is none, or it is closed."""
    return User.objects.filter(username=username, is_active=True).first()


def accounts_visible_to(user: User, today: date) -> QuerySet[User]:
    """The accounts that somebody administers: those at their sites, and those without any role yet.

    A superuser is seen by superusers alone.
    """
    accounts = User.objects.order_by("username")
    scope = roles_of(user, today)
    if scope.everything:
        return accounts
    if not scope.allows(Right.ADMINISTER):
        return accounts.none()
    accounts = accounts.filter(is_superuser=False)
    if administers_everything(user, today):
        return accounts
    ours = Membership.objects.filter(within(scope, Right.ADMINISTER)).values("user")
    return accounts.filter(Q(pk__in=ours) | Q(memberships=None)).distinct()


def may_change_account(user: User, account: User, today: date) -> bool:
    """Whether everything that an account may do lies where `user` administers."""
    if not accounts_visible_to(user, today).filter(pk=account.pk).exists():
        return False
    if administers_everything(user, today):
        return True
    ours = within(roles_of(user, today), Right.ADMINISTER)
    return not account.memberships.exclude(pk__in=account.memberships.filter(ours).values("pk")).exists()


def changeable_accounts(user: User, today: date) -> QuerySet[User]:
    """The accounts of which everything lies where `user` administers: `may_change_account` of many."""
    accounts = accounts_visible_to(user, today)
    if administers_everything(user, today):
        return accounts
    ours = Membership.objects.filter(within(roles_of(user, today), Right.ADMINISTER))
    elsewhere = Membership.objects.exclude(pk__in=ours.values("pk"))
    return accounts.exclude(pk__in=elsewhere.values("user"))


def tokens_administered_by(user: User, today: date) -> QuerySet[ApiToken]:
    """The keys of the accounts of which everything lies where `user` administers."""
    return ApiToken.objects.filter(user__in=changeable_accounts(user, today))


def administers_everything(user: User, today: date) -> bool:
    """Whether somebody administers every site in every trial."""
    scope = roles_of(user, today)
    grants = scope.granting(Right.ADMINISTER)
    return scope.everything or any(grant.site is None and grant.trial is None for grant in grants)


def failed_sign_ins(user: User, today: date) -> QuerySet[Any]:
    """Every sign-in that failed, the newest first, for those who administer everything; else none."""
    failures: QuerySet[Any] = AccessFailureLog.objects.order_by("-attempt_time", "-pk")
    return failures if administers_everything(user, today) else failures.none()


def holds_one_of(user: User, roles: frozenset[str], today: date) -> bool:
    """Whether somebody holds one of these roles anywhere on this day; a superuser's is "superuser"."""
    scope = roles_of(user, today)
    return SUPERUSER in roles if scope.everything else bool(roles & scope.roles)


def account_called(name: str) -> User | None:
    """The account of this user name, capitals or not; None where there is none."""
    return User.objects.filter(username__iexact=name).first()


def is_bound(user: User, provider: str) -> bool:
    """Whether an account belongs to a subject of this provider of single sign-on already."""
    return bool(SocialAccount.objects.filter(user=user, provider=provider).exists())


def has_second_factor(user: User) -> bool:
    """Whether somebody has a second factor to sign in with: recovery codes alone are none."""
    factors = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(second_factors_of(user).filter(type__in=factors).exists())


def second_factors_of(user: User) -> QuerySet[Any]:
    """Somebody's second factors and their recovery codes."""
    found: QuerySet[Any] = Authenticator.objects.filter(user=user)
    return found
