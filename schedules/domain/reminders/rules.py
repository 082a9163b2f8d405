"""The kinds of reminder: what each says, how many days before or after its day, to whom, and how.

No protocol states any of these days or recipients: every one is assumed, and a trial or a site may want
them otherwise (`schedules/domain/reminders/settings.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from enum import StrEnum

from schedules.domain.reminders.ledger import BETWEEN, CLOSING, START
from schedules.domain.reminders.people import Capacity
from trials.domain.words import mark as _

MORNING, EVENING = time(8), time(20)
"""When a message may leave at the earliest and the latest by the clock at the site; assumed."""

ESCALATES_AFTER = 2
"""After how many days without an acknowledgement somebody else is told (`people.people_to_escalate_to`):
first investigators; assumed. 0: never."""

_MINE, _OWNER, _INVESTIGATOR = Capacity.MINE, Capacity.OWNER, Capacity.INVESTIGATOR
BOTH = (_MINE, _INVESTIGATOR)


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
    %(thing)s and %(day)s. `kept` is for how many days something past is still worth a word. `urgency`
    decides which one speaks where several are due of one thing: the highest. `escalates` is after how many
    days without an acknowledgement somebody else is told (0: never).
    """

    kind: str
    label: str
    says: str
    days: tuple[int, ...] = ()
    direction: Direction = Direction.BEFORE
    to: tuple[Capacity, ...] = (_MINE,)
    kept: int = 30
    manner: Manner = Manner.DIGEST
    urgency: int = 1
    escalates: int = 0


_BEFORE, _AFTER, _NOW = Direction.BEFORE, Direction.AFTER, Direction.AT_ONCE
RULES: tuple[Rule, ...] = (
    Rule("book", _("Visit to book"), _("%(thing)s is not booked; its window opens on %(day)s."), (7,)),
    Rule("coming", _("Visit coming"), _("%(thing)s is booked for %(day)s."), (7, 3, 1)),
    Rule(
        "half",
        _("Half of the window gone"),
        _("Half of the window of %(thing)s is gone and nothing is booked; it closes on %(day)s."),
        direction=_NOW,
        urgency=3,
    ),
    Rule(
        CLOSING,
        _("Window closing soon"),
        _("The window of %(thing)s closes on %(day)s."),
        (2,),
        urgency=5,
        escalates=1,
    ),
    Rule(
        "unrecorded",
        _("Booked day over"),
        _("%(thing)s was booked for %(day)s and nothing is recorded."),
        (1,),
        _AFTER,
        urgency=4,
        escalates=ESCALATES_AFTER,
    ),
    Rule(
        "closed",
        _("Window closed, nothing recorded"),
        _("The window of %(thing)s closed on %(day)s and nothing is recorded."),
        (1,),
        _AFTER,
        urgency=6,
        escalates=ESCALATES_AFTER,
    ),
    Rule(
        "missed",
        _("Visit missed"),
        _("%(thing)s of %(day)s was recorded as missed; the deviation is not classified."),
        direction=_NOW,
        to=BOTH,
        kept=14,
        urgency=6,
    ),
    Rule(
        "screening",
        _("Screening expires"),
        _("%(thing)s counts for a start on %(day)s at the latest; after that it must be repeated."),
        (7, 2),
        urgency=5,
        escalates=ESCALATES_AFTER,
    ),
    Rule(
        "washout",
        _("Restriction begins"),
        _("%(thing)s: the last day before this applies is %(day)s."),
        (3,),
        urgency=4,
    ),
    Rule(
        "test-opens",
        _("Test window opens"),
        _("%(thing)s: the test counts from %(day)s on."),
        (1,),
        urgency=3,
    ),
    Rule(
        "test-closes",
        _("Test window closes"),
        _("%(thing)s: the last day for the test is %(day)s."),
        (1,),
        urgency=5,
        escalates=1,
    ),
    Rule(
        "at-risk",
        _("Protocol window at risk"),
        _("%(thing)s is at risk since %(day)s."),
        direction=_NOW,
        to=(_OWNER,),
        kept=14,
        urgency=4,
        escalates=ESCALATES_AFTER,
    ),
    Rule(
        "violated",
        _("Protocol window violated"),
        _("%(thing)s is violated; flagged on %(day)s."),
        direction=_NOW,
        to=(_OWNER, _INVESTIGATOR),
        kept=14,
        manner=Manner.AT_ONCE,
        urgency=7,
    ),
    Rule(
        "near-begins",
        _("Stay near the site begins"),
        _("%(thing)s begins on %(day)s."),
        (3,),
        urgency=2,
    ),
    Rule(
        "lodging",
        _("Lodging not entered"),
        _("%(thing)s begins on %(day)s and no lodging is recorded."),
        (2,),
        urgency=4,
        escalates=ESCALATES_AFTER,
    ),
    Rule("near-ends", _("Stay near the site ends"), _("%(thing)s ends on %(day)s."), (2,), urgency=2),
    Rule("stay-ends", _("Last day in hospital"), _("%(thing)s: the last day is %(day)s."), (1,), urgency=2),
    Rule(
        "hold",
        _("Hold goes on"),
        _("The infusion has been on hold since %(day)s."),
        (3,),
        _AFTER,
        BOTH,
        90,
        urgency=6,
    ),
    Rule(
        "product",
        _("Product milestone late"),
        _("%(thing)s was expected on %(day)s and is not recorded."),
        (1,),
        _AFTER,
        kept=60,
        urgency=5,
        escalates=ESCALATES_AFTER,
    ),
    Rule(
        "gate",
        _("Safety review allows the next participant"),
        _("The safety review of %(day)s allows the next participant."),
        direction=_NOW,
        to=BOTH,
        kept=7,
        urgency=3,
    ),
    Rule(
        "consent",
        _("Consent again due"),
        _("Consent to form %(thing)s is due; it is used since %(day)s."),
        direction=_NOW,
        kept=365,
        urgency=4,
        escalates=7,
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
        urgency=2,
    ),
    Rule(
        "edc-silent",
        _("Not confirmed by the EDC"),
        _("%(thing)s was done on %(day)s and the EDC has not confirmed it."),
        (7,),
        _AFTER,
        kept=60,
        urgency=2,
    ),
)
"""Every kind that a sweep writes, in the order of the page of the rules."""

