"""Fields that several endpoints share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers


class SiteInstant(serializers.DateTimeField):
    """An instant with the offset of the site's zone, which is `zone` of what it is read from."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> datetime | None:
        found: datetime | None = super().get_attribute(instance)
        return found and found.astimezone(instance.zone)

    def enforce_timezone(self, value: datetime) -> datetime:
        return value  # not in the server's
