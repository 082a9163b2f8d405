"""How our pages write days, statuses and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.domain.plan.values import AnchorKind
from schedules.domain.visits.calendar_conflicts import Hindrance, HindranceKind
from schedules.domain.visits.status import Standing
from schedules.selectors.store.plan_rows import VisitRow
from schedules.web.shared import wording
from trials.domain.audit.own_reasons import reason_text
from trials.domain.channels.failures import failure_text

register = template.Library()
register.filter("site_name", wording.site_name)
register.filter("site_place", wording.place_words)
register.filter("trial_name", wording.trial_name)


@register.filter
def reason_words(kept: str) -> str:
    """Why something was done: as it was entered, or in the reader's language where Dayzero said it."""
    return reason_text(kept or "", wording.say)


@register.filter
def failure_words(kept: str) -> str:
    """Why a message did not leave, in the reader's language, and what its receiver said of it."""
    return failure_text(kept or "", wording.say)


@register.filter
def day(value: date | None) -> SafeString | str:
    """A day with its weekday, or that of an instant, for people and for machines."""
    if value is None:
        return "–"
    value = _local(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        WEEKDAYS[value.weekday()],
        wording.table_day_words(value),
    )


@register.filter
def day_said(value: date | None) -> SafeString | str:
    """A day with its weekday inside a sentence, for people and for machines."""
    if value is None:
        return "–"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), wording.day_words(value))


@register.filter
def stored_words(value: object) -> object:
    """A value of the trail as pages say it: a day that is kept as YYYY-MM-DD with its weekday."""
    try:
        return wording.day_words(date.fromisoformat(value)) if isinstance(value, str) else value
    except ValueError:
        return value


@register.filter
def clock_time(value: datetime) -> str:
    """An hour by the clocks of the site, or of the place where it was recorded, which is then named."""
    return wording.hour_words(value)


@register.filter
def standing_words(standing: Standing) -> str:
    """Where a visit stands, in a few words."""
    return wording.standing_words(standing)


@register.filter
def in_words(hindrance: Hindrance) -> str:
    """What stands in the way, in a few words."""
    return wording.hindrance_words(hindrance)


@register.filter
def anchor_kind(kind: AnchorKind) -> str:
    """How the day of an anchor is known, in a word."""
    return str(wording.ANCHOR_KIND[kind])


@register.filter
def short_day(value: date) -> str:
    """A day under a tick: its weekday, day and month."""
    return wording.short_day_words(value)


@register.filter
def day_plain(value: date | None) -> str:
    """A day, or that of an instant where no element may stand."""
    return wording.day_words(_local(value)) if value else ""


@register.filter
def at_plain(value: datetime | None) -> str:
    """A day and its hour, where no element may stand."""
    return f"{wording.day_words(_local(value))} {_by_its_clock(value):%H:%M}" if value else ""


@register.filter
def stamp(value: datetime) -> str:
    """An instant in a list of records: 2026-12-07 09:30."""
    return f"{_by_its_clock(value):%Y-%m-%d %H:%M}"


def _local(value: date) -> date:
    return _by_its_clock(value).date() if isinstance(value, datetime) else value


def _by_its_clock(value: datetime) -> datetime:
    """An instant by the clocks of the site for which it was read; as the database gives it, by the server's.

    Django's own filters take the server's for both, and say the hours of another one.
    """
    return timezone.localtime(value) if value.tzinfo is UTC else value


@register.filter
def paper_day(value: date) -> str:
    """A day on paper, always with its year."""
    return wording.paper_day_words(value)


@register.filter
def unbroken(words: str) -> SafeString:
    """Words that stay on one line of a card."""
    return format_html('<span class="short">{}</span>', words)


@register.simple_tag
def paper_days(first: date, last: date) -> str:
    """Days on paper, from the first to the last."""
    return wording.paper_days_words(first, last)


@register.filter
def get(found: Mapping[Any, Any], key: Any) -> Any:
    """What a mapping holds under a key; nothing where it holds nothing."""
    return found.get(key, "")


@register.filter
def shortest_day(value: date) -> str:
    """A day under a tick on a phone: its day and month."""
    return wording.shortest_day_words(value)


@register.filter
def month(value: date) -> str:
    """A month under a tick, with its year."""
    return wording.month_words(value)


@register.filter
def place(number: float | None) -> str:
    """A length or a place in a drawing, without the noise of its last digits."""
    return "" if number is None else f"{number:.1f}"


@register.filter
def settled(hindrances: Iterable[Hindrance]) -> list[Hindrance]:
    """What stands in the way of one visit; that holidays are provisional is said once, above the list."""
    return [one for one in hindrances if one.kind is not HindranceKind.PROVISIONAL]


@register.filter
def provisional_years(rows: Iterable[VisitRow]) -> list[int]:
    """The years of these visits whose official calendar is not out."""
    found = (one for row in rows for one in row.hindrances if one.kind is HindranceKind.PROVISIONAL)
    return sorted({one.day.year for one in found})
