"""A visit as an entry of a phone's calendar: which days it takes, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.ical.values import CalendarEvent, EventStatus, Hours, WholeDays
from trials.domain.protocols.protocol import TimingKind
from trials.domain.words import Say, day_text, listed, plain
from trials.domain.words import mark as _

_ONLY_A_DAY = re.compile(
    r"(?:hour|day|week|month|year) (?P<number>-?\d+)|第 ?(?P<chinese>-?\d+) ?(?:小时|天|日|周|个月|月|年)",
    re.IGNORECASE,
)
"""A label that only says which day it is, as the short name does."""
_PLACES = {
    "ward": _("ward"),
    "clinic": _("clinic"),
    "phone": _("phone"),
    "home": _("home"),
}


@dataclass(frozen=True, slots=True)
class VisitNaming:
    """How a visit is called: trial and subject code, its short name (`D28`, `M3`) and its label."""

    trial: str
    subject_code: str
    mark: str
    label: str


@dataclass(frozen=True, slots=True)
class VisitTerms:
    """What the protocol asks: when, where and what; `because` says why the window is where it is."""

    timing: TimingKind
    window: VisitWindow
    tolerance_assumed: bool
    place: str
    activities: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """What is on record of a visit; *missed* is there only once a person has said so.

    `lost_day` is the booked day where it no longer fits the window, so that the booking is no
    appointment; `room` is where the booking is. Who has arrived is there: `booked` is then the day of that,
    unless it was booked for the same day. `gone_on` is the first day on which a cancelled visit is no longer
    shown.
    """

    booked: Hours | WholeDays | None = None
    lost_day: date | None = None
    room: str = ""
    performed_on: date | None = None
    missed: bool = False
    cancelled: bool = False
    held: bool = False
    arrived: bool = False
    gone_on: date | None = None

    @property
    def settled(self) -> bool:
        """Whether nobody need be reminded: it is over or on hold, or the participant is there."""
        return bool(self.performed_on or self.missed or self.cancelled or self.held or self.arrived)

    @property
    def appointment(self) -> Hours | WholeDays | None:
        """The booking, as long as it fits; what was done, missed or cancelled keeps its own."""
        return None if self.lost else self.booked

    @property
    def lost(self) -> bool:
        """Whether the visit must be booked again."""
        kept = self.performed_on or self.missed or self.cancelled or self.arrived
        return self.lost_day is not None and not kept


@dataclass(frozen=True, slots=True)
class ShownVisit:
    """Everything a calendar shows of a visit, and nothing else; `pk` is its id, which is not shown."""

    uid: str
    sequence: int
    changed_at: datetime
    naming: VisitNaming
    terms: VisitTerms
    record: VisitRecord = VisitRecord()
    url: str = ""
    pk: int = 0


def event_of(visit: ShownVisit, say: Say = plain) -> CalendarEvent:
    """Give the calendar's entry of a visit, in the language of `say`."""
    record = visit.record
    live = not (record.cancelled or record.missed or record.performed_on or record.held)
    return CalendarEvent(
        uid=visit.uid,
        sequence=visit.sequence,
        changed_at=visit.changed_at,
        when=days_of(visit.terms, record),
        title=_marked(title_of(visit.naming, visit.terms, say), record, say),
        description="\n".join(_description(visit, say)),
        status=_status(record),
        busy=live and isinstance(record.appointment, Hours),
        categories=(visit.naming.trial,),
        url=visit.url,
        location=record.room if record.appointment else "",
    )


def days_of(terms: VisitTerms, record: VisitRecord) -> WholeDays | Hours:
    """When a visit is shown: the day it was done, else its booking while that fits, else its range or target.

    The target and not the suggested day: the suggestion is the site's convenience, the target
    is what the protocol says, and both stand in the description.
    """
    if record.performed_on:
        return WholeDays(record.performed_on, record.performed_on)
    if record.appointment:
        return record.appointment
    if terms.timing is TimingKind.OVER:
        return WholeDays(terms.window.opens, terms.window.closes)
    return WholeDays(terms.window.target, terms.window.target)


