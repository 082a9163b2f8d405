"""The one place where the pages read the clock."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from trials.domain.access import RolesDay
from trials.zones import roles_day, server_zone

__all__ = ["now", "server_day", "server_zone"]


def now() -> datetime:
    """This instant; read once for each request."""
    return timezone.now()


def server_day(instant: datetime) -> RolesDay:
    """The day that it is in the server's zone; asked for roles, it knows the day of each site as well."""
    return roles_day(instant)
