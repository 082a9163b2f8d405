"""Who may see the pages of accounts, roles and clients."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest

from trials import request_clock
from trials.domain.accounts.access import Right
from trials.models import User
from trials.selectors.records import roles_of
from trials.zones import roles_day


def administrator_of(request: HttpRequest) -> tuple[User, date]:
    """Who asks, and the day by which roles hold; for anybody who administers nothing there is no page."""
    today = roles_day(request_clock.now())
    user = request.user
    if not isinstance(user, User) or not roles_of(user, today).allows(Right.ADMINISTER):
        raise Http404
    return user, today
