"""What an EDC reports of a visit, as text: how it is kept beside what is on record, and when both agree."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from schedules.domain.visits.values import Answer, Sampled
from trials.domain.words import Words
from trials.domain.words import mark as _


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
_SAID = {DONE: _("done"), LEFT: _("not done"), KEPT: _("kept"), BROKEN: _("not kept")}
_OUTCOMES = {"missed": _("missed"), "cancelled": _("cancelled")}


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


def words_of_item(value: str) -> Words:
    """Say what was reported of an activity, a test, a window or an event, as people read it."""
    if not value:
        return Words(_("not on record"))
    word, _space, rest = value.partition(" ")
    if word == LEFT and rest:
        return Words.of(_("not done: %(reason)s"), {"reason": rest})
    said, at = Words(_SAID.get(word, "")), activity_read(value).at
    if word not in _SAID or (rest and word in (KEPT, BROKEN)):
        sample = result_read(value)
        said, at = Words.of("%(result)s", {"result": sample.result}), sample.at
    return Words.of(_("%(what)s, at %(at)s"), {"what": said, "at": at}) if at else said


def words_of_day(value: str) -> Words:
    """Say a day, an instant or an outcome that was reported as people read it; another value as it stands."""
    word, _space, day = value.partition(" ")
    try:
        if word in _OUTCOMES and day:
            what, on = Words(_OUTCOMES[word]), date.fromisoformat(day)
            return Words.of(_("%(what)s, recorded on %(day)s"), {"what": what, "day": on})
        if word in _OUTCOMES:
            return Words(_OUTCOMES[word])
        at = datetime.fromisoformat(value)
    except ValueError:
        return Words.of("%(value)s", {"value": value})
    return Words.of("%(at)s", {"at": at if at.tzinfo else at.date()})


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