def title_of(naming: VisitNaming, terms: VisitTerms, say: Say = plain) -> str:
    """Study, subject code, visit and window: `NCT07274059 S01-003 D28 ±3`."""
    parts = [naming.trial, naming.subject_code, name_of(naming), window_text(terms, say)]
    # a bracket of Chinese carries its own space
    return " ".join(part for part in parts if part).replace(" （", "（")


def name_of(naming: VisitNaming) -> str:
    """A visit's short name, with its label where that says more: `D28`, `D0 Infusion`, `Screening`."""
    says = _ONLY_A_DAY.fullmatch(naming.label)
    number = says and (says["number"] or says["chinese"])
    same = naming.mark == naming.label or number == naming.mark.lstrip("DHWMY")
    return naming.mark if same else f"{naming.mark} {naming.label}"


def window_text(terms: VisitTerms, say: Say = plain) -> str:
    """How far a visit may be from its target: `±3`, `−2/+5`; for a range its first and last day."""
    opens, target, closes = terms.window
    if terms.timing is TimingKind.WITHIN:
        return say(_("(%(opens)s to %(closes)s)")) % {"opens": opens, "closes": closes}
    if terms.timing is not TimingKind.OFFSET:
        return ""
    before, after = (target - opens).days, (closes - target).days
    return f"±{after}" if before == after else f"−{before}/+{after}"


def _status(record: VisitRecord) -> EventStatus:
    if record.cancelled:
        return EventStatus.CANCELLED
    certain = record.performed_on or record.missed or (record.appointment and not record.held)
    return EventStatus.CONFIRMED if certain else EventStatus.TENTATIVE


def _marked(title: str, record: VisitRecord, say: Say) -> str:
    """The title with what became of the visit in words, since Outlook ignores the status."""
    marks = (
        (record.performed_on is not None, _("Done: %(title)s")),
        (record.cancelled, _("Cancelled: %(title)s")),
        (record.missed, _("Missed: %(title)s")),
        (record.arrived, _("Arrived: %(title)s")),
        (record.held, _("On hold: %(title)s")),
        (record.lost, _("Book again: %(title)s")),
    )
    mark = next((mark for holds, mark in marks if holds), None)
    return say(mark) % {"title": title} if mark else title


def _description(visit: ShownVisit, say: Say) -> list[str]:
    terms = visit.terms
    opens, target, closes = terms.window
    words = {"opens": day_text(opens, say), "target": day_text(target, say), "closes": day_text(closes, say)}
    place = {"label": visit.naming.label, "place": say(_PLACES.get(terms.place, terms.place))}
    lines = [say(_("%(label)s (%(place)s)")) % place]
    lines += _about_booking(visit.record, say)
    if terms.timing in {TimingKind.OFFSET, TimingKind.WITHIN} and closes - opens > timedelta():
        lines.append(say(_("Window: %(opens)s to %(closes)s, target %(target)s.")) % words)
    elif closes > opens:
        lines.append(say(_("Days: %(opens)s to %(closes)s.")) % words)
    else:
        lines.append(say(_("Only on %(target)s.")) % words)
    if terms.tolerance_assumed:
        lines.append(say(_("The tolerance is assumed: the protocol does not state it.")))
    if terms.activities:
        lines.append(say(_("To do: %(activities)s.")) % {"activities": listed(terms.activities).text(say)})
    if terms.because:
        lines.append(terms.because)
    return lines


def _about_booking(record: VisitRecord, say: Say) -> Iterator[str]:
    """What the hours shown do not say of themselves: that they no longer hold, or end by assumption."""
    if record.lost and record.lost_day:
        words = {"day": day_text(record.lost_day, say)}
        yield say(_("Booked on %(day)s, which no longer fits. Book it again.")) % words
    elif not record.performed_on and isinstance(record.booked, Hours) and record.booked.open_ended:
        minutes = int(record.booked.usual.total_seconds() // 60)
        yield say(_("No end is booked: %(minutes)s minutes are assumed.")) % {"minutes": minutes}
