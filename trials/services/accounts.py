"""Accounts: opened and deactivated by an administrator, for a reason, and never deleted."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from trials.acts import recorded
from trials.domain.accounts import NameTaken, OwnAccount, fit_name, fit_reason
from trials.models import User
from trials.selectors_accounts import second_factors_of


@recorded
def open_account(*, user_name: str, name: str, email: str, by: User | None, reason: str) -> User:
    """An account without a password, whose owner sets one behind a link (`record_password_link`).

    `name` is printed under signatures. Raises NameNotFit, NameTaken and ReasonMissing.
    """
    user_name = fit_name(user_name)
    fit_reason(reason, user_name)
    user = User(username=user_name, first_name=name.strip(), email=User.objects.normalize_email(email))
    user.set_unusable_password()
    if User.objects.filter(username__iexact=user_name).exists():
        raise NameTaken(user_name)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:  # somebody took it in this very moment
        raise NameTaken(user_name) from error
    return user


@recorded
def correct_account(*, user: User, name: str, email: str, by: User | None, reason: str) -> User:
    """Another printed name or e-mail address; raises ReasonMissing."""
    fit_reason(reason, user.username)
    user.first_name, user.last_name = name.strip(), ""
    user.email = User.objects.normalize_email(email)
    user.save(update_fields=["first_name", "last_name", "email"])
    return user


@recorded
def deactivate_account(*, user: User, by: User | None, reason: str) -> User:
    """Close an account: its sessions, tokens and calendars end with this; what it did stays.

    Raises OwnAccount and ReasonMissing.
    """
    fit_reason(reason, user.username)
    if by is not None and by.pk == user.pk:
        raise OwnAccount(user.username)
    return _activate(user, active=False)


@recorded
def reactivate_account(*, user: User, by: User | None, reason: str) -> User:
    """Open an account again; raises ReasonMissing."""
    fit_reason(reason, user.username)
    return _activate(user, active=True)


def _activate(user: User, *, active: bool) -> User:
    user.is_active = active
    user.save(update_fields=["is_active"])
    return user


@recorded
def record_password_link(*, user: User, now: datetime, by: User | None, reason: str) -> User:
    """Keep that a link to set a password was given out; raises ReasonMissing."""
    fit_reason(reason, user.username)
    user.link_issued_at = now
    user.save(update_fields=["link_issued_at"])
    return user


@recorded
def record_password(*, user: User, now: datetime, by: User | None, reason: str = "") -> User:
    """Keep when a password was set: the trail shows that, and never the password."""
    user.password_set_at = now
    user.save(update_fields=["password_set_at"])
    return user


@recorded
def remove_second_factors(*, user: User, by: User | None, reason: str) -> int:
    """Take away the second factors of somebody who lost theirs; gives how many, raises ReasonMissing."""
    fit_reason(reason, user.username)
    found = second_factors_of(user)
    count = found.count()
    found.delete()
    return count
