"""Accounts: opened and deactivated by an administrator, for a reason, and never deleted."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from trials.audit.acts import recorded
from trials.domain.accounts.accounts import ChangeKind, NameTaken, OwnAccount, fit_name, fit_reason
from trials.models import AccountChange, User
from trials.selectors.accounts.accounts import second_factors_of
from trials.services.accounts.account_changes import Link, note_change, note_password_behind_link, tell_owner


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


def correct_account(
    *,
    user: User,
    name: str,
    email: str,
    by: User | None,
    reason: str,
    now: datetime | None = None,
    link: Link | None = None,
) -> User:
    """Change the printed name or the e-mail address; the owner is told at the former address.

    Raises ReasonMissing.
    """
    fit_reason(reason, user.username)
    now = now or timezone.now()
    change = _correct(user=user, name=name, email=email, by=by, reason=reason, now=now)
    tell_owner(change, now=now, link=link)
    return user


@recorded
def _correct(
    *, user: User, name: str, email: str, by: User | None, reason: str, now: datetime
) -> AccountChange | None:
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    address = User.objects.normalize_email(email)
    change = None
    if address != before.email:
        kind = ChangeKind.EMAIL
        change = note_change(user=user, kind=kind, by=by, reason=reason, now=now, before=before)
    user.first_name, user.last_name, user.email = name.strip(), "", address
    user.save(update_fields=["first_name", "last_name", "email"])
    return change


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


def record_password_link(
    *, user: User, now: datetime, by: User | None, reason: str, link: Link | None = None
) -> User:
    """Keep that a link to set a password was given out, and tell the owner; raises ReasonMissing."""
    fit_reason(reason, user.username)
    change = _record_link(user=user, now=now, by=by, reason=reason)
    tell_owner(change, now=now, link=link)
    return user


@recorded
def _record_link(*, user: User, now: datetime, by: User | None, reason: str) -> AccountChange | None:
    change = note_change(user=user, kind=ChangeKind.LINK, by=by, reason=reason, now=now)
    user.link_issued_at = now
    user.save(update_fields=["link_issued_at"])
    return change


@recorded
def record_password(*, user: User, now: datetime, by: User | None, reason: str = "") -> User:
    """Keep when a password was set: the trail shows that, and never the password."""
    user.password_set_at = now
    user.save(update_fields=["password_set_at"])
    return user


def record_password_behind_link(*, user: User, now: datetime, link: Link | None = None) -> User:
    """Keep that a password was set behind a link; its owner is told, who may not be the one who set it."""
    change = _record_behind_link(user=user, now=now, by=user)
    tell_owner(change, now=now, link=link)
    return user


@recorded
def _record_behind_link(*, user: User, now: datetime, by: User) -> AccountChange | None:
    user.password_set_at = now
    user.save(update_fields=["password_set_at"])
    return note_password_behind_link(user=user, now=now)


def remove_second_factors(
    *, user: User, by: User | None, reason: str, now: datetime | None = None, link: Link | None = None
) -> int:
    """Take away the second factors of somebody who lost theirs; gives how many, raises ReasonMissing."""
    fit_reason(reason, user.username)
    now = now or timezone.now()
    count, change = _remove_factors(user=user, by=by, reason=reason, now=now)
    tell_owner(change, now=now, link=link)
    return count


@recorded
def _remove_factors(
    *, user: User, by: User | None, reason: str, now: datetime
) -> tuple[int, AccountChange | None]:
    found = second_factors_of(user)
    count = found.count()
    if not count:
        return 0, None
    change = note_change(user=user, kind=ChangeKind.FACTORS, by=by, reason=reason, now=now)
    found.delete()
    return count, change
