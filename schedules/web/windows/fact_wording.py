"""Facts, verdicts and flags in words for a coordinator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from participants.domain.fact_rows import FactKind, kind_of, span_fields
from participants.domain.facts import (
    Admission,
    Confirmation,
    Dose,
    Fact,
    Lodging,
    NightAway,
    TestResult,
    Waiver,
)
from participants.domain.moments import Point
from participants.models.facts import FACT_LABELS
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import Severity
from schedules.web.shared.wording import day_words, hour_words, say
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

_HOUR = timedelta(hours=1)


def moment_words(point: Point | None) -> str:
    """A day with its weekday, and the hour where it is known."""
    if point is None:
        return ""
    if isinstance(point, datetime):
        return f"{day_words(point.date())} {hour_words(point)}"
    return day_words(point)


def code_words(code: str) -> str:
    """A code in the reader's language where that knows it, else as it reads: without hyphens."""
    said = say(code)
    return readable(code) if said == code else said


def fact_words(fact: Fact) -> str:
    """What only this kind of fact says, besides what it is of and when."""
    words = _DETAILS.get(type(fact))
    return words(fact) if words else ""


def span_words(fact: Fact) -> tuple[str, str]:
    """From when and until when, in words; the second empty where the fact is a moment."""
    first, last = span_fields(kind_of(fact))
    ends: date | None = getattr(fact, last) if last else None
    lasting = kind_of(fact) is not FactKind.TEST and last is not None
    until = moment_words(ends) or (_("until further notice") if lasting else "")
    return moment_words(getattr(fact, first)), until


def _dose_words(fact: Dose) -> str:
    if fact.half_life is None:
        return fact.name
    words = {"hours": f"{fact.half_life / _HOUR:g}", "source": fact.source}
    half_life = _("half-life %(hours)s hours (%(source)s)") % words
    return f"{fact.name}, {half_life}" if fact.name else half_life


def _confirmation_words(fact: Confirmation) -> str:
    words = [_("kept") if fact.holds else _("not kept")]
    if fact.since:
        words.append(_("since %(day)s") % {"day": day_words(fact.since)})
    if fact.visit:
        words.append(_("asked at %(visit)s") % {"visit": code_words(fact.visit)})
    return _(", ").join(words)


def _admission_words(fact: Admission) -> str:
    planned = fact.planned_discharge
    return _("discharge planned for %(day)s") % {"day": day_words(planned)} if planned else ""


def _away_words(fact: NightAway) -> str:
    return "" if fact.minutes is None else _("%(minutes)d minutes away") % {"minutes": fact.minutes}


_DETAILS: Mapping[type, Callable[[Any], str]] = {
    Lodging: lambda fact: _("%(minutes)d minutes from the site") % {"minutes": fact.minutes},
    NightAway: _away_words,
    Admission: _admission_words,
    TestResult: lambda fact: _("no result yet") if fact.result is None else say(fact.result),
    Dose: _dose_words,
    Confirmation: _confirmation_words,
    Waiver: lambda fact: f"{fact.by}: {fact.reason}",
}
