"""Facts, verdicts and flags in words for a coordinator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from participants.domain.fact_kinds import BY_VALUE, Fact
from participants.domain.moments import Point
from participants.models.facts import FACT_LABELS
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import Severity
from schedules.web.shared.wording import day_words, hour_words, say, table_day_words
from trials.domain.language import readable

KINDS = FACT_LABELS
"""A kind of fact, in a word or two."""
VERDICTS = {
    VerdictStatus.VIOLATED: gettext_lazy("Violated"),
    VerdictStatus.AT_RISK: gettext_lazy("At risk"),
    VerdictStatus.CANNOT_JUDGE: gettext_lazy("Cannot be judged"),
    VerdictStatus.OPEN_AND_KEPT: gettext_lazy("Open, kept so far"),
    VerdictStatus.NOT_YET: gettext_lazy("Not yet"),
    VerdictStatus.WAIVED: gettext_lazy("Waived"),
    VerdictStatus.KEPT: gettext_lazy("Kept"),
}
"""A verdict, in a word or two."""

SEVERITIES = {
    Severity.CRITICAL: gettext_lazy("Critical"),
    Severity.WARNING: gettext_lazy("Warning"),
    Severity.NOTICE: gettext_lazy("Notice"),
}
"""How grave a flag is."""


def moment_words(point: Point | None, day: Callable[[date], str] = day_words) -> str:
    """A day with its weekday, and the hour where it is known; `day` says how a day is written there."""
    if point is None:
        return ""
    if isinstance(point, datetime):
        return f"{day(point.date())} {hour_words(point)}"
    return day(point)


def code_words(code: str) -> str:
    """A code in the reader's language where that knows it, else as it reads: without hyphens."""
    said = say(code)
    return readable(code) if said == code else said


def fact_words(fact: Fact) -> str:
    """What only this kind of fact says, besides what it is of and when."""
    words = BY_VALUE[type(fact)].says(fact)
    return words.text(say, lambda point, _say: moment_words(point)) if words else ""


def span_words(fact: Fact) -> tuple[str, str]:
    """From when and until when, as tables write days; the second empty where the fact is a moment."""
    span = BY_VALUE[type(fact)].span
    ends: date | None = getattr(fact, span.last) if span.last else None
    until = moment_words(ends, table_day_words) or (_("until further notice") if span.lasts else "")
    return moment_words(getattr(fact, span.first), table_day_words), until
