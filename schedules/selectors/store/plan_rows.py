"""A plan, line by line, as a page shows it: stored, or only a preview."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from schedules.domain.plan.explanations import because_visit, because_window
from schedules.domain.plan.labels import in_language, why_closed
from schedules.domain.plan.values import PlannedVisit, PlannedWindow
from schedules.domain.visits.calendar_conflicts import Hindrance, clinic_days_left, hindrances
from schedules.domain.visits.short_names import day_range, visit_mark
from schedules.domain.visits.status import ClinicDays, Standing, WindowPosition, standing
from schedules.domain.visits.visit import VisitState
from schedules.models import WINDOW_LABELS, Visit
from schedules.selectors.store.stored_visits import lost_booking, record_of
from trials.domain.protocols.protocol import AtOffset, Over, Place, Protocol, Within
from trials.domain.protocols.terms import WindowKind
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Say, is_midnight, last_day_or_hour
from trials.selectors.records import protocol_of
from trials.spoken import say

_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Reading:
    """By what a plan is read: its protocol in the reader's language, zone, day zero, calendar and day.

    `calendar` leaves out the days on which somebody is away; `days` are those of the site alone, so that a
    page says the same of a visit as a list that a query made.
    """

    protocol: Protocol
    zone: ZoneInfo
    zero: date | None
    calendar: WorkingDays | None
    days: ClinicDays
    say: Say

    @property
    def today(self) -> date:
        """The day that it is at the site."""
        return self.days.today


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit with both axes, what is in its way, and why its date is what it is; `pk` once it is stored."""

    planned: PlannedVisit
    standing: Standing
    mark: str
    days: tuple[str, str] | None
    clinic_days: int | None
    hindrances: tuple[Hindrance, ...]
    because: str
    performed_on: date | None = None
    booked_on: date | None = None
    booking_lost: bool = False
    booking_over: bool = False
    pk: int | None = None

    @property
    def assumption(self) -> str | None:
        """What was assumed of the timing or the tolerance, in the document's words; None for nothing."""
        return assumption_of(self.planned)

    @property
    def assumed(self) -> bool:
        """Whether the timing or the tolerance is assumed."""
        return self.assumption is not None

    @property
    def label(self) -> str:
        """The visit's label, unless its mark says the same already (D28 is Day 28)."""
        label, numbers = self.planned.label, _NUMBERS.findall(self.planned.label)
        at_offset = isinstance(self.planned.rule.timing, AtOffset)
        same = label == self.mark or (at_offset and numbers == _NUMBERS.findall(self.mark))
        return "" if same and (numbers or label == self.mark) else label

    @property
    def single(self) -> bool:
        """Whether there is one due day: ranges have none."""
        return not isinstance(self.planned.rule.timing, Within | Over)

    @property
    def whole_range(self) -> bool:
        """Whether the visit lasts over its whole window."""
        return isinstance(self.planned.rule.timing, Over)

    @property
    def suggested(self) -> bool:
        """Whether the site would choose another day than the target."""
        return self.live and self.planned.suggested not in {None, self.planned.window.target}

    @property
    def live(self) -> bool:
        """Whether the visit is still to come, or to be recorded."""
        return self.standing.live


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A protocol window and why it lies where it lies; an end not known yet is None."""

    code: str
    label: str
    kind: str
    starts_on: date | None
    ends_on: date | None
    starts_at: datetime | None
    ends_at: datetime | None
    assumed: bool
    because: str

    @property
    def first_hour(self) -> datetime | None:
        """The hour at which it begins; None where that is the day's first."""
        return None if is_midnight(self.starts_at) else self.starts_at

    @property
    def last_day(self) -> date | None:
        """The last day of it: the day before where it ends at a midnight."""
        return last_day_or_hour(self.ends_at) if is_midnight(self.ends_at) else self.ends_on

    @property
    def last_hour(self) -> datetime | None:
        """The hour at which it ends; None where that is the day's last."""
        return None if is_midnight(self.ends_at) else self.ends_at

    @property
    def kind_label(self) -> str:
        """What the window asks for, in words."""
        return str(WINDOW_LABELS[WindowKind(self.kind)])

    def over(self, today: date) -> bool:
        """Whether the window has ended."""
        return self.ends_on is not None and self.ends_on < today

    def running(self, today: date) -> bool:
        """Whether the window has begun and not ended."""
        return self.starts_on is not None and self.starts_on <= today and not self.over(today)


