"""Parameters that lists of a participant's records share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from schedules.models import EdcEnvironment
from schedules.selectors.exchange.change_feed import last_number
from schedules.selectors.exchange.odm import ExternalNames, external_names
from schedules.selectors.exchange.people import WantedPeople
from schedules.services.exchange.change_feed import feed_epoch, number_all_changes
from trials import request_clock
from trials.api.queries import ListQuery, SeveralField
from trials.api.refusals import CursorGone
from trials.keyset import ID_END
from trials.models import User

LARGEST_ID = ID_END - 1
_FEED = re.compile(r"([0-9a-f]{12})-([0-9]{1,18})")


def feed_cursor() -> str:
    """Where the feed stands now: a full read begins with it, and follows the feed from there."""
    number_all_changes()
    return f"{feed_epoch()}-{last_number()}"


def feed_place(cursor: str, epoch: str, head: int, name: str = "cursor") -> int:
    """The number in a cursor of the feed. Raises ValidationError, and CursorGone for one before a restore."""
    found = _FEED.fullmatch(cursor)
    if found is None:
        words = _("This is no cursor. Use the one of the answer before, or leave it out to begin now.")
        raise serializers.ValidationError({name: [words]}, code="invalid_cursor")
    if found[1] != epoch or int(found[2]) > head:
        raise CursorGone(
            _("The record was restored since. Read everything again, then follow the feed from there.")
        )
    return int(found[2])


class CodesField(SeveralField):
    """Codes, one for each time that the parameter is given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=64), **kwargs)


class IdsField(SeveralField):
    """Ids, one for each time that the parameter is given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID), **kwargs)


class SinceField(serializers.CharField):
    """A place in the change feed, or an instant with its offset."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            help_text="What changed since: a cursor of the change feed, which misses nothing and is quick, "
            "or an instant with its offset (`2026-12-07T14:00+08:00`), by the database's clock.",
        )

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if _FEED.fullmatch(text):
            number_all_changes()
            return feed_place(text, feed_epoch(), last_number())
        try:
            given = datetime.fromisoformat(text.replace(" ", "+"))  # a plus, not escaped
            instant = given.astimezone(UTC) if given.tzinfo else None
        except (ValueError, OverflowError):  # 0001-01-01T00:00+14:00 is before all that there is in UTC
            instant = None
        if instant is None:
            words = _(
                "%(text)s is neither a cursor of the change feed nor an instant. Write an instant like "
                "2026-12-07T14:00+08:00."
            )
            raise serializers.ValidationError(words % {"text": text})
        return instant


class PeopleQuery(ListQuery):
    """Whose rows are wanted; without any of these, of all in sight. Repeat one for several values."""

    trial = CodesField(help_text="A trial's code.")
    site = CodesField(help_text="A site's code.")
    participant = IdsField(help_text="A participant's id.")
    subject_code = CodesField(help_text="Exactly this subject code; it is known once in a trial.")

    @property
    def people(self) -> WantedPeople:
        """Whose rows are asked for."""
        return people_of(self.validated_data)


def people_of(asked: dict[str, Any], names: ExternalNames | None = None) -> WantedPeople:
    """Whose rows are asked for by these parameters, also by the names of an EDC."""
    return WantedPeople(
        trials=asked.get("trial", ()),
        sites=asked.get("site", ()),
        participants=asked.get("participant", ()),
        subject_codes=asked.get("subject_code", ()),
        further=names.people(asked["edc_subject"], asked["edc_site"]) if names else None,
    )


_BY_EDC = ("edc_environment", "edc_subject", "edc_site", "edc_event", "edc_repeat_key")


class EdcShown(serializers.Serializer):
    """Whose ids are shown under `edc`."""

    edc = serializers.CharField(
        required=False,
        max_length=40,
        help_text="The short name of an EDC, such as `rave`: its ids are shown under `edc` by its maps, of "
        "trials that have one, and `edc_…`, where there is such a parameter, reads by them.",
    )
    # Without a default of the schema, which generated clients send along: it would be refused without `edc`.
    edc_environment = serializers.ChoiceField(
        EdcEnvironment.values,
        required=False,
        help_text="Which map: training or live; live where this is not given.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        alone = [name for name in _BY_EDC if name in self.initial_data and "edc" not in attrs]
        if alone:
            words = _("Give edc as well: the short name of the EDC whose ids these are.")
            raise serializers.ValidationError({name: [words] for name in alone}, code="edc_missing")
        return attrs

    def names_for(self, user: User) -> ExternalNames | None:
        """The maps that are read by; None where no EDC is named. Raises FilterRefused."""
        given = self.validated_data
        if "edc" not in given:
            return None
        return external_names(
            user, given["edc"], given.get("edc_environment", EdcEnvironment.LIVE), request_clock.now()
        )


class EdcQuery(EdcShown):
    """By which EDC's ids is read, and whose ids are shown under `edc`."""

    edc_subject = CodesField(help_text="The EDC's name of a participant.")
    edc_site = CodesField(help_text="The EDC's id of a site.")
