"""The kinds of reminder: what each says, how many days before or after its day, and to whom.

No protocol states any of these days or recipients: every one is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from schedules.domain.reminders.ledger import CLOSING, START
from trials.domain.words import mark as _

MORNING, EVENING = time(8), time(20)
"""When a message may leave at the earliest and the latest by the clock at the site; assumed."""

_COORDINATOR, _INVESTIGATOR = "coordinator", "investigator"
BOTH = (_COORDINATOR, _INVESTIGATOR)


class Direction(StrEnum):
    """On which side of the day that it is about a reminder is due."""

    BEFORE = "before"
    AFTER = "after"
    AT_ONCE = "at once"


class Manner(StrEnum):
    """How a reminder reaches somebody: by itself, in the morning with all others, or in the bell alone."""

    AT_ONCE = "at-once"
    DIGEST = "digest"
    BELL = "bell"


MANNER_LABELS = {
    Manner.AT_ONCE: _("at once"),
    Manner.DIGEST: _("in the morning, with the others of the day"),
    Manner.BELL: _("in the bell alone"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of reminder.

    `days` are the days before or after its day on which it is due, the longest first. `says` holds
    %(thing)s and %(day)s. `kept` is for how many days something past is still worth a word.
    """

    kind: str
    label: str
    says: str
    days: tuple[int, ...] = ()
    direction: Direction = Direction.BEFORE
    to: tuple[str, ...] = (_COORDINATOR,)
    kept: int = 30


_BEFORE, _AFTER, _NOW = Direction.BEFORE, Direction.AFTER, Direction.AT_ONCE
RULES: tuple[Rule, ...] = (
    Rule("book", _("Visit to book"), _("%(thing)s is not booked; its window opens on %(day)s."), (7,)),
    Rule("coming", _("Visit coming"), _("%(thing)s is booked for %(day)s."), (7, 3, 1)),
    Rule(
        "half",
        _("Half of the window gone"),
        _("Half of the window of %(thing)s is gone and nothing is booked; it closes on %(day)s."),
        direction=_NOW,
    ),
    Rule("closing", _("Window closing soon"), _("The window of %(thing)s closes on %(day)s."), (2,)),
    Rule(
        "unrecorded",
        _("Booked day over"),
        _("%(thing)s was booked for %(day)s and nothing is recorded."),
        (1,),
        _AFTER,
    ),
    Rule(
        "closed",
        _("Window closed, nothing recorded"),
        _("The window of %(thing)s closed on %(day)s and nothing is recorded."),
        (1,),
        _AFTER,
    ),
    Rule(
        "missed",
        _("Visit missed"),
        _("%(thing)s of %(day)s was recorded as missed; the deviation is not classified."),
        direction=_NOW,
        to=BOTH,
        kept=14,
    ),
    Rule(
        "washout",
        _("Washout begins"),
        _("%(thing)s: the last permitted day is the day before %(day)s."),
        (3,),
    ),
    Rule("test-opens", _("Test window opens"), _("%(thing)s: the test counts from %(day)s on."), (1,)),
    Rule("test-closes", _("Test window closes"), _("%(thing)s: the last day for the test is %(day)s."), (1,)),
    Rule(
        "at-risk",
        _("Protocol window at risk"),
        _("%(thing)s is at risk since %(day)s."),
        direction=_NOW,
        kept=14,
    ),
    Rule(
        "violated",
        _("Protocol window violated"),
        _("%(thing)s is violated; flagged on %(day)s."),
        direction=_NOW,
        to=BOTH,
        kept=14,
    ),
    Rule("near-begins", _("Stay near the site begins"), _("%(thing)s begins on %(day)s."), (3,)),
    Rule(
        "lodging",
        _("Lodging not entered"),
        _("%(thing)s begins on %(day)s and no lodging is recorded."),
        (2,),
        kept=60,
    ),
    Rule("near-ends", _("Stay near the site ends"), _("%(thing)s ends on %(day)s."), (2,)),
    Rule("stay-ends", _("Last day in hospital"), _("%(thing)s: the last day is %(day)s."), (1,)),
    Rule(
        "hold",
        _("Hold goes on"),
        _("The infusion has been on hold since %(day)s."),
        (3,),
        _AFTER,
        BOTH,
        90,
    ),
    Rule(
        "product",
        _("Product milestone late"),
        _("%(thing)s was expected on %(day)s and is not recorded."),
        (1,),
        _AFTER,
        kept=60,
    ),
    Rule(
        "gate",
        _("Safety review allows the next participant"),
        _("The safety review of %(day)s allows the next participant."),
        direction=_NOW,
        to=BOTH,
        kept=7,
    ),
    Rule(
        "consent",
        _("Consent again due"),
        _("Consent to form %(thing)s is due; it is used since %(day)s."),
        direction=_NOW,
        kept=365,
    ),
    Rule(
        "contact",
        _("Contact to confirm"),
        _("Confirm the contact before %(thing)s; its window opens on %(day)s."),
        (30,),
    ),
    Rule(
        "edc",
        _("EDC does not agree"),
        _("A difference between the EDC and Dayzero is open since %(day)s."),
        (3,),
        _AFTER,
        kept=60,
    ),
)
"""Every kind that a sweep writes, in the order of the page of the rules."""

BY_KIND = {rule.kind: rule for rule in RULES}
SWEPT = tuple(rule.kind for rule in RULES if rule.kind != CLOSING)
"""The kinds that the one statement for all of them writes; the oldest has a statement of its own."""

UNTOLD = "untold"
"""The kind of reminder that tells administrators: at this site there is nobody to be told."""

KIND_LABELS = {**{rule.kind: rule.label for rule in RULES}, START: _("Start"), UNTOLD: _("Nobody to tell")}


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a thing for which a reminder is due today, both ends inside, and its step (0: the only)."""

    first: date
    last: date
    step: int = 0


def spans(rule: Rule, today: date, since: date | None = None) -> list[Span]:
    """Give the days that a rule speaks of today.

    `since` is the day on which the rule came to a record that was there before: what was due until
    then counts as said, so that the first sweep after an upgrade writes nothing.
    """
    if rule.direction is Direction.BEFORE:
        found, nearer = [], [*rule.days[1:], -1]
        for days, next_days in zip(rule.days, nearer, strict=True):
            first = today + timedelta(days=next_days + 1)
            if since is not None:
                first = max(first, since + timedelta(days=days + 1))
            found.append(Span(first, today + timedelta(days=days), days if len(rule.days) > 1 else 0))
        return [span for span in found if span.first <= span.last]
    days = rule.days[0] if rule.direction is Direction.AFTER else 0
    first, last = today - timedelta(days=rule.kept), today - timedelta(days=days)
    if since is not None:
        first = max(first, since - timedelta(days=days) + timedelta(days=1))
    return [Span(first, last)] if first <= last else []


def say_from(now: datetime, zone: ZoneInfo) -> datetime:
    """Give the first instant from `now` on that is no quiet hour at the site, by its clock on that day."""
    local = now.astimezone(zone)
    if local.time() < MORNING:
        return datetime.combine(local.date(), MORNING, zone)
    if local.time() >= EVENING:
        return datetime.combine(local.date() + timedelta(days=1), MORNING, zone)
    return now


def key_of(kind: str, thing: str, day: date, step: int = 0) -> str:
    """The key of a reminder: rule, thing, day, and the step where a rule speaks more than once.

    `schedules/selectors/reminders/candidates.py` writes the same in SQL; a test holds the two together.
    """
    parts = [kind, thing, day.isoformat(), *([str(step)] if step else [])]
    return ":".join(parts)