def assumption_of(visit: PlannedVisit) -> str | None:
    """What was assumed of a visit's timing, tolerance or base, in the document's words; None for nothing."""
    timing, rule = visit.rule.timing, visit.rule
    bases = (rule.basis, timing.tolerance.basis) if isinstance(timing, AtOffset) else (rule.basis,)
    notes = list(dict.fromkeys(basis.note for basis in bases if basis.assumed))
    return say("; ").join(say(note) for note in notes if note) if notes or visit.base.assumed else None


def stored_row(visit: Visit, planned: PlannedVisit, reading: Reading) -> VisitRow:
    """The line of a stored visit, with its booking and whether that still fits."""
    row = visit_row(planned, record_of(visit), reading)
    past = visit.booked_on is not None and visit.booked_on < reading.today and row.live
    return replace(row, pk=visit.pk, booking_lost=lost_booking(visit), booking_over=past)


def visit_row(planned: PlannedVisit, record: VisitState, reading: Reading) -> VisitRow:
    """The line of one visit."""
    reason = why_closed(reading.calendar, planned.window.target, reading.say)
    passed = planned.suggested is not None and planned.suggested < reading.today
    rule = planned.rule
    planned = planned._replace(
        rule=rule
        if rule.code in reading.protocol.visit_by_code
        else replace(rule, label=reading.say(rule.label)),
        why_shifted=reason or planned.why_shifted,
        suggested=None if passed else planned.suggested,
    )
    now = standing(record, reading.days)
    window, place, calendar, today = planned.window, planned.rule.place, reading.calendar, reading.today
    counts = now.live and now.window is not WindowPosition.CLOSED
    return VisitRow(
        planned=planned,
        standing=now,
        mark=visit_mark(reading.protocol, planned, reading.zero),
        days=day_range(reading.protocol, planned, reading.zero),
        clinic_days=clinic_days_left(window, Place(place), calendar, today) if counts else None,
        hindrances=hindrances(window, Place(place), calendar, today, record.booked_on) if now.live else (),
        because=because_visit(reading.protocol, planned, reading.say),
        performed_on=record.performed_on,
        booked_on=record.booked_on,
    )


def reading_of(visit: Visit, reading: Reading) -> Reading:
    """By what a stored visit is read: one that was done by the protocol version then in force."""
    if visit.done_under is None:
        return reading
    return replace(reading, protocol=in_language(protocol_of(visit.done_under), reading.say))


def window_row(planned: PlannedWindow, reading: Reading) -> WindowRow:
    """The line of one protocol window."""
    starts_on, starts_at = _on_and_at(planned.starts, reading.zone)
    ends_on, ends_at = _on_and_at(planned.ends, reading.zone)
    rule = planned.rule
    because = because_window(reading.protocol, planned, reading.say)
    ends = (starts_on, ends_on, starts_at, ends_at)
    return WindowRow(rule.code, rule.label, rule.kind.value, *ends, planned.assumed, because)


def planned_rows(visits: Iterable[PlannedVisit], reading: Reading) -> list[VisitRow]:
    """The lines of visits of which nothing is on record yet, by the reading's protocol."""
    rules = reading.protocol.visit_by_code
    spoken = (visit._replace(rule=rules[visit.rule.code]) for visit in visits)
    return [visit_row(visit, VisitState.of_plan(visit), reading) for visit in spoken]


def planned_window_rows(windows: Iterable[PlannedWindow], reading: Reading) -> list[WindowRow]:
    """The lines of protocol windows that are not stored yet, by the reading's protocol."""
    rules = {rule.code: rule for rule in reading.protocol.windows}
    return [window_row(replace(window, rule=rules[window.rule.code]), reading) for window in windows]


def _on_and_at(point: date | datetime | None, zone: ZoneInfo) -> tuple[date | None, datetime | None]:
    if isinstance(point, datetime):
        local = point.astimezone(zone)
        return local.date(), local
    return point, None
