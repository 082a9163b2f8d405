"""The eligibility clock of one participant, from what is on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from participants.models import Participant
from schedules.domain.plan.values import AnchorKind
from schedules.domain.windows.eligibility import Candidate, Earliest, LastDay, earliest, last_days
from schedules.selectors.windows.verdicts import windows_of_participant
from trials.domain.errors import OffsetError
from trials.domain.protocols.protocol import Role
from trials.domain.words import Say, day_text, plain


@dataclass(frozen=True, slots=True)
class EarliestRow:
    """The earliest day for an anchor, with what sets it in words; `actual` where it has come already."""

    label: str
    found: Earliest | None
    reasons: tuple[str, ...]
    actual: date | None


@dataclass(frozen=True, slots=True)
class LastDayRow:
    """The last day on which something may be taken for the wished day, and the window that says so."""

    code: str
    window: str
    row: LastDay
    missing: tuple[str, ...]
    over: bool


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The clock: forwards for screening and infusion, backwards from a wished infusion day."""

    today: date
    earliest: Sequence[EarliestRow]
    wished: date
    last_days: Sequence[LastDayRow]


def eligibility_of(
    participant: Participant, now: datetime, wish: date | None = None, say: Say = plain
) -> Eligibility:
    """The clock of a participant at an instant, in the language of `say`.

    Without a wish it counts back from the day that is planned, or else the earliest one.
    """
    participant_windows = windows_of_participant(participant, say)
    protocol, zone = participant_windows.protocol, participant_windows.zone
    today = now.astimezone(zone).date()
    anchors = participant_windows.record.anchor_days({})
    traits = frozenset(participant.traits)
    candidate = Candidate(protocol, participant_windows.facts, zone, anchors, traits)
    asked = (
        _earliest(candidate, code, today, say)
        for code in (protocol.code_of(Role.SCREENING), protocol.day_zero)
    )
    rows = [row for row in asked if row]
    planned = participant_windows.plan.day_zero
    found = next((row.found.day for row in reversed(rows) if row.found), None)
    wished = wish or planned or found or today
    return Eligibility(today, rows, wished, _last_days(candidate, wished, today, say))


def _earliest(candidate: Candidate, code: str, today: date, say: Say) -> EarliestRow | None:
    rule = candidate.protocol.anchor_by_code.get(code)
    if rule is None:
        return None
    stands = candidate.anchors.get(code)
    if stands and stands.kind is AnchorKind.ACTUAL:
        return EarliestRow(rule.label, None, (), stands.day)
    found = earliest(candidate, code, today)
    return EarliestRow(rule.label, found, tuple(reason.text(say) for reason in found.reasons), None)


def _last_days(candidate: Candidate, wished: date, today: date, say: Say) -> list[LastDayRow]:
    labels = {window.code: window.label for window in candidate.protocol.windows}
    try:
        found = last_days(candidate, candidate.protocol.day_zero, wished)
    except OffsetError:  # a wish at the edge of the calendar
        return []
    rows = [
        LastDayRow(
            code=one.code,
            window=labels[one.window],
            row=one,
            missing=tuple(words.text(say, day_text) for words in one.missing),
            over=bool(one.day and one.day < today),
        )
        for one in found
    ]
    return sorted(rows, key=lambda row: row.row.day or date.max)
