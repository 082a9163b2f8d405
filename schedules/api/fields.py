"""Fields that several endpoints share."""

from __future__ import annotations

from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from participants.domain.moments import on_record
from trials.domain.sites.plausible_days import FIRST_DAY, LAST_DAY


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


class OptionalText(serializers.CharField):
    """A text that may be left out; an empty one says the same, since programs send what they have."""

    def __init__(self, **kwargs: Any) -> None:
        # a text left out and an empty one are the same: the columns are never NULL
        super().__init__(required=False, default="", allow_blank=True, **kwargs)


class PlausibleDay(serializers.DateField):
    """A day on which a trial may be looked at."""

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            words = _("%(day)s is not between %(first)s and %(last)s.")
            raise serializers.ValidationError(words % {"day": day, "first": FIRST_DAY, "last": LAST_DAY})
        return day
