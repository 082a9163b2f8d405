"""A sentence kept as its template and values, so that it can be translated where it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeGuard

from trials.domain.language import Code, Named, Text, label_of

__all__ = [
    "DAY_FORM",
    "WEEKDAYS",
    "Code",
    "Say",
    "SayPoint",
    "Value",
    "Words",
    "day_text",
    "days_words",
    "first_day_or_hour",
    "flat_brackets",
    "is_midnight",
    "iso_point",
    "last_day_or_hour",
    "listed",
    "mark",
    "page_day",
    "plain",
    "run_on",
    "written_day",
]

Say = Callable[[str], str]
SayPoint = Callable[[date | datetime, Say], str]


def mark(message: str) -> str:
    """The message as it stands, marked for translation: called `_` where templates are written."""
    return message


_ = mark

WEEKDAYS = (
    _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"),
    _("Friday"), _("Saturday"), _("Sunday"),
)  # fmt: skip


def plain(message: str) -> str:
    """The message as it stands: English."""
    return message


DAY_FORM = "day-form"
"""What `say` is asked for how days are written in sentences: as on pages where it answers `en:` or `zh:` and
today (`zh:2026-11-29`), in ISO form where it gives the question back."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HALF_A_YEAR = 183
_SHORT = 3
_WEEKDAY = re.compile("（(周.)）")


def page_day(day: date | datetime, say: Say) -> str | None:
    """A day or an instant as pages write it in sentences; None where `say` is not a page's.

    `Mon 7 Dec`, with its year beyond half a year; in Chinese `12月7日（周一）`, with its year in another one.
    An instant has its hour, and its offset only where the hour comes twice.
    """
    language, _colon, text = say(DAY_FORM).partition(":")
    if not text:
        return None
    on = day.date() if isinstance(day, datetime) else day
    written = written_day(on, date.fromisoformat(text), say, chinese=language == "zh")
    return written + _hour_text(day) if isinstance(day, datetime) else written


def written_day(day: date, today: date, say: Say, *, chinese: bool) -> str:
    """A day as pages write it in sentences, seen from today: the year only where it is not plain."""
    weekday = say(WEEKDAYS[day.weekday()])
    if chinese:
        year = "" if day.year == today.year else f"{day.year}年"
        return f"{year}{day.month}月{day.day}日（{weekday}）"
    year = f" {day.year}" if abs((day - today).days) > _HALF_A_YEAR else ""
    return f"{weekday[:_SHORT]} {day.day} {MONTHS[day.month - 1]}{year}"


def flat_brackets(text: str) -> str:
    """A sentence whose days carry no brackets of their own where they stand inside others.

    `（12月7日（周一）完成）` becomes `（12月7日 周一 完成）`; only Chinese days carry any.
    """
    if "（周" not in text:
        return text
    found, end = [], 0
    for weekday in _WEEKDAY.finditer(text):
        before = text[: weekday.start()]
        if before.count("（") > before.count("）"):
            after = text[weekday.end() : weekday.end() + 1]
            between = "" if after in "，、；）至 " else " "
            found += [text[end : weekday.start()], " ", weekday[1], between]
            end = weekday.end()
    return "".join([*found, text[end:]])


def _hour_text(at: datetime) -> str:
    twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
    return f" {at:%H:%M}" + (f" (UTC{at.isoformat()[-6:]})" if twice else "")


def day_text(day: date | datetime, say: Say = plain) -> str:
    """A day with its weekday, or an instant with its weekday, hour and zone; on pages as pages write it."""
    if written := page_day(day, say):
        return written
    weekday = say(WEEKDAYS[day.weekday()])
    if isinstance(day, datetime):
        return f"{weekday} {day.date()} {day:%H:%M} {day.isoformat()[-6:]}"
    return f"{weekday} {day}"


def iso_point(point: date | datetime, say: Say = plain) -> str:
    """A day as YYYY-MM-DD, an instant with hour, minute and the name of its offset; on pages as those do."""
    if written := page_day(point, say):
        return written
    return (
        f"{point:%Y-%m-%d %H:%M} {point.isoformat()[-6:]}"
        if isinstance(point, datetime)
        else point.isoformat()
    )


@dataclass(frozen=True, slots=True)
class Words:
    """A template with named places (`%(day)s`) and what stands in them; equal words are equal values.

    A code, and words within words, are translated with it; any other text stands as it was entered.
    """

    template: str
    values: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def of(cls, template: str, values: Mapping[str, Value] | None = None) -> Words:
        """The words of a template and the values of its places."""
        return cls(template, tuple((values or {}).items()))

    def text(self, say: Say = plain, point: SayPoint = iso_point) -> str:
        """The sentence, its template translated by `say`, its days and instants written by `point`."""
        values = {name: _said(_SPANS.get(name, _as_it_is)(value), say, point) for name, value in self.values}
        return flat_brackets(say(self.template) % values)

    def __str__(self) -> str:
        return self.text()


NEXT = _("%(one)s %(next)s")


def run_on(sentences: Iterable[str], say: Say = plain) -> str:
    """Sentences one after another, as the reader's language sets them: Chinese has no space between two."""
    between = say(NEXT) % {"one": "", "next": ""}
    return between.join(sentence for sentence in sentences if sentence)


def days_words(n: int) -> Words:
    """So many days: `1 day`, `2 days`."""
    return Words.of(_("%(n)d day") if n == 1 else _("%(n)d days"), {"n": n})


def listed(values: Iterable[Value]) -> Words:
    """Several things as one value, each said by itself, with the reader's own separator between them.

    Such a template holds nothing but places: `say` writes its commas as the language does (、).
    """
    places = {f"v{number}": value for number, value in enumerate(values)}
    return Words.of(", ".join(f"%({name})s" for name in places), places)


Value = str | int | date | datetime | Words


def _as_it_is(value: Value) -> Value:
    return value


def first_day_or_hour(value: Any) -> Any:
    """From when a span runs: a midnight is said as the day that begins with it."""
    return value.date() if is_midnight(value) else value


def last_day_or_hour(value: Any) -> Any:
    """Until when a span runs: a midnight is said as the day that ends with it."""
    return value.date() - timedelta(days=1) if is_midnight(value) else value


def is_midnight(value: object) -> TypeGuard[datetime]:
    """Whether something is an instant at which one day ends and another begins."""
    return isinstance(value, datetime) and value.time() == time()


_SPANS: Mapping[str, Callable[[Value], Value]] = {
    "starts": first_day_or_hour,
    "start": first_day_or_hour,
    "due": first_day_or_hour,
    "ends": last_day_or_hour,
}
"""The places of a template that hold an end of a span: 00:00 is read as the day before or the day after."""


def _said(value: Value, say: Say, point: SayPoint) -> str | int:
    if isinstance(value, Words):
        return value.text(say, point)
    if isinstance(value, date):
        return point(value, say)
    return say(label_of(value)) if isinstance(value, Text | Named) else value
