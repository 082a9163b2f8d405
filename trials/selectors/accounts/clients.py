"""What can be read of machines that sign in by client credentials."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar

from django.db.models import F, Q, QuerySet

from trials.models import AccessToken, ApiClient, ClientSecret, Site, Trial, User
from trials.selectors.accounts.accounts import changeable_accounts
from trials.selectors.records import token_digest

Place = TypeVar("Place", Trial, Site)


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


def trial_in_scope(client: ApiClient, words: Sequence[str]) -> Trial | None:
    """The trial that a scope names as `trial:CODE` inside the client's own; the client's where none is named.

    Raises LookupError for one that does not exist, lies outside or is named beside another.
    """
    code = _named(words, "trial:")
    return _inside(client.trial, Trial.objects.filter(code=code).first()) if code else client.trial


def site_in_scope(client: ApiClient, words: Sequence[str]) -> Site | None:
    """The site that a scope names as `site:CODE`, as `trial_in_scope`."""
    code = _named(words, "site:")
    return _inside(client.site, Site.objects.filter(code=code).first()) if code else client.site


def _named(words: Sequence[str], prefix: str) -> str:
    codes = {word.removeprefix(prefix) for word in words if word.startswith(prefix)}
    if len(codes) > 1 or "" in codes:
        raise LookupError
    return next(iter(codes), "")


def _inside(bound: Place | None, found: Place | None) -> Place:
    if found is None or (bound is not None and bound != found):
        raise LookupError
    return found


def _goes_on(of: str, now: datetime) -> Q:
    return Q(**{f"{of}expires_at__isnull": True}) | Q(**{f"{of}expires_at__gt": now})


def _client_goes_on(of: str, now: datetime) -> Q:
    stands = {f"{of}ended_at__isnull": True, f"{of}user__is_active": True}
    return _goes_on(of, now) & Q(**stands)
