"""Who asks: the pages are for people who are signed in."""

from __future__ import annotations

from django.http import HttpRequest

from trials.models import User


def user_of(request: HttpRequest) -> User:
    """The person who is signed in; views ask for it behind login_required alone."""
    assert isinstance(request.user, User)
    return request.user
