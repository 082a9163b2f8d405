"""Keys to the API for machines: shown once, kept as their SHA-256."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import ApiAct, ApiToken, Site, Trial, User
from trials.selectors.records import token_digest

PREFIX = "dz_"
LONGEST_OVERLAP = timedelta(days=30)
# 256 random bits, which nobody tries through: a plain SHA-256 is enough to keep them by.
_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenScope:
    """What a token is for: where, which acts, in which language, until when; None and "" set no bound."""

    trial: Trial | None = None
    site: Site | None = None
    acts: Sequence[str] = (ApiAct.READ.value,)
    language: str = ""
    expires_at: datetime | None = None


@recorded
def issue_api_token(
    *, user: User, name: str, scope: TokenScope | None = None, by: User | None = None
) -> tuple[ApiToken, str]:
    """Issue a token of a user, and give its text, which nobody can read again. Raises Refused for no act."""
    return _issue(user, name, scope or TokenScope())


@recorded
def rotate_api_token(
    *, token: ApiToken, overlap: timedelta, now: datetime, by: User | None = None
) -> tuple[ApiToken, str]:
    """Issue a token in place of another, which goes on for the overlap (30 days at most) and ends then.

    Raises Refused for a token that is revoked or expired, and for an overlap out of bounds.
    """
    if token.revoked_at or (token.expires_at and token.expires_at <= now):
        raise Refused({"": [_("This token is revoked or expired. Issue another one.")]})
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        words = _("The old token can go on for 0 to %(days)d days.") % {"days": LONGEST_OVERLAP.days}
        raise Refused({"overlap": [words]})
    scope = TokenScope(token.trial, token.site, token.acts, token.language, token.expires_at)
    ends = min(now + overlap, token.expires_at or now + overlap)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=ends)
    return _issue(token.user, token.name, scope, replaces=token)


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


def _issue(
    user: User, name: str, scope: TokenScope, replaces: ApiToken | None = None
) -> tuple[ApiToken, str]:
    unknown = sorted(set(scope.acts) - set(ApiAct.values))
    if unknown or not scope.acts:
        words = _("%(given)s is no act; possible are %(possible)s.")
        said = {"given": _(", ").join(unknown) or _("none"), "possible": _(", ").join(ApiAct.values)}
        raise Refused({"acts": [words % said]})
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=token_digest(text),
        trial=scope.trial,
        site=scope.site,
        acts=[act for act in ApiAct.values if act in scope.acts],
        language=scope.language,
        expires_at=scope.expires_at,
        replaces=replaces,
    )
    return token, text
