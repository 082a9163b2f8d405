"""Visits as a calendar file, once: for anyone who has no subscription."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from schedules.domain.feeds import FeedContent
from schedules.ical.render import END, event_bytes, head_bytes
from schedules.ical.values import CalendarHead
from schedules.selectors.feeds.content import zone_of_file
from schedules.services.feeds.rendering import EntryRequest, visits_as_entries


def file_of(*, visits: Collection[int], links: str, language: str, now: datetime) -> bytes:
    """Give these visits (ids) as a calendar, as a subscription would show them on this day.

    `links` is the address of a participant's page with `{}` for the id. A constant number of queries.
    """
    zone = zone_of_file(visits)
    request = EntryRequest(FeedContent(language=language), links, now.astimezone(zone).date(), now)
    entries = visits_as_entries(visits, request)
    head = CalendarHead("Dayzero", zone.key)
    return b"".join([head_bytes(head), *(event_bytes(entry.event) for entry in entries), END])
