"""The field of a day: it says the weekday of the day that it holds."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from trials.domain.words import WEEKDAYS
from trials.spoken import say


class DayInput(forms.DateInput):
    """A day, picked or typed in the browser's own order; beside it its weekday.

    The weekday is that of what the page was made with; `fields.js` keeps it right while somebody types.
    """

    input_type = "date"

    def __init__(self, name: str | None = None) -> None:
        super().__init__({"aria-label": name} if name else None, format="%Y-%m-%d")

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The input and the weekday of the day in it."""
        written = super().render(name, value, attrs, renderer)
        return format_html('{} <small class="weekday">{}</small>', written, weekday_of(value))


def weekday_of(value: Any) -> str:
    """The weekday of a day, or of its text as YYYY-MM-DD; nothing for any other text."""
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value or ""))
    except ValueError:
        return ""
    return say(WEEKDAYS[day.weekday()])
