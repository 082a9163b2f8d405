"""Fields that several endpoints share."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any

from rest_framework import serializers

from participants.domain.moments import on_record


class SiteInstant(serializers.DateTimeField):
    """An instant with the offset of the site's zone, which is `zone` of what it is read from.

    `recorded` leads to the name of the zone in which it was put on record, so that the day beside an hour
    is the day of that hour, also after a transfer.
    """

    def __init__(self, recorded: str = "", **kwargs: Any) -> None:
        self.recorded = recorded
        super().__init__(allow_null=True, read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> datetime | None:
        found: datetime | None = super().get_attribute(instance)
        named = attrgetter(self.recorded)(instance) if self.recorded else ""
        return on_record(found, named, instance.zone)

    def enforce_timezone(self, value: datetime) -> datetime:
        return value  # not in the server's
