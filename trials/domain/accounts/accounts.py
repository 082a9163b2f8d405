"""What holds for accounts: their names, and that they stay."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum

from trials.domain.errors import DomainError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@+_-]*", re.ASCII)
LONGEST = 150
STOPPABLE_FOR = timedelta(hours=72)
"""How long an owner can stop a change of their account, where there is nobody else to confirm it."""


class ChangeKind(StrEnum):
    """What others do to an account that could let them sign in its owner's name."""

    EMAIL = "email"
    FACTORS = "factors"
    LINK = "link"
    PASSWORD = "password"  # noqa: S105 - the word, not a secret


class Resolution(StrEnum):
    """How a change of an account was found to be right."""

    OWNER = "owner"
    SECOND = "second"
    WAITED = "waited"


def waits_until(changed_at: datetime) -> datetime:
    """Give the instant from which an account signs again after a change that its owner did not stop."""
    return changed_at + STOPPABLE_FOR


class AccountError(DomainError):
    """An account cannot be made or changed this way; `field` names what was given."""

    field = "user_name"
    words = "The account {} cannot be changed this way."

    def __init__(self, user_name: str) -> None:
        self.user_name = user_name
        super().__init__(self.words.format(user_name))


class AccountKept(AccountError):
    """An account is deactivated and never deleted."""

    words = "The account {} stays: deactivate it instead."


class NameNotFit(AccountError):
    """A name that an account cannot have."""

    words = "{} cannot be a user name: give up to 150 Latin letters, digits, dots and hyphens."


class NameTaken(AccountError):
    """A name that an account has, or had, in these letters or in capitals."""

    words = "The user name {} is or was somebody's: give another one."


class ReasonMissing(AccountError):
    """What is done to an account is done for a reason."""

    field = "reason"
    words = "Give the reason for what is done to the account {}."


class OwnAccount(AccountError):
    """Nobody closes the door behind themselves."""

    words = "The account {} is your own: ask another administrator."


def fit_name(name: str) -> str:
    """The name as it is kept, without blanks around it; raises NameNotFit.

    Latin letters alone, so that two names that look alike are told apart by both databases alike.
    """
    name = name.strip()
    if len(name) > LONGEST or not NAME.fullmatch(name):
        raise NameNotFit(name)
    return name


def fit_reason(reason: str, name: str) -> str:
    """The reason without blanks around it; raises ReasonMissing where nothing is left."""
    if not reason.strip():
        raise ReasonMissing(name)
    return reason.strip()
