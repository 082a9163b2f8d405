"""All that one calendar shows of a visit or of a protocol window, by what its owner chose."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from schedules.domain.feeds import BOOK_AHEAD, AlarmAhead, FeedContent
from schedules.ical.values import Alarm, CalendarEvent, EventStatus, Hours, WholeDays
from schedules.ical.visit_entry import ShownVisit, event_of, title_of
from trials.domain.words import Say, day_text, plain
from trials.domain.words import mark as _

UIDS = uuid.UUID("0b4f5f1e-6d0b-4f0f-9a53-6a2a3a6d7c11")
"""The name space of the identifiers that belong to no row of their own."""

BESIDE = "bt"
"""How the keys begin of entries that stand beside a visit's own: its window, that it is to be booked."""

_EVERYTHING = FeedContent(window_bars=True, to_book=True, alarm=AlarmAhead.HOUR)
_TIMED = {AlarmAhead.HOUR: timedelta(hours=-1), AlarmAhead.DAY: timedelta(days=-1)}
_WHOLE_DAY = {AlarmAhead.HOUR: timedelta(hours=8), AlarmAhead.DAY: timedelta(hours=-15)}
"""A day without an hour begins at midnight: eight in the morning, and nine on the morning before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with its name among the participant's, and the first day on which it is no longer shown."""

    key: str
    event: CalendarEvent
    gone_on: date | None = None

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day that it takes; an hour counts by its day in UTC."""
        when = self.event.when
        if isinstance(when, WholeDays):
            return when.first, when.last
        return when.starts.date(), when.end.date()


@dataclass(frozen=True, slots=True)
class ShownWindow:
    """A protocol window as calendars show it: what must hold from a first to a last day."""

    pk: int
    changed_at: datetime
    trial: str
    subject_code: str
    label: str
    kind: str
    days: WholeDays
    assumed: bool
    sequence: int = 0
    url: str = ""


def visit_entries(visit: ShownVisit, content: FeedContent, say: Say = plain) -> Iterator[Entry]:
    """Give the entries of a visit: the visit itself, its window as a bar, that it must still be booked."""
    if not content.subject_codes:
        visit = replace(visit, naming=replace(visit.naming, subject_code=""))
    record = visit.record
    if record.cancelled and not content.keep_cancelled:
        return
    if not content.only_booked or record.booked or record.performed_on or record.arrived:
        event = event_of(visit, say)
        yield Entry(f"v{visit.pk}", replace(event, alarm=_alarm(event, visit, content)), record.gone_on)
    if content.window_bars and not record.settled and visit.terms.window.closes > visit.terms.window.opens:
        yield Entry(f"b{visit.pk}", _bar(visit, say))
    if content.to_book and not record.settled and not record.appointment:
        yield Entry(f"t{visit.pk}", _to_book(visit, say))


def all_entries(visit: ShownVisit, say: Say = plain) -> list[CalendarEvent]:
    """Give all that any calendar shows of a visit, whatever its owner chose."""
    return [entry.event for entry in visit_entries(visit, _EVERYTHING, say)]


def window_entry(window: ShownWindow, content: FeedContent, say: Say = plain) -> Entry:
    """Give the entry of a protocol window: a bar over its days, which takes up nobody's time."""
    code = window.subject_code if content.subject_codes else ""
    title = " ".join(part for part in (window.trial, code, window.label) if part)
    words = {"opens": day_text(window.days.first, say), "closes": day_text(window.days.last, say)}
    lines = [say(window.kind), say(_("Days: %(opens)s to %(closes)s.")) % words]
    if window.assumed:
        lines.append(say(_("Assumed: the protocol does not state it.")))
    event = CalendarEvent(
        uid=str(uuid.uuid5(UIDS, f"protocol window {window.pk}")),
        sequence=window.sequence,
        changed_at=window.changed_at,
        when=window.days,
        title=title,
        description="\n".join(lines),
        status=EventStatus.CONFIRMED,
        categories=(window.trial,),
        url=window.url,
    )
    return Entry(f"w{window.pk}", event)


def _alarm(event: CalendarEvent, visit: ShownVisit, content: FeedContent) -> Alarm | None:
    """Remind of a booking that still holds, and of nothing else."""
    record = visit.record
    if content.alarm is AlarmAhead.NONE or record.settled or not record.appointment:
        return None
    ahead = _TIMED if isinstance(event.when, Hours) else _WHOLE_DAY
    return Alarm(ahead[content.alarm], event.title)


def _bar(visit: ShownVisit, say: Say) -> CalendarEvent:
    opens, _target, closes = visit.terms.window
    return _beside(visit, "window", WholeDays(opens, closes), say(_("Window: %(title)s")), say)


def _to_book(visit: ShownVisit, say: Say) -> CalendarEvent:
    opens, _target, closes = visit.terms.window
    title = say(_("To book: %(title)s"))
    return _beside(visit, "to book", WholeDays(opens - BOOK_AHEAD, closes), title, say)


def _beside(visit: ShownVisit, what: str, days: WholeDays, title: str, say: Say) -> CalendarEvent:
    """Give an entry that stands beside the visit's own, with its stamp and under an identifier of its own."""
    opens, target, closes = (day_text(day, say) for day in visit.terms.window)
    window = say(_("Window: %(opens)s to %(closes)s, target %(target)s."))
    return CalendarEvent(
        uid=str(uuid.uuid5(UIDS, f"{visit.uid} {what}")),
        sequence=visit.sequence,
        changed_at=visit.changed_at,
        when=days,
        title=title % {"title": title_of(visit.naming, visit.terms, say)},
        description=window % {"opens": opens, "target": target, "closes": closes},
        status=EventStatus.TENTATIVE,
        categories=(visit.naming.trial,),
        url=visit.url,
    )
