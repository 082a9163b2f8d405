"""From what a clock on the wall shows to an instant: the one place where a day, an hour and a zone meet.

Where the clocks go forward an hour does not exist, and where they go back it comes twice. Neither is
guessed: what does not exist is refused, and what comes twice must say which it is, by its offset. Source
of the two cases: PEP 495.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from trials.domain.errors import DomainError
from trials.domain.words import mark as _

_SECOND = timedelta(seconds=1)
# At the very ends of the calendar an hour of a zone, or its instant in UTC, would be of no year at all.
_FIRST, _LAST = date.min + timedelta(days=2), date.max - timedelta(days=2)
_WITH_OFFSET = re.compile(r"(?P<hour>[0-9:.]+)\s*(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})")


class HourError(DomainError, ValueError):
    """An hour of a day is no single instant; `template` and `values` say why, in words."""

    def __init__(self, template: str, values: dict[str, str]) -> None:
        self.template, self.values = template, values
        super().__init__(template % values)


class HourMissing(HourError):
    """An hour does not exist: the clocks are put forward over it."""


class HourTwice(HourError):
    """An hour comes twice and does not say which it is; `instants` are the first and the second."""

    def __init__(self, template: str, values: dict[str, str], instants: tuple[datetime, ...]) -> None:
        self.instants = instants
        super().__init__(template, values)


class HourElsewhere(HourError):
    """An hour carries an offset that the zone does not have then."""


def instants_of(day: date, hour: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants, in order, at which the clocks of the zone show an hour of a day: 0, 1 or 2.

    Raises HourError for a day at the very end of the calendar, where a zone would lead outside it.
    """
    if not _FIRST < day < _LAST:
        message = _("%(day)s lies at the end of the calendar: enter another day.")
        raise HourError(message, {"day": str(day)})
    shown = datetime.combine(day, hour.replace(tzinfo=None, fold=0))
    found = [shown.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    real = [at for at in found if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == shown]
    same = len(real) > 1 and real[0].utcoffset() == real[1].utcoffset()
    return tuple(real[:1] if same else real)


def instant_at(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """Return the instant at which the clocks of the zone show an hour of a day.

    An hour with an offset of its own (`02:30+01:00`) says which of two it is. Raises HourMissing, HourTwice
    and HourElsewhere.
    """
    found = instants_of(day, hour, zone)
    if hour.tzinfo is not None:
        offset = hour.utcoffset()
        chosen = [at for at in found if at.utcoffset() == offset]
        if chosen:
            return chosen[0]
        if found:
            message = _("%(hour)s is no hour of %(day)s in %(zone)s: the offset there is %(offset)s.")
            words = {"hour": f"{hour:%H:%M%z}", "day": str(day), "zone": zone.key}
            raise HourElsewhere(message, {**words, "offset": " / ".join(map(offset_text, found))})
    if not found:
        before, after = _change(day, hour, zone)
        message = _(
            "%(hour)s does not exist on %(day)s: the clocks go from %(before)s to %(after)s. "
            "Enter another hour."
        )
        raise HourMissing(message, _words(day, hour, before, after))
    if len(found) > 1:
        before, after = _change(day, hour, zone)
        message = _(
            "%(hour)s comes twice on %(day)s: the clocks go from %(before)s back to %(after)s. "
            "Choose the first (%(first)s) or the second (%(second)s)."
        )
        words = {"first": offset_text(found[0]), "second": offset_text(found[1])}
        raise HourTwice(message, {**_words(day, hour, before, after), **words}, found)
    return found[0]


def instant_from(text: str, zone: ZoneInfo) -> datetime:
    """Read an ISO 8601 instant, `2026-12-07T14:00` or `2026-10-25T02:30+01:00`, as an instant in the zone.

    Without an offset the hour is that of the zone. Raises ValueError, and HourError as `instant_at`.
    """
    at = datetime.fromisoformat(text)
    return at.astimezone(zone) if at.tzinfo else instant_at(at.date(), at.time(), zone)


def later(at: datetime, length: timedelta) -> datetime:
    """Return the instant so much after another, by the same zone: Python adds by what its clocks show."""
    return (at.astimezone(UTC) + length).astimezone(at.tzinfo)


def first_shown(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day at which clocks show this hour, or where they skip it the next."""
    shown = datetime.combine(day, hour, zone)
    return shown if exists(shown) else _change(day, hour, zone)[1].replace(tzinfo=zone)


def exists(at: datetime) -> bool:
    """Whether the clocks of an instant's own zone ever show it."""
    return at.astimezone(UTC).astimezone(at.tzinfo).replace(tzinfo=None, fold=0) == at.replace(
        tzinfo=None, fold=0
    )


def refusal_of(at: datetime) -> HourError | None:
    """Return why an instant with a zone is none, if its clocks never show it."""
    if exists(at) or not isinstance(at.tzinfo, ZoneInfo):
        return None
    try:
        instant_at(at.date(), at.time(), at.tzinfo)
    except HourMissing as error:
        return error
    return None


def read_offset(text: str) -> tuple[str, timezone | None]:
    """Return an hour as it was typed without its offset, and the offset; None where it carries none."""
    found = _WITH_OFFSET.fullmatch(text.strip())
    if found is None:
        return text, None
    size = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    if size >= timedelta(hours=24):
        return text, None
    return found["hour"], timezone(-size if found["sign"] == "-" else size)


def offset_text(at: datetime) -> str:
    """Return the offset of an instant from UTC: `+02:00`."""
    return at.isoformat()[-6:] if at.utcoffset() is not None else ""


def _change(day: date, hour: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What the clocks show just before and just after the change that touches this hour."""
    shown = datetime.combine(day, hour.replace(tzinfo=None, fold=0), zone)
    early, late = sorted(shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    began = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == began:
            early = middle
        else:
            late = middle
    assert began is not None, "a zone has an offset at every instant"
    turn = late.replace(microsecond=0)
    return (turn + began).replace(tzinfo=None), turn.astimezone(zone).replace(tzinfo=None, fold=0)


def _words(day: date, hour: time, before: datetime, after: datetime) -> dict[str, str]:
    form = "%H:%M" if before.date() == after.date() else "%Y-%m-%d %H:%M"
    return {
        "hour": f"{hour:%H:%M}",
        "day": str(day),
        "before": f"{before:{form}}",
        "after": f"{after:{form}}",
    }
