"""What others did to an account: its owner is told at once, and it signs nothing until somebody vouches.

One administrator alone must not be able to sign as somebody else (21 CFR 11.200(a)(3)): signing in
another person's name takes two. An account signs again once its owner has proved themselves by what
they had before, a second administrator has confirmed the change, or, where there is no second one,
the owner has not stopped it for 72 hours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.hashers import check_password
from django.contrib.auth.signals import user_login_failed
from django.core import signing
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from trials.audit.acts import acting, recorded
from trials.domain.accounts.accounts import ChangeKind, ReasonMissing, Resolution, waits_until
from trials.domain.audit.own_reasons import PROVED_AT_SIGNING, PROVED_BY_FORMER_PASSWORD
from trials.domain.audit.signing import Proof
from trials.domain.errors import Refused
from trials.models import AccountChange, User
from trials.notifications import AccountNotice, send_account_change
from trials.selectors.accounts.account_changes import (
    has_credentials,
    known_since,
    open_changes,
    second_administrators,
)

SALT = "dayzero.account-change"
Link = Callable[[str], str]
logger = logging.getLogger(__name__)


class ChangeRefused(Refused):
    """A change of an account cannot be confirmed or proved so; `fields` says what would be right."""


def note_change(
    *, user: User, kind: ChangeKind, by: User | None, reason: str, now: datetime, before: User | None = None
) -> AccountChange | None:
    """Keep that somebody else changed an account, as it was `before`; None for one's own and a new account.

    Called inside the service that makes the change, before it is made.
    """
    was = before or user
    if (by is not None and by.pk == user.pk) or not has_credentials(was):
        return None
    return AccountChange.objects.create(
        user=user,
        kind=kind,
        by=by,
        at=now,
        reason=reason,
        address=was.email,
        previous_password=was.password,
    )


def note_password_behind_link(*, user: User, now: datetime) -> AccountChange | None:
    """Keep that a password was set behind a link that somebody else had given out; None for a first one."""
    links = AccountChange.objects.filter(user=user, kind=ChangeKind.LINK)
    link = links.filter(at=user.link_issued_at).first() if user.link_issued_at else None
    if link is None:
        return None
    return AccountChange.objects.create(
        user=user,
        kind=ChangeKind.PASSWORD,
        by=link.by,
        at=now,
        reason=link.reason,
        address=link.address,
        previous_password=link.previous_password,
    )


def tell_owner(change: AccountChange | None, *, now: datetime, link: Link | None = None) -> bool:
    """Tell the owner of an account what was changed, at the addresses that it had before.

    `link` makes a path of this server an address, under which the owner stops the change. Whatever
    the mail server says, the change stands; `tell_owners` tries again.
    """
    if change is None:
        return False
    earlier = [one.address for one in open_changes(change.user)]
    addresses = list(dict.fromkeys(address for address in [change.address, *earlier] if address))
    notice = AccountNotice(
        kind=str(AccountChange.KINDS[ChangeKind(change.kind)]),
        by=change.by.get_username() if change.by else "",
        at=change.at,
        reason=change.reason,
        stop=link(stop_path(change)) if link else "",
    )
    try:
        sent = send_account_change(notice, addresses)
    except Exception:
        logger.exception("The owner of account %s could not be told of a change", change.user_id)
        return False
    if sent:
        with acting(None):  # a worker tells as well: no person, and the cause that the edge has named
            AccountChange.objects.filter(pk=change.pk).update(told_at=now)
    return sent


def tell_owners(*, now: datetime) -> int:
    """Tell again those whose e-mail did not leave; gives how many it reached."""
    waiting = AccountChange.objects.filter(told_at=None, resolved_at=None).exclude(address="")
    return sum(tell_owner(change, now=now) for change in waiting.select_related("user", "by"))


def stop_path(change: AccountChange) -> str:
    """Give the path of the page behind which the owner stops a change, without signing in."""
    return reverse("stop-change", args=[signing.dumps(change.pk, salt=SALT)])


def change_of_token(token: str) -> AccountChange | None:
    """Give the change that a link to stop it names; None for a forged one."""
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return AccountChange.objects.select_related("user", "by").filter(pk=pk).first()


@recorded
def stop_changes(*, user: User, now: datetime, by: User | None, reason: str) -> int:
    """Keep an account from signing until a second administrator confirms: its owner knows of no change.

    What passed because the owner had not stopped it in time is open again. Gives how many were stopped.
    """
    passed = Q(resolved_at__isnull=True) | Q(resolution=Resolution.WAITED)
    changes = AccountChange.objects.filter(passed, user=user, stopped_at=None)
    return changes.update(stopped_at=now, resolved_at=None, resolution="")


@recorded
def confirm_changes(*, user: User, now: datetime, today: date, by: User, reason: str) -> int:
    """Confirm, as a second administrator, that what was done to an account is right; gives how many changes.

    Raises ReasonMissing, and ChangeRefused for somebody who has a part in it.
    """
    if not reason.strip():
        raise ReasonMissing(user.username)
    changes = open_changes(user)
    if changes and by not in second_administrators(user, changes, today):
        words = _(
            "Another administrator confirms this: not the one who made the change, not the owner, and nobody "
            "whom they made an administrator since."
        )
        raise ChangeRefused({"": [words]})
    return _resolve(_open(user), Resolution.SECOND, now, by)


def prove_former_password(*, user: User, password: str, now: datetime, request: HttpRequest) -> int:
    """Take the owner's word for changes that the former password proves; gives how many.

    Raises ChangeRefused where it proves none; the attempt counts as one of signing in that failed.
    """
    credentials = {"username": user.get_username()}
    allowed = AxesProxyHandler.is_allowed(request, credentials)
    proven = [
        change.pk
        for change in open_changes(user)
        if allowed and change.previous_password and check_password(password, change.previous_password)
    ]
    if not proven:
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        words = _("This is not the password that the account had before. The attempt is on record.")
        raise ChangeRefused({"password": [words]})
    return _take_word(user=user, pks=proven, now=now, by=user, reason=PROVED_BY_FORMER_PASSWORD)


@recorded
def _take_word(*, user: User, pks: Sequence[int], now: datetime, by: User, reason: str) -> int:
    return _resolve(_open(user).filter(pk__in=pks), Resolution.OWNER, now, by)


def refusal_to_sign(*, user: User, proof: Proof, now: datetime, today: date) -> str:
    """Say why an account may not sign after a change by others; empty where it may.

    What the proof resolves (the owner had it before the change), or the time, is resolved hereby.
    """
    changes = _left_by_proof(user, open_changes(user), proof, now)
    if not changes:
        return ""
    second = second_administrators(user, changes, today)
    stopped = any(change.stopped_at for change in changes)
    ends = max(waits_until(change.at) for change in changes)
    if not second and not stopped and now >= ends:
        _let_pass(user=user, pks=[change.pk for change in changes], now=now, by=None, reason="")
        return ""
    return _refusal(changes[-1], stopped=stopped, second=bool(second), ends=ends)


def _left_by_proof(
    user: User, changes: Sequence[AccountChange], proof: Proof, now: datetime
) -> list[AccountChange]:
    """The changes that the proof leaves open; what the owner had before a change resolves it."""
    since = known_since(user, proof) if changes else None
    own = [change.pk for change in changes if since is not None and since < change.at]
    if not own or not proof.holds_for(user.pk, now):
        return list(changes)
    _take_word(user=user, pks=own, now=now, by=user, reason=PROVED_AT_SIGNING)
    return [change for change in changes if change.pk not in own]


@recorded
def _let_pass(*, user: User, pks: Sequence[int], now: datetime, by: None, reason: str) -> int:
    return _resolve(_open(user).filter(pk__in=pks), Resolution.WAITED, now, None)


def _refusal(change: AccountChange, *, stopped: bool, second: bool, ends: datetime) -> str:
    words = {
        "what": str(AccountChange.KINDS[ChangeKind(change.kind)]),
        "who": change.by.get_username() if change.by else "–",
        "when": f"{change.at:%Y-%m-%d %H:%M} UTC",
        "until": f"{ends:%Y-%m-%d %H:%M} UTC",
    }
    if stopped:
        return _("The owner of this account stopped a change of it: a second administrator must confirm it.")
    said = _("Somebody else changed this account (%(what)s, by %(who)s, %(when)s).") % words
    if second:
        then = _(
            "It can sign again once you enter the former password under “Your account”, sign with a former "
            "passkey, or a second administrator confirms the change."
        )
    else:
        then = _(
            "It can sign again once you enter the former password under “Your account” or sign with a former "
            "passkey; otherwise from %(until)s on, unless its owner stops the change."
        )
    return f"{said} {then % words}"


def _open(user: User) -> QuerySet[AccountChange]:
    return AccountChange.objects.filter(user=user, resolved_at__isnull=True)


def _resolve(changes: QuerySet[AccountChange], how: Resolution, now: datetime, by: User | None) -> int:
    return changes.update(resolved_at=now, resolution=how, resolved_by=by, previous_password="")
