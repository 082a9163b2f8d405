"""The search for a day zero, over what is on record."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from schedules.domain.readiness.day_zero_search import Ranking, Weights, rank_days, refusals_of_range
from schedules.domain.readiness.start_context import Start
from trials.domain.errors import DomainError, Refused
from trials.spoken import refuse


class RangeRefused(Refused):
    """The range cannot be searched; `fields` says what would be right."""


def ranked_days(start: Start, first: date, last: date) -> Ranking:
    """The days of a range as day zero, the best first; raises RangeRefused for a range that cannot be."""
    refuse(refusals_of_range(first, last, start.today), RangeRefused)
    return rank_days(start, first, last, weights_in_use())


def weights_in_use() -> Weights:
    """The weights of this installation. Raises ImproperlyConfigured for a setting that cannot be."""
    try:
        return Weights.changed(settings.DAY_ZERO_WEIGHTS)
    except DomainError as error:
        raise ImproperlyConfigured(f"DAYZERO_DAY_ZERO_WEIGHTS: {error}") from error
