"""The search for a day zero, over what is on record."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from schedules.domain.readiness.day_zero_search import Ranking, Weights, rank_days, refusals_of_range
from schedules.domain.readiness.start_context import Start
from trials.domain.errors import DomainError, Refused


class RangeRefused(Refused):
    """The range cannot be searched; `fields` says what would be right."""


def ranked_days(start: Start, first: date, last: date) -> Ranking:
    """The days of a range as day zero, the best first; raises RangeRefused for a range that cannot be."""
    fields: dict[str, list[str]] = {}
    for field, message, words in refusals_of_range(first, last, start.today):
        fields.setdefault(field, []).append(_(message) % words)
    if fields:
        raise RangeRefused(fields)
    return rank_days(start, first, last, weights_in_use())


def weights_in_use() -> Weights:
    """The weights of this installation. Raises ImproperlyConfigured for a setting that cannot be."""
    try:
        return Weights.changed(settings.DAY_ZERO_WEIGHTS)
    except DomainError as error:
        raise ImproperlyConfigured(f"DAYZERO_DAY_ZERO_WEIGHTS: {error}") from error
