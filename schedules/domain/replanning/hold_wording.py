"""What the flag of a hold says, as data, so that every reader is told in their own language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from schedules.domain.replanning.hold_clock import Waiting
from trials.domain.protocols.treatment_names import capital
from trials.domain.words import Code, Value, Words, days_words
from trials.domain.words import mark as _

HOLD_FLAG = "hold"
"""The kind of flag that stands for a hold which lasts."""
BROKEN_OFF = "broken-off"
"""The evidence of a drafted hold whose block of chemotherapy was repeated: nobody waits for it any more."""


def words_of_hold(waiting: Waiting, today: date) -> tuple[Words, ...]:
    """How long the infusion has waited after chemotherapy, and by how much that is too long, on a day."""
    waits = Words.of(
        _("%(given)s began on %(began)s for the %(awaited)s on %(expected)s, which waits for %(days)s."),
        {
            "given": capital(waiting.given),
            "awaited": waiting.awaited,
            "began": waiting.began,
            "expected": waiting.expected,
            "days": days_words(waiting.days(today)),
        },
    )
    over = waiting.overrun(today)
    if not over:
        return (waits,)
    exceeded = _("The longest hold allowed is exceeded by %(days)s: %(then)s.")
    return (waits, Words.of(exceeded, {"days": days_words(over), "then": waiting.terms.then}))


def words_of_wait(waiting: Waiting) -> Words:
    """Say that the infusion day, after chemotherapy, has passed and that no other is planned."""
    template = _("Expected on %(expected)s after %(given)s from %(began)s, the %(awaited)s waits")
    return Words.of(
        template,
        {
            "given": waiting.given,
            "awaited": waiting.awaited,
            "expected": waiting.expected,
            "began": waiting.began,
        },
    )


def words_of_abandoned(said: Words, reason: str) -> Words:
    """That the infusion was given up, and why, after what was `said` of the wait."""
    return Words.of(_("%(said)s. Abandoned: %(reason)s"), {"said": said, "reason": reason})


def words_of_broken_off(
    waiting: Waiting, given: Iterable[tuple[str, date]], today: date, reason: str
) -> tuple[Words, ...]:
    """That a block of chemotherapy was begun and its infusion never followed; `given` are visits and days."""
    days: dict[str, Value] = {"given": capital(waiting.given), "awaited": waiting.awaited}
    days |= {"began": waiting.began, "expected": waiting.expected, "today": today}
    broken = _(
        "%(given)s from %(began)s was given for the %(awaited)s on %(expected)s, which never followed: the "
        "block was broken off on %(today)s and is planned again as a new one."
    )
    said = (Words.of(_("%(visit)s: %(day)s."), {"visit": Code(label), "day": day}) for label, day in given)
    why = Words.of(_("Reason given: %(reason)s"), {"reason": reason})
    return (Words.of(broken, days), *said, why)
