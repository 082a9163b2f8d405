"""What others did to accounts, whether it still keeps an account from signing, and who may confirm it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import is_password_usable
from django.db.models import Q

from trials.domain.audit.signing import How, Proof
from trials.models import AccountChange, Membership, Role, User
from trials.selectors.accounts.accounts import may_change_account, second_factors_of

SHOWN = 10
CLOCKS_APART = timedelta(hours=1)
"""By how much the clock of the database, which dates roles, may lag behind the one that dates changes."""


def open_changes(user: User) -> list[AccountChange]:
    """Give the changes of an account by others that nobody has resolved, the oldest first; one query."""
    found = AccountChange.objects.filter(user=user, resolved_at__isnull=True)
    return list(found.select_related("by").order_by("at", "pk"))


def changes_of(users: Iterable[int]) -> dict[int, list[AccountChange]]:
    """Give the latest changes of accounts by others, by the account's id, the newest first; one query."""
    changes: dict[int, list[AccountChange]] = {}
    found = AccountChange.objects.filter(user__in=set(users)).select_related("by", "resolved_by")
    for change in found.order_by("-at", "-pk"):
        of_user = changes.setdefault(change.user_id, [])
        if len(of_user) < SHOWN:
            of_user.append(change)
    return changes


def has_credentials(user: User) -> bool:
    """Whether an account was ever in its owner's hands: a new one has nobody yet to be told or asked."""
    bound = SocialAccount.objects.filter(user=user).exists()
    return is_password_usable(user.password) or bound or second_factors_of(user).exists()


def known_since(user: User, proof: Proof) -> datetime | None:
    """Give since when the owner has had what they proved themselves by; None where nobody can say."""
    if proof.how is How.PASSWORD:
        return user.password_set_at or user.date_joined
    found = Authenticator.objects.filter(pk=proof.credential, user=user).first()
    created: datetime | None = found.created_at if found else None
    return created


def second_administrators(user: User, changes: Sequence[AccountChange], today: date) -> list[User]:
    """Give those who may confirm changes of an account: administrators of all of it who had no part in them.

    Anyone who made one of the changes, the owner, somebody whose own account was changed and not resolved,
    and somebody whom the maker made an administrator afterwards, or shortly before, are none.
    """
    makers = {change.by_id for change in changes if change.by_id}
    since = min(change.at for change in changes) - CLOCKS_APART
    roles = Membership.objects.filter(role=Role.ADMINISTRATOR, withdrawn_at__isnull=True)
    independent = roles.filter(Q(granted_at__lt=since) | Q(granted_by=None) | ~Q(granted_by__in=makers))
    held_back = AccountChange.objects.filter(resolved_at__isnull=True).values("user")
    candidates = User.objects.filter(is_active=True).exclude(pk__in={user.pk, *makers})
    candidates = candidates.filter(Q(is_superuser=True) | Q(pk__in=independent.values("user")))
    return [one for one in candidates.exclude(pk__in=held_back) if may_change_account(one, user, today)]
