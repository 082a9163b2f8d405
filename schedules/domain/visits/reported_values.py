"""What an EDC reports of a visit, as text: how it is kept beside what is on record, and when both agree."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from schedules.domain.visits.values import Answer, Sampled


class ReportedField(StrEnum):
    """Which value of a visit or an anchor is reported; by an activity, a window, a test or an event its code.

    The words are stored and are those of the API.
    """

    DAY = "performed_on"
    ANCHOR = "actual_on"
    ACTIVITY = "activity"
    RESULT = "result"
    CONFIRMED = "confirmed"
    EVENT = "event"


DONE, LEFT = "done", "left"
KEPT, BROKEN = "kept", "broken"


def activity_text(answer: Answer, zone: ZoneInfo) -> str:
    """Write whether an activity was done: `done`, `done 2026-12-07T09:30:00+08:00`, `left` and why."""
    if answer.done:
        return _timed(DONE, answer.at, zone)
    return f"{LEFT} {answer.reason.strip()}".strip()


def activity_read(text: str) -> Answer:
    """Read what `activity_text` wrote."""
    word, at = _read(text)
    if word == DONE:
        return Answer(done=True, at=at)
    return Answer(done=False, reason=text.partition(" ")[2])


def result_text(sample: Sampled, zone: ZoneInfo) -> str:
    """Write a result, and the hour of its sample where it is known: `negative 2026-12-07T09:30:00+08:00`."""
    return _timed(sample.result.strip(), sample.at, zone)


def result_read(text: str) -> Sampled:
    """Read what `result_text` wrote."""
    return Sampled(*_read(text))


def values_agree(ours: str, theirs: str) -> bool:
    """Say whether two values say the same; an hour or a reason that one of them lacks decides nothing."""
    (our_word, our_hour), (their_word, their_hour) = _read(ours), _read(theirs)
    if our_hour and their_hour and our_hour != their_hour:
        return False
    ours, theirs = our_word.casefold(), their_word.casefold()
    left = {ours.partition(" ")[0], theirs.partition(" ")[0]} == {LEFT}
    return ours == theirs or (left and LEFT in (ours, theirs))


def _timed(word: str, at: datetime | None, zone: ZoneInfo) -> str:
    return f"{word} {at.astimezone(zone).isoformat()}" if at else word


def _read(text: str) -> tuple[str, datetime | None]:
    """The words of a value, and the instant at its end where it has one."""
    word, _space, last = text.rpartition(" ")
    try:
        at = datetime.fromisoformat(last)
    except ValueError:
        return text, None
    return (word, at) if word and at.tzinfo else (text, None)
