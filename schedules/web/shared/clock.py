"""The one place where the pages read the clock."""

from __future__ import annotations

from datetime import datetime

from trials.domain.accounts.access import RolesDay
from trials.request_clock import now
from trials.zones import roles_day, server_zone

__all__ = ["now", "server_day", "server_zone"]


def server_day(instant: datetime) -> RolesDay:
    """The day that it is in the server's zone; asked for roles, it knows the day of each site as well."""
    return roles_day(instant)