BY_KIND = {rule.kind: rule for rule in RULES}
SWEPT = tuple(rule.kind for rule in RULES)
"""The kinds that one statement writes for all of them."""

OF_VISITS = ("book", "coming", "half", CLOSING, "unrecorded", "closed", "screening", "contact", "edc-silent")
"""The kinds that a change of a visit may make due, or no longer needed."""

OF_WINDOWS = ("washout", "test-opens", "test-closes", "near-begins", "lodging", "near-ends", "stay-ends")
"""The kinds that a change of a protocol window may make due, or no longer needed."""

UNTOLD = "untold"
"""The kind of reminder that tells administrators: at this site there is nobody to be told."""

KIND_LABELS = {**{rule.kind: rule.label for rule in RULES}, START: _("Start"), UNTOLD: _("Nobody to tell")}


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a thing for which a reminder is due today, both ends inside, and its step (0: the only)."""

    first: date
    last: date
    step: int = 0


def spans(
    rule: Rule, today: date, since: date | None = None, *, days: tuple[int, ...] | None = None, idle: int = 0
) -> list[Span]:
    """Give the days that a rule speaks of today.

    `days` are those that the place wants, the rule's where not given. `since` is the day on which the rule
    came to a record that was there before: what was due until then counts as said, so that the first sweep
    after an upgrade writes nothing. `idle` is how many days from tomorrow on nobody works: what would be
    due on them is due today, since afterwards it may be too late.
    """
    days = rule.days if days is None else days
    if rule.direction is Direction.BEFORE:
        return _spans_before(days, today, since, idle)
    after = days[0] if rule.direction is Direction.AFTER and days else 0
    first, last = today - timedelta(days=rule.kept + after), today - timedelta(days=after)
    if since is not None:
        first = max(first, since - timedelta(days=after) + timedelta(days=1))
    return [Span(first, last)] if first <= last else []


def _spans_before(days: tuple[int, ...], today: date, since: date | None, idle: int) -> list[Span]:
    """The days that each step of a rule speaks of ahead, the farthest first; no day stands in two steps."""
    found, nearer = [], [*days[1:], -1]
    for ahead, next_days in zip(days, nearer, strict=True):
        first = today + timedelta(days=next_days + 1 + (idle if next_days >= 0 else 0))
        if since is not None:
            first = max(first, since + timedelta(days=ahead + 1))
        found.append(Span(first, today + timedelta(days=ahead + idle), ahead if len(days) > 1 else 0))
    return [span for span in found if span.first <= span.last]


def newly_due(now: Sequence[Span], then: Sequence[Span]) -> list[Span]:
    """Give what of the days that a rule speaks of now it did not speak of then, step by step.

    Days move on: what is new lies behind the last day of then.
    """
    last = {span.step: span.last for span in then}
    found = [
        replace(span, first=max(span.first, last[span.step] + timedelta(days=1)))
        if span.step in last
        else span
        for span in now
    ]
    return [span for span in found if span.first <= span.last]


def key_of(kind: str, thing: str, day: date, step: int = 0) -> str:
    """The key of a reminder: rule, thing, day, and the step where a rule speaks more than once.

    `schedules/selectors/reminders/candidates.py` writes the same in SQL; a test holds the two together.
    """
    return BETWEEN.join([kind, thing, day.isoformat(), *([str(step)] if step else [])])


def thing_of(key: str) -> str:
    """Give what a reminder is about, by its key: a visit's uid, a window, a flag."""
    return key.split(BETWEEN)[1]


def urgency_of(kind: str) -> int:
    """Give how urgent a kind is; of a start, more than all others."""
    rule = BY_KIND.get(kind)
    return rule.urgency if rule else 9
