"""Proving at signing who is at the keyboard."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext as _

from trials.domain.audit.signing import How, Proof
from trials.domain.errors import Refused
from trials.models import User


class NotProven(Refused):
    """Who is at the keyboard could not be proved."""


def prove_by_password(
    *, user: User, user_name: str, password: str, now: datetime, request: HttpRequest | None = None
) -> Proof:
    """The proof that user name and password are those of the account; raises NotProven.

    A failure is counted and recorded as one of signing in, and locks the account as those do.
    Without a request there is nobody to lock out: a process of the server's own, such as the demo.
    """
    named = user_name.strip().lower() == user.get_username().lower()
    if request is None:
        known = named and user.is_active and user.check_password(password)
    elif named:
        found = authenticate(request, username=user.get_username(), password=password)
        known = found is not None and found.pk == user.pk
    else:
        credentials = {"username": user.get_username()}
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        known = False
    if not known:
        words = _(
            "These are not the user name and the password of the account that is signed in. "
            "Nothing was signed, and the attempt is on record."
        )
        raise NotProven({"password": [words]})
    return Proof(user.pk, How.PASSWORD, now)
