"""What somebody wants to see in a calendar, asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.forms.boundfield import BoundField
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.domain.feeds import AlarmAhead, FeedContent
from schedules.models import AlarmChoice, CalendarFeed
from schedules.web.shared.wording import say
from trials.models import Cohort, Site, Trial
from trials.models.access import LANGUAGES

MINE = "mine"
_DAYS = (7, 28, 91, 182, 365)
_KEY_BYTES = 24
_ALL = "all"
_FLAGS = ("only_booked", "window_bars", "to_book", "protocol_windows", "keep_cancelled", "subject_codes")


def _days(chosen: str) -> int | None:
    return None if chosen == _ALL else int(chosen)


class ContentForm(forms.Form):
    """What goes into a calendar, in which language, and how far back and ahead."""

    visits = forms.ChoiceField(label=gettext_lazy("Visits"), widget=forms.RadioSelect)
    window_bars = forms.BooleanField(
        required=False,
        label=gettext_lazy("Visit windows, each as a bar over its days"),
    )
    to_book = forms.BooleanField(
        required=False,
        label=gettext_lazy("Visits still to be booked, from 14 days before their window"),
    )
    protocol_windows = forms.BooleanField(
        required=False,
        label=gettext_lazy("Protocol windows, such as the days near the site"),
    )
    keep_cancelled = forms.BooleanField(
        required=False,
        label=gettext_lazy("Keep cancelled visits for 30 days, marked as cancelled"),
    )
    subject_codes = forms.BooleanField(required=False, label=gettext_lazy("Show subject codes"))
    alarm = forms.ChoiceField(label=gettext_lazy("Alarm before a booked visit"))
    language = forms.ChoiceField(label=gettext_lazy("Language of the calendar"))
    days_back = forms.TypedChoiceField(label=gettext_lazy("How far back"), coerce=_days)
    days_ahead = forms.TypedChoiceField(label=gettext_lazy("How far ahead"), coerce=_days)
    compressed = forms.BooleanField(
        required=False,
        label=gettext_lazy("Compress the calendar"),
        help_text=gettext_lazy("Switch this off if your calendar program cannot read it (some Outlooks)."),
    )

    def __init__(self, data: Any = None, *, feed: CalendarFeed | None = None, **options: Any) -> None:
        content = feed.content if feed else FeedContent(language=get_language() or settings.LANGUAGE_CODE)
        super().__init__(
            data, initial=_initial(content, compressed=feed.compressed if feed else True), **options
        )
        self._choose("visits", [("all", _("All visits")), ("booked", _("Booked visits only"))])
        self._choose("alarm", [(one.value, one.label) for one in AlarmChoice])
        self._choose("language", LANGUAGES)
        for name in ("days_back", "days_ahead"):
            known = getattr(content, name)
            days = sorted({*_DAYS, known} - {None})
            words = [
                (str(one), ngettext("%(count)d day", "%(count)d days", one) % {"count": one}) for one in days
            ]
            self._choose(name, [(_ALL, _("without limit")), *words])

    def _choose(self, name: str, choices: Iterable[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)

    @property
    def also(self) -> list[BoundField]:
        """What may be shown beside the visits."""
        return [self[name] for name in ("window_bars", "to_book", "protocol_windows", "keep_cancelled")]

    def content(self) -> FeedContent:
        """What was chosen."""
        data = self.cleaned_data
        return FeedContent(
            language=data["language"],
            only_booked=data["visits"] == "booked",
            alarm=AlarmAhead(data["alarm"]),
            days_back=data["days_back"],
            days_ahead=data["days_ahead"],
            **{name: data[name] for name in _FLAGS if name != "only_booked"},
        )


class SubscriptionForm(ContentForm):
    """The same with what the calendar is of; it makes one address, however often it is sent."""

    of = forms.ChoiceField(label=gettext_lazy("Calendar of"))
    form_key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    field_order = ("of",)

    def __init__(
        self,
        data: Any = None,
        *,
        places: tuple[list[Site], list[Trial], list[Cohort]],
        participant: Participant | None = None,
    ) -> None:
        super().__init__(data)
        self.found: dict[str, dict[str, Any]] = {MINE: {}}
        choices: list[tuple[str, Any]] = []
        if participant:
            choices.append(self._one("participant", participant, str(participant.subject_code)))
            self.initial["of"] = choices[0][0]
        choices.append((MINE, _("All participants whom I follow")))
        sites, trials, cohorts = places
        for heading, rows in (
            (_("Site"), [self._one("site", one, f"{one.code} {one}") for one in sites]),
            (_("Trial"), [self._one("trial", one, f"{one.code} {say(one.title)}") for one in trials]),
            (
                _("Cohort"),
                [self._one("cohort", one, f"{one.trial.code} {say(one.label)}") for one in cohorts],
            ),
        ):
            if rows:
                choices.append((heading, rows))
        self._choose("of", choices)
        self.initial["form_key"] = secrets.token_urlsafe(_KEY_BYTES)

    def _one(self, kind: str, row: Any, words: str) -> tuple[str, str]:
        value = f"{kind}-{row.pk}"
        self.found[value] = {kind: row}
        return value, words

    def of_what(self) -> dict[str, Any]:
        """What the calendar is of, as `open_feed` takes it."""
        return self.found[self.cleaned_data["of"]]


def _initial(content: FeedContent, *, compressed: bool) -> dict[str, Any]:
    return {
        "visits": "booked" if content.only_booked else "all",
        "compressed": compressed,
        "alarm": content.alarm.value,
        "language": content.language,
        "days_back": _ALL if content.days_back is None else content.days_back,
        "days_ahead": _ALL if content.days_ahead is None else content.days_ahead,
        **{name: getattr(content, name) for name in _FLAGS},
    }


def content_words(content: FeedContent) -> list[str]:
    """What goes into a calendar, in a few short phrases."""
    chosen = (
        (content.only_booked, _("booked visits only")),
        (not content.only_booked, _("all visits")),
        (content.window_bars, _("visit windows as bars")),
        (content.to_book, _("visits still to be booked")),
        (content.protocol_windows, _("protocol windows")),
        (not content.keep_cancelled, _("cancelled visits hidden")),
        (not content.subject_codes, _("without subject codes")),
        (content.alarm is AlarmAhead.HOUR, _("alarm an hour before")),
        (content.alarm is AlarmAhead.DAY, _("alarm a day before")),
    )
    words = [word for holds, word in chosen if holds]
    back, ahead = content.days_back, content.days_ahead
    if back is not None:
        words.append(ngettext("%(count)d day back", "%(count)d days back", back) % {"count": back})
    if ahead is not None:
        words.append(ngettext("%(count)d day ahead", "%(count)d days ahead", ahead) % {"count": ahead})
    words.append(dict(LANGUAGES).get(content.language, content.language))
    return words
