"""Machines sign in with a token, `Authorization: Bearer …`."""

from __future__ import annotations

from datetime import date

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
from trials.models import ApiToken, User
from trials.selectors.records import api_token_in_use, token_digest
from trials.services.accounts.tokens import record_api_token_use

_DAY_IN_SECONDS = 24 * 3600
_PARTS = 2

# A machine that has a token never asks with a wrong one for long, and asks in pages of a hundred.
WRONG, WRONG_SECONDS = 20, 300
ASKED, ASKED_SECONDS = 1200, 60


class BearerAuthentication(BaseAuthentication):
    """The user whose token the request carries."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != _PARTS:
            raise AuthenticationFailed(_("Write “Authorization: Bearer”, a space, and one token."))
        text = words[1].decode("latin-1")
        now = request_clock.now()
        token = api_token_in_use(text, now)
        _limit(request, text, known=token is not None)
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


def client_of(request: Request) -> ApiToken | None:
    """The token by which a machine signed in; None for a person's session."""
    return request.auth if isinstance(request.auth, ApiToken) else None


def _limit(request: Request, token: str, *, known: bool) -> None:
    """Count what a token asks, and what comes from an address with tokens that are none."""
    now = request_clock.now()
    if known:
        wait = seconds_to_wait(f"token:{token_digest(token)}", now, times=ASKED, seconds=ASKED_SECONDS)
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
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return build_bearer_security_scheme_object("Authorization", "Bearer")
