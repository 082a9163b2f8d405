"""How our pages write verdicts, facts and flags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from participants.domain.fact_kinds import Fact, FactKind
from participants.domain.moments import Point
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import Flag, Severity
from schedules.web.shared.record_words import flag_heading
from schedules.web.windows import fact_wording
from trials.domain.words import first_day_or_hour, last_day_or_hour
from trials.zones import zone_of

register = template.Library()


@register.filter
def verdict_word(status: VerdictStatus) -> str:
    """A verdict in a word or two."""
    return str(fact_wording.VERDICTS[status])


@register.filter
def severity_word(severity: str) -> str:
    """How grave a flag is, in a word."""
    return str(fact_wording.SEVERITIES[Severity(severity)])


@register.filter
def kind_word(kind: str) -> str:
    """A kind of fact in a word or two."""
    return str(fact_wording.KINDS[FactKind(kind)])


@register.filter
def code_words(code: str) -> str:
    """A code as it reads."""
    return fact_wording.code_words(code)


@register.filter
def details(fact: Fact) -> str:
    """What only this kind of fact says."""
    return fact_wording.fact_words(fact)


@register.filter
def first_words(fact: Fact) -> str:
    """From when a fact holds."""
    return fact_wording.span_words(fact)[0]


@register.filter
def until_words(fact: Fact) -> str:
    """Until when a fact holds; empty for a moment."""
    return fact_wording.span_words(fact)[1]


@register.filter
def moment(point: Point | None) -> SafeString | str:
    """A day with its weekday and the hour where it is known, for people and for machines."""
    if point is None:
        return "–"
    words = fact_wording.moment_words(point)
    return format_html('<time datetime="{}">{}</time>', point.isoformat(), words)


@register.filter
def begins(point: Point | None) -> SafeString | str:
    """From when something holds: an hour, or the whole day that begins where the instant is a midnight."""
    return moment(first_day_or_hour(point))


@register.filter
def latest(at: datetime) -> SafeString | str:
    """Until when something is needed: an hour, or the whole day that ends where the instant is a midnight."""
    return moment(last_day_or_hour(at))


register.filter("heading", flag_heading)


@register.filter
def since(flag: Flag, zone: object) -> datetime:
    """Since when a flag stands, in a zone."""
    return flag.raised_at.astimezone(zone)  # type: ignore[arg-type]


@register.filter
def raised_there(flag: Flag) -> datetime:
    """Since when a flag stands, by the clocks of its participant's site."""
    return flag.raised_at.astimezone(zone_of(flag.participant.site))


@register.filter
def of_key(values: Mapping[int, Any], key: int) -> Any:
    """What a mapping holds for a key; nothing where it holds none."""
    return values.get(key, ())
