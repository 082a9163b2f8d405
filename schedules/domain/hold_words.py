"""What the flag of a hold says, as data, so that every reader is told in their own language."""

from __future__ import annotations

from datetime import date

from participants.domain.words import Words, days_words
from participants.domain.words import mark as _
from schedules.domain.hold_clock import Waiting

HOLD_FLAG = "hold"
"""The kind of flag that stands for a hold which lasts."""


def words_of_hold(waiting: Waiting, today: date) -> tuple[Words, ...]:
    """How long the infusion has waited after chemotherapy, and by how much that is too long, on a day."""
    waits = Words.of(
        _("Chemotherapy began on %(began)s for an infusion on %(expected)s, which waits for %(days)s."),
        {"began": waiting.began, "expected": waiting.expected, "days": days_words(waiting.days(today))},
    )
    over = waiting.overrun(today)
    if not over:
        return (waits,)
    exceeded = _("The longest hold allowed is exceeded by %(days)s: %(then)s.")
    return (waits, Words.of(exceeded, {"days": days_words(over), "then": waiting.terms.then}))
