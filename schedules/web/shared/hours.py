"""Hours in forms, by the clocks of the site: one that does not exist is refused, of two it is asked which."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from schedules.web.shared.wording import day_words
from trials.domain.errors import Refused
from trials.domain.refusals import IMPOSSIBLE_DAY
from trials.domain.sites.plausible_days import FIRST_DAY, LAST_DAY
from trials.domain.sites.wall_clock import (
    HourError,
    HourTwice,
    instant_at,
    instants_of,
    offset_text,
    read_offset,
)

_WHICH = (
    gettext_noop("%(hour)s, the first (UTC%(offset)s)"),
    gettext_noop("%(hour)s, the second (UTC%(offset)s)"),
)


class HourInput(forms.TimeInput):
    """An hour and a minute."""

    input_type = "time"

    def __init__(self, name: str | None = None) -> None:
        super().__init__({"aria-label": name} if name else None, format="%H:%M")


class HourField(forms.TimeField):
    """An hour of the day in the field `day`; of one that comes twice also which: `02:30+01:00`."""

    def __init__(self, day: str, **kwargs: Any) -> None:
        self.day = day
        super().__init__(**{"widget": HourInput(), **kwargs})

    def to_python(self, value: Any) -> time | None:
        """The hour, with its offset where one was given."""
        typed, offset = read_offset(value) if isinstance(value, str) else (value, None)
        hour = super().to_python(typed)
        return hour.replace(tzinfo=offset) if hour and offset else hour


class MinutesField(forms.IntegerField):
    """A length in minutes. What holds where nobody enters one is assumed: `assumed` lets the page say so."""

    assumed = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 5, "max_value": 1440, **kwargs})


if TYPE_CHECKING:
    _Form = forms.Form
else:
    _Form = object


class HoursMixin(_Form):
    """A form with hours: once it knows its zone, `instants` holds that of every hour that was typed."""

    zone: ZoneInfo | None = None
    instants: dict[str, datetime]

    def hour_zone(self, name: str) -> ZoneInfo | None:
        """The zone by whose clocks the hour of a field was typed."""
        return self.zone

    def instant(self, name: str, zone: ZoneInfo) -> datetime | None:
        """The instant of a field, None where no hour was typed. Raises Refused for an hour that is none."""
        if name in self.instants:
            return self.instants[name]
        field = self.fields[name]
        assert isinstance(field, HourField), "only hours have an instant"
        day, hour = self.cleaned_data.get(field.day), self.cleaned_data.get(name)
        if not day or not hour:
            return None
        try:
            return instant_at(day, hour, zone)
        except HourError as error:
            raise Refused({name: [hour_refusal(error, day)]}) from error

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        self.refuse_years()
        self.instants = {}
        for name, field in self.fields.items():
            if isinstance(field, HourField):
                self._read_hour(name, field)

    def refuse_years(self) -> None:
        """Refuse the years that no trial has, whatever the day is of; services know the trial's own frame."""
        for name, field in self.fields.items():
            day = self.cleaned_data.get(name)
            if isinstance(field, forms.DateField) and day and not FIRST_DAY <= day <= LAST_DAY:
                message = _(IMPOSSIBLE_DAY)
                self.add_error(name, message % {"day": day, "first": FIRST_DAY, "latest": LAST_DAY})

    def _read_hour(self, name: str, field: HourField) -> None:
        day, hour = self.cleaned_data.get(field.day), self.cleaned_data.get(name)
        zone = self.hour_zone(name)
        if not day or not hour or zone is None:
            return
        try:
            found = instants_of(day, hour, zone)
            if len(found) == 1:
                hour = hour.replace(tzinfo=None)
            elif found:
                _offer(field, hour, found)
            self.instants[name] = instant_at(day, hour, zone)
        except HourError as error:
            self.add_error(name, hour_refusal(error, day))


def hour_refusal(error: HourError, day: date) -> str:
    """Why an hour of a day is no instant, in the reader's language."""
    if isinstance(error, HourTwice):
        message = _(
            "%(hour)s comes twice on %(day)s: the clocks go from %(before)s back to %(after)s. Choose which."
        )
        return message % {**error.values, "day": day_words(day)}
    return _(error.template) % {**error.values, "day": day_words(day)}


def _offer(field: HourField, hour: time, found: tuple[datetime, ...]) -> None:
    """Let the form ask which of two hours is meant."""
    shown = f"{hour:%H:%M}"
    choices = [("", _("Choose …"))]
    for words, at in zip(_WHICH, found, strict=True):
        offset = offset_text(at)
        choices.append((f"{shown}{offset}", _(words) % {"hour": shown, "offset": offset}))
    field.widget = forms.Select(attrs=field.widget.attrs, choices=choices)
