"""The flag of a start to come: the lines of the list of readiness that say no, as soon as they do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from participants.domain.lifecycle import Phase
from schedules.domain.plan.values import AnchorKind
from schedules.domain.readiness.checklist import readiness_on
from schedules.domain.readiness.start_context import ITEM_LABELS, Answer, Line, Start, start_day
from schedules.domain.windows.flags import FlagSeverity
from trials.domain.stored_sentences import joined, labelled, told
from trials.domain.words import Code, Words
from trials.domain.words import mark as _

START_FLAG = "start"
"""The kind of flag that stands for lines of the list before a start which say no."""

AHEAD = frozenset({Phase.SCREENING, Phase.REPEATING})
"""The phases in which a start lies ahead."""

GRAVE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class StartFlag:
    """What is flagged of a start: how grave it is, the lines in words, and what they rest on.

    `lines` stands for which lines say no, whatever their words: who was told of them is not told again.
    """

    day: date
    severity: FlagSeverity
    message: str
    evidence: str
    lines: str


def start_flag(start: Start) -> StartFlag | None:
    """The flag of a start that is planned; None where no line says no, or no start lies ahead."""
    zero = start.anchors.get(start.protocol.day_zero)
    if start.person is None or start.person.phase not in AHEAD or start.begun or zero is None:
        return None
    if zero.kind is AnchorKind.ACTUAL:
        return None
    day = start_day(start.plan_with(zero.day), zero.day)
    if day < start.today:
        return None
    against = readiness_on(start, day).answering(Answer.NO)
    if not against:
        return None
    near = FlagSeverity.HIGH if day <= start.today + GRAVE else FlagSeverity.MEDIUM
    message = told(*words_of_lines(against))
    lines = " ".join(sorted(f"{line.item}:{line.of}" for line in against))
    return StartFlag(day, near, message, _digest(message), _digest(lines))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def words_of_lines(lines: Iterable[Line]) -> Iterator[Words]:
    """Lines of the list, each with what it asks."""
    for one in lines:
        why = joined(labelled(words) for words in one.why)
        yield Words.of(_("%(item)s: %(why)s"), {"item": Code(ITEM_LABELS[one.item]), "why": why})
