"""Machines that sign in by client credentials: made with an account of their own, rotated, ended."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import AccessToken, ApiAct, ApiClient, ClientSecret, Role, Site, Trial, User
from trials.models.clients import MOST_REQUESTS
from trials.selectors.accounts.clients import secrets_in_use
from trials.selectors.records import token_digest
from trials.services.accounts.accounts import deactivate_account, open_account
from trials.services.accounts.memberships import grant_membership, withdraw_membership
from trials.spoken import require_reason

CLIENT_PREFIX, SECRET_PREFIX, TOKEN_PREFIX = "dzc_", "dzs_", "dza_"
LIFETIME = timedelta(hours=1)
LONGEST_OVERLAP = 30
"""Days for which the secret before can go on."""
# 256 random bits, which nobody tries through: a plain SHA-256 is enough to keep them by.
_BYTES = 32


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """What a client may do: where, which acts, in which language, how often, until when; None is no bound."""

    trial: Trial | None = None
    site: Site | None = None
    acts: Sequence[str] = (ApiAct.READ.value,)
    language: str = "en"
    requests_per_minute: int = 1200
    expires_at: datetime | None = None


@recorded
def open_client(
    *, name: str, terms: ClientTerms, today: date, now: datetime, by: User | None, reason: str
) -> tuple[ApiClient, str]:
    """Make a client and its account, and give its secret, which nobody can read again.

    The account looks on where the client only reads, and is a data manager where it records. Raises
    Refused for terms that cannot hold, and as `open_account` for the name.
    """
    _refuse_unfit(terms, now)
    acts = [act for act in ApiAct.values if act in terms.acts]
    user = open_account(user_name=name, name="", email="", by=by, reason=reason)
    records = set(acts) - {ApiAct.READ.value, ApiAct.WEBHOOKS.value}
    role = Role.DATA_MANAGER if records else Role.MONITOR
    grant_membership(
        user=user, role=role, starts_on=today, by=by, reason=reason, site=terms.site, trial=terms.trial
    )
    client = ApiClient.objects.create(
        client_id=CLIENT_PREFIX + secrets.token_hex(8),
        user=user,
        trial=terms.trial,
        site=terms.site,
        acts=acts,
        language=terms.language,
        requests_per_minute=terms.requests_per_minute,
        expires_at=terms.expires_at,
    )
    return client, _new_secret(client)


@recorded
def rotate_client_secret(
    *, client: ApiClient, overlap_days: int, now: datetime, by: User | None, reason: str
) -> str:
    """Give a client another secret; the one before goes on for the overlap, older ones end now.

    Raises Refused for a client that has ended, an overlap out of bounds and a reason left out.
    """
    require_reason(reason)
    client = (
        ApiClient.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .get(pk=client.pk)
    )
    if client.ended_at or (client.expires_at and client.expires_at <= now):
        raise Refused({"": [_("This client has ended. Make another one.")]})
    if not 0 <= overlap_days <= LONGEST_OVERLAP:
        words = _("The secret before can go on for 0 to %(days)d days.") % {"days": LONGEST_OVERLAP}
        raise Refused({"overlap_days": [words]})
    for place, secret in enumerate(secrets_in_use(client, now)):
        ends = now + timedelta(days=overlap_days) if place == 0 else now
        secret.expires_at = min(ends, secret.expires_at or ends)
        secret.save(update_fields=["expires_at"])
    return _new_secret(client)


@recorded
def end_client(*, client: ApiClient, now: datetime, by: User | None, reason: str) -> ApiClient:
    """End a client, its secrets, its account and its role; what it did stays. Raises Refused."""
    require_reason(reason)
    client = (
        ApiClient.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .get(pk=client.pk)
    )
    if client.ended_at:
        raise Refused({"": [_("This client has ended already.")]})
    client.ended_at = now
    client.save(update_fields=["ended_at"])
    for membership in client.user.memberships.filter(withdrawn_at__isnull=True):
        withdraw_membership(membership=membership, now=now, by=by, reason=reason)
    deactivate_account(user=client.user, by=by, reason=reason)
    return client


def lifetime_of(client: ApiClient, now: datetime) -> timedelta:
    """For how long an access token of a client holds: an hour, or less where the client ends before."""
    return min(LIFETIME, client.expires_at - now) if client.expires_at else LIFETIME


def issue_access_token(
    *, secret: ClientSecret, acts: Sequence[str], trial: Trial | None, site: Site | None, text: str,
    now: datetime, today: date,
) -> AccessToken:  # fmt: skip
    """Store an access token by its digest, delete expired ones, note when the secret was used."""
    AccessToken.objects.filter(secret__client=secret.client_id, expires_at__lte=now).delete()
    ClientSecret.objects.filter(pk=secret.pk).exclude(last_used_on=today).update(last_used_on=today)
    ApiClient.objects.filter(pk=secret.client_id).exclude(last_used_on=today).update(last_used_on=today)
    return AccessToken.objects.create(
        secret=secret,
        digest=token_digest(text),
        acts=list(acts),
        trial=trial,
        site=site,
        expires_at=now + lifetime_of(secret.client, now),
    )


def revoke_access_token(*, client: ApiClient, text: str) -> None:
    """Forget an access token of a client; one of another client stays."""
    AccessToken.objects.filter(secret__client=client, digest=token_digest(text)).delete()


def new_access_token() -> str:
    """A text that nobody can guess."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_BYTES)


def _new_secret(client: ApiClient) -> str:
    text = SECRET_PREFIX + secrets.token_urlsafe(_BYTES)
    ClientSecret.objects.create(client=client, digest=token_digest(text))
    return text


def _refuse_unfit(terms: ClientTerms, now: datetime) -> None:
    refused: dict[str, list[str]] = {}
    unknown = sorted(set(terms.acts) - set(ApiAct.values))
    if unknown or not terms.acts:
        words = _("%(given)s is no act; possible are %(possible)s.")
        given = _(", ").join(unknown) or _("none")
        refused["acts"] = [words % {"given": given, "possible": _(", ").join(ApiAct.values)}]
    elif ApiAct.MAP.value in terms.acts and terms.site:
        words = _("The map of an EDC holds for all sites. Leave the site open, or leave this out.")
        refused["acts"] = [words]
    if not 1 <= terms.requests_per_minute <= MOST_REQUESTS:
        words = _("Give a number from 1 to %(most)d.") % {"most": MOST_REQUESTS}
        refused["requests_per_minute"] = [words]
    if terms.expires_at and terms.expires_at <= now:
        refused["expires_on"] = [_("This day is over. Give a later one.")]
    if refused:
        raise Refused(refused)
