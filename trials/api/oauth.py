"""Access tokens for client credentials (RFC 6749, 4.4), their revocation (7009) and their address (8414).

Oauthlib reads the requests and writes the answers; here is what it asks of our records. Its form of an
error is the one that OAuth's clients expect, and not ours.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe
from oauthlib.common import Request
from oauthlib.oauth2 import BackendApplicationServer, OAuth2Error, RequestValidator

from trials import request_clock
from trials.addresses import client_address
from trials.limits import seconds_to_wait
from trials.models import ApiAct, ApiClient
from trials.selectors.accounts.clients import secret_in_use, site_in_scope, trial_in_scope
from trials.services.accounts.clients import (
    issue_access_token,
    lifetime_of,
    new_access_token,
    revoke_access_token,
)
from trials.zones import roles_day

WRONG, WRONG_SECONDS = 20, 300
FORM = "application/x-www-form-urlencoded"
LARGEST = 8192
TOO_MANY, UNAUTHORIZED, NOT_ALLOWED = 429, 401, 405


class ClientCredentials(RequestValidator):
    """What oauthlib asks: whose secret this is, what it may be given, and to keep it."""

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Always: every client has a secret."""
        return True

    @sensitive_variables("text")
    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Whether the secret is one of the client's; keeps both on the request."""
        client_id, text = _credentials(request)
        found = secret_in_use(client_id, text, request_clock.now()) if client_id and text else None
        if found is None or (request.client_id and request.client_id != client_id):
            return False
        request.secret, request.client = found, found.client
        return True

    def validate_grant_type(self, *args: Any, **kwargs: Any) -> bool:
        """The server below knows no other grant."""
        return True

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        """All that the client may do."""
        return list(request.client.acts)

    def validate_scopes(
        self,
        client_id: str,
        scopes: list[str],
        client: ApiClient,
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Acts that the client has (all of them where none is named), a trial and a site inside its own."""
        places = [word for word in scopes if word.startswith(("trial:", "site:"))]
        acts = [word for word in scopes if word not in places] or list(client.acts)
        try:
            request.trial = trial_in_scope(client, places)
            request.site = site_in_scope(client, places)
        except LookupError:
            return False
        request.acts = [act for act in ApiAct.values if act in acts]
        request.scopes = [*request.acts, *places]
        return set(acts) <= set(client.acts)

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        """Keep the token that is given out."""
        now = request_clock.now()
        issue_access_token(
            secret=request.secret,
            acts=request.acts,
            trial=request.trial,
            site=request.site,
            text=token["access_token"],
            now=now,
            today=roles_day(now),
        )

    def revoke_token(
        self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        """Forget a token of this client."""
        revoke_access_token(client=request.client, text=token)


@csrf_exempt
@never_cache
def token(request: HttpRequest) -> HttpResponse:
    """POST /api/v1/oauth/token: an access token for an hour."""
    return _answer(request, "create_token_response")


@csrf_exempt
@never_cache
def revoke(request: HttpRequest) -> HttpResponse:
    """POST /api/v1/oauth/revoke: end an access token before its hour."""
    return _answer(request, "create_revocation_response")


@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    """Where a program finds the two addresses, and what it can ask for."""
    return JsonResponse(
        {
            "issuer": request.build_absolute_uri("/").rstrip("/"),
            "token_endpoint": request.build_absolute_uri(reverse("oauth-token")),
            "revocation_endpoint": request.build_absolute_uri(reverse("oauth-revoke")),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ApiAct.values,
            "service_documentation": request.build_absolute_uri(reverse("api-docs")),
        }
    )


def _answer(request: HttpRequest, act: str) -> HttpResponse:
    if request.method != "POST":
        return _refused("invalid_request", NOT_ALLOWED, {"Allow": "POST"}, "Send POST.")
    wait = _wait(request, times=None)
    if wait:
        return _refused("slow_down", TOO_MANY, {"Retry-After": str(wait)})
    server = BackendApplicationServer(
        ClientCredentials(),
        token_generator=lambda _asked: new_access_token(),
        token_expires_in=lambda asked: int(lifetime_of(asked.client, request_clock.now()).total_seconds()),
    )
    try:
        headers, body, status = getattr(server, act)(
            request.build_absolute_uri(), request.method, _form(request), dict(request.headers)
        )
    except OAuth2Error as error:
        headers, body, status = {"Content-Type": "application/json"}, error.json, error.status_code
    except ValueError as error:  # oauthlib's, for a body that is no form
        return _refused("invalid_request", 400, {}, str(error)[:200])
    if status == UNAUTHORIZED:
        _wait(request, times=WRONG)
        headers = {**headers, "WWW-Authenticate": 'Basic realm="Dayzero"'}
    return HttpResponse(body or "", status=status, headers=headers)


def _form(request: HttpRequest) -> str:
    """The body where it is a form of a fair size; raises ValueError for any other."""
    announced = request.headers.get("Content-Length", "")
    too_long = announced.isdecimal() and int(announced) > LARGEST  # nothing of it is read
    if request.content_type != FORM or too_long or len(request.body) > LARGEST:
        words = f"Send {FORM}, of at most {LARGEST} bytes."
        raise ValueError(words)
    return request.body.decode("latin-1")


def _wait(request: HttpRequest, times: int | None) -> int:
    """Count a wrong secret from an address (`times`), or look whether too many came from there."""
    name, now = f"wrong-secret:{client_address(request)}", request_clock.now()
    if times is not None:
        return seconds_to_wait(name, now, times=times, seconds=WRONG_SECONDS)
    return seconds_to_wait(name, now, times=WRONG, seconds=WRONG_SECONDS, count=False)


def _refused(code: str, status: int, headers: dict[str, str], words: str = "") -> HttpResponse:
    document = {"error": code, **({"error_description": words} if words else {})}
    return HttpResponse(json.dumps(document), status=status, content_type="application/json", headers=headers)


def _credentials(request: Request) -> tuple[str, str]:
    """The client id and the secret, from the header or from the body; empty where neither has them."""
    scheme, _space, given = str(request.headers.get("Authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return str(request.client_id or ""), str(request.client_secret or "")
    try:
        client_id, _colon, text = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(text)
