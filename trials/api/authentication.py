"""Machines sign in with a token, `Authorization: Bearer …`: an access token of OAuth, or an API token."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.cache import cache
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, Throttled
from rest_framework.request import Request

from trials import request_clock
from trials.addresses import client_address
from trials.limits import seconds_to_wait
from trials.models import AccessToken, ApiAct, ApiToken, User
from trials.selectors.accounts.clients import access_token_in_use
from trials.selectors.records import api_token_in_use, token_digest
from trials.services.accounts.clients import TOKEN_PREFIX
from trials.services.accounts.tokens import record_api_token_use

_DAY_IN_SECONDS = 24 * 3600
_PARTS = 2

# A machine that has a token never asks with a wrong one for long, and asks in pages of a hundred.
WRONG, WRONG_SECONDS = 20, 300
ASKED, ASKED_SECONDS = 1200, 60


Client = ApiToken | AccessToken
"""By what a machine signed in: it names the client, its acts and its places."""


class BearerAuthentication(BaseAuthentication):
    """The user whose token the request carries."""

    def authenticate(self, request: Request) -> tuple[User, Client] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != _PARTS:
            raise AuthenticationFailed(_("Write “Authorization: Bearer”, a space, and one token."))
        text = words[1].decode("latin-1")
        now = request_clock.now()
        if text.startswith(TOKEN_PREFIX):
            return _by_access_token(request, text)
        token = api_token_in_use(text, now)
        _limit(request, f"token:{token_digest(text)}" if token else "", ASKED)
        if token is None:
            raise AuthenticationFailed(
                _("This token is unknown or was revoked. Ask an administrator for one.")
            )
        if token.language:
            translation.activate(token.language)  # what a machine keeps does not change with a header
        _record_use(text, timezone.localdate(now))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Dayzero"'


def signed_in(request: Request) -> User:
    """The user of a request that was let in."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def client_of(request: Request) -> Client | None:
    """The token by which a machine signed in; None for a person's session."""
    return request.auth if isinstance(request.auth, ApiToken | AccessToken) else None


def _by_access_token(request: Request, text: str) -> tuple[User, AccessToken]:
    token = access_token_in_use(text, request_clock.now())
    if token is None:
        _limit(request, "", 0)
        raise AuthenticationFailed(_("This access token is unknown or has ended. Ask for another one."))
    client = token.client
    translation.activate(client.language)
    _limit(request, f"client:{client.pk}", client.requests_per_minute)
    return client.user, token


def _limit(request: Request, name: str, times: int) -> None:
    """Count what a token or a client asks; without a name what comes from an address with none."""
    now = request_clock.now()
    if name:
        wait = seconds_to_wait(name, now, times=times, seconds=ASKED_SECONDS)
    else:
        name = f"wrong-token:{client_address(request)}"
        wait = seconds_to_wait(name, now, times=WRONG, seconds=WRONG_SECONDS)
    if wait:
        raise Throttled(wait)


def _record_use(token: str, today: date) -> None:
    """Keep the day of use, and ask the database for it but once a day."""
    if cache.add(f"api-token-used:{token_digest(token)}:{today}", 1, timeout=_DAY_IN_SECONDS):
        record_api_token_use(text=token, today=today)


class BearerScheme(OpenApiAuthenticationExtension):
    """How the schema speaks of it."""

    target_class = "trials.api.authentication.BearerAuthentication"
    name = ["oauth2", "token"]

    def get_security_requirement(self, auto_schema: object) -> Any:
        return [{"oauth2": []}, {"token": []}]  # either of them

    def get_security_definition(self, auto_schema: object) -> list[Any]:
        flow = {
            "tokenUrl": "/api/v1/oauth/token",
            "scopes": {act.value: str(act.label) for act in ApiAct},
        }
        return [
            {"type": "oauth2", "flows": {"clientCredentials": flow}},
            build_bearer_security_scheme_object("Authorization", "Bearer"),
        ]
