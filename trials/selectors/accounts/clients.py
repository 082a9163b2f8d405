"""What can be read of machines that sign in by client credentials."""

from __future__ import annotations

import secrets
from datetime import date, datetime

from django.db.models import F, Q, QuerySet

from trials.models import AccessToken, ApiClient, ClientSecret, User
from trials.selectors.accounts.accounts import changeable_accounts
from trials.selectors.records import token_digest


def clients_administered_by(user: User, today: date) -> QuerySet[ApiClient]:
    """The clients of whose accounts everything lies where somebody administers, those in use first."""
    clients = ApiClient.objects.filter(user__in=changeable_accounts(user, today))
    return clients.select_related("user", "trial", "site").order_by(
        F("ended_at").desc(nulls_first=True), "user__username"
    )


def secrets_in_use(client: ApiClient, now: datetime) -> QuerySet[ClientSecret]:
    """The secrets that open something now, the newest first."""
    return client.secrets.filter(_goes_on("", now))


def secret_in_use(client_id: str, text: str, now: datetime) -> ClientSecret | None:
    """The secret with this text, of this client; None where either has ended or does not exist."""
    found = (
        ClientSecret.objects.select_related("client__user", "client__trial", "client__site")
        .filter(_goes_on("", now) & _client_goes_on("client__", now), digest=token_digest(text))
        .first()
    )
    known = found.client.client_id if found else ""
    return found if secrets.compare_digest(known.encode(), client_id.encode()) else None


def access_token_in_use(text: str, now: datetime) -> AccessToken | None:
    """The access token with this text, its account narrowed to its site and trial; None where it ended.

    It ends with its hour, with the secret that it was given for, and with the client.
    """
    tokens = AccessToken.objects.select_related("secret__client__user", "trial", "site").filter(
        _goes_on("secret__", now) & _client_goes_on("secret__client__", now),
        expires_at__gt=now,
        digest=token_digest(text),
    )
    token = tokens.first()
    if token:
        token.client.user.narrowed_to = (token.site_id, token.trial_id)
    return token


def _goes_on(of: str, now: datetime) -> Q:
    return Q(**{f"{of}expires_at__isnull": True}) | Q(**{f"{of}expires_at__gt": now})


def _client_goes_on(of: str, now: datetime) -> Q:
    stands = {f"{of}ended_at__isnull": True, f"{of}user__is_active": True}
    return _goes_on(of, now) & Q(**stands)
