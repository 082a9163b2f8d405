"""The one place where the pages read the clock."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone


def now() -> datetime:
    """This instant; read once for each request."""
    return timezone.now()


def server_day(instant: datetime) -> date:
    """The day that it is in the server's zone: the day by which roles hold."""
    return timezone.localdate(instant, timezone.get_default_timezone())


def server_zone() -> ZoneInfo:
    """The server's zone, for pages that are of no site."""
    return ZoneInfo(timezone.get_default_timezone_name())
