"""Keys to the API for machines: shown once, kept as their SHA-256."""

from __future__ import annotations

import secrets
from datetime import date, datetime

from trials.audit.acts import recorded
from trials.models import ApiToken, User
from trials.selectors.records import token_digest

PREFIX = "dz_"
_BYTES = 32


@recorded
def issue_api_token(*, user: User, name: str, by: User | None = None) -> tuple[ApiToken, str]:
    """A new token of a user, with its text, which nobody can read again."""
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    return ApiToken.objects.create(user=user, name=name, digest=token_digest(text)), text


@recorded
def revoke_api_token(*, token: ApiToken, now: datetime, by: User | None = None) -> ApiToken:
    """Close the door to a token; one that was revoked before keeps its first moment."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now)
    token.refresh_from_db(fields=["revoked_at"])
    return token


def record_api_token_use(*, text: str, today: date) -> None:
    """Keep the day on which a token was last used; writes once a day at most."""
    tokens = ApiToken.objects.filter(digest=token_digest(text))
    tokens.exclude(last_used_on=today).update(last_used_on=today)
