"""The difference between a record and its new plan, written in a constant number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter

from django.db.models import F

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.domain.plan.values import AnchorKind, Plan
from schedules.domain.reminders.rules import OF_VISITS, OF_WINDOWS
from schedules.domain.visits.bookings import needs_no_booking
from schedules.domain.visits.visit import PLAN_COLUMNS, VisitState, plan_row
from schedules.models import CalendarState, ChangeEvent, ProtocolWindow, Visit
from schedules.selectors.store.records import Record
from schedules.services.reminders.sweeping import renew_reminders
from schedules.services.store.deviation_drafts import draft_of_visits
from schedules.services.store.evaluation_marks import mark_for_evaluation
from schedules.services.store.plan_rows import WINDOW_COLUMNS, window_row
from schedules.services.store.unscheduled_names import name_added
from schedules.services.store.visit_writing import forget_preparations
from trials.domain.audit.own_reasons import PLAN_NO_LONGER_ASKS
from trials.domain.language import kept
from trials.domain.protocols.protocol import Role
from trials.services.store.loading import Row, load_rows
from trials.services.store.updating import Beside, update_rows

Planned = tuple[Record, Mapping[str, RecordedAnchor], Plan]

_RAISED = ("version", "sequence")
_CANCEL_VISIT = ("cancelled_on", "cancelled_reason", "applies")
_CANCEL_WINDOW = ("cancelled_on", "judge_at")
_MOVE_WINDOW = (*WINDOW_COLUMNS, *_CANCEL_WINDOW)
_WINDOW_ENDS = [
    (WINDOW_COLUMNS.index(f"{end}_on"), WINDOW_COLUMNS.index(f"{end}_at")) for end in ("starts", "ends")
]
_ANCHOR_KIND = PLAN_COLUMNS.index("anchor_kind")
_OPENS, _CLOSES = PLAN_COLUMNS.index("opens"), PLAN_COLUMNS.index("closes")
_DAYS = ("planned_on", "planned_at", "actual_on", "actual_at", "actual_zone")


def write_plans(plans: Sequence[Planned], now: datetime) -> None:
    """Make new plans true: anchors, visits, windows, calendar revisions, change events and reminders.

    Performed visits keep what was done and get their new window; bookings stay; visits that were
    missed or cancelled stay as they are. The caller holds the locks and the transaction.
    """
    _write_anchors(plans)
    difference = _Difference(now)
    for record, anchors, plan in plans:
        difference.add(record, plan)
        if _consents_anew(record, anchors, plan):
            difference.judged.extend(visit.pk for visit in record.visits if visit.performed_on)
    difference.write()
    added_to = [
        record.participant.pk for record, *_rest in plans if any(v.unscheduled for v in record.visits)
    ]
    name_added(added_to, now)
    people = [record.participant.pk for record, *_rest in plans]
    mark_for_evaluation(people, now)
    Participant.objects.filter(pk__in=people).update(version=F("version") + 1)


def _consents_anew(record: Record, anchors: Mapping[str, RecordedAnchor], plan: Plan) -> bool:
    """Whether the day of consent becomes another one: what was done before it is judged by that."""
    code = plan.protocol.code_of(Role.CONSENT)
    return code in anchors and anchors[code] != record.anchors.get(code)


def _write_anchors(plans: Sequence[Planned]) -> None:
    rows = [
        Anchor(
            participant=record.participant,
            code=code,
            planned_on=anchor.planned_on,
            planned_at=anchor.planned_at,
            actual_on=anchor.actual_on,
            actual_at=anchor.actual_at,
            actual_zone=anchor.actual_zone,
        )
        for record, anchors, _plan in plans
        for code, anchor in anchors.items()
        if record.anchors.get(code) != anchor
    ]
    Anchor.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["participant", "code"], update_fields=_DAYS
    )


class _Difference:
    """Collects the rows that change, over any number of participants, and writes them table by table."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.moved: list[Row] = []
        self.stood: list[Row] = []
        self.revived: list[Row] = []
        self.judged: list[int] = []
        self.agreed: list[int] = []
        self.unprepared: list[int] = []
        self.added: list[Row] = []
        self.cancelled: list[Row] = []
        self.windows_stood: list[Row] = []
        self.windows_moved: list[Row] = []
        self.windows_added: list[Row] = []
        self.windows_cancelled: list[Row] = []
        self.people: set[int] = set()
        self.events: list[Row] = []

    def add(self, record: Record, plan: Plan) -> None:
        """Take in one participant."""
        pk, zone = record.participant.pk, record.zone
        today = self.now.astimezone(zone).date()
        before = (len(self.moved), len(self.added), len(self.cancelled))
        self._add_visits(record, {v.code: plan_row(v, pk) for v in plan.visits}, today)
        if before != (len(self.moved), len(self.added), len(self.cancelled)):
            self.people.add(pk)
        windows = {w.rule.code: window_row(w, plan, pk, zone) for w in plan.windows}
        self._add_windows(record, windows, today)

    def _add_visits(self, record: Record, planned: dict[str, Row], today: date) -> None:
        for visit in record.visits:
            row = planned.pop(visit.code, None)
            if visit.unscheduled:
                continue
            self._note_prepared(record, visit, row)
            if visit.gone and row is not None:
                self._revive(visit, row, _held(record, row))
            elif (visit.live or visit.performed_on) and row != visit.planned:
                self._change(visit, row, today)
        self.added.extend((*row, record.attempt, _held(record, row)) for row in planned.values())
        # Without their ids, since COPY gives none back: who reads the feed looks at the participant.
        self.events.extend(("added", record.participant.pk, None) for _row in planned)

    def _change(self, visit: VisitState, row: Row | None, today: date) -> None:
        """What was done stays done and is judged again; what no plan asks for any more is cancelled."""
        if visit.performed_on or visit.closes < today:
            self.judged.append(visit.pk)
        if row is not None:
            self._note_agreed(visit, row)
            self.stood.append((visit.pk, *visit.planned))
            self.moved.append((visit.pk, *row))
            self.events.append(("moved", visit.participant_id, visit.pk))
        elif visit.live:
            self.cancelled.append((visit.pk, today, PLAN_NO_LONGER_ASKS, False))
            self.events.append(("cancelled", visit.participant_id, visit.pk))

    def _note_agreed(self, visit: VisitState, row: Row) -> None:
        """A booking outside the window was agreed for the window that was: another one asks again."""
        same_window = (row[_OPENS], row[_CLOSES]) == (visit.opens, visit.closes)
        if visit.live and visit.booked_on and visit.outside_reason and not same_window:
            self.agreed.append(visit.pk)

    def _note_prepared(self, record: Record, visit: VisitState, row: Row | None) -> None:
        """What was prepared for the day of a visit that comes without a booking was for that day."""
        if row is None or visit.pk not in record.prepared or not (visit.live or visit.gone):
            return
        given = needs_no_booking(visit.place, visit.timing, visit.opens, visit.closes)
        if given and visit.booked_on is None and row[_OPENS] != visit.opens:
            self.unprepared.append(visit.pk)

    def _revive(self, visit: VisitState, row: Row, held: date | None) -> None:
        """A visit that an earlier plan had withdrawn, and this one asks for again: phones know it still."""
        self.stood.append((visit.pk, *visit.planned))
        self.moved.append((visit.pk, *row))
        self.revived.append((visit.pk, None, "", True, held))
        self.events.append(("restored", visit.participant_id, visit.pk))

    def _add_windows(self, record: Record, planned: dict[str, Row], today: date) -> None:
        for window in record.windows:
            row, stood = planned.pop(window.code, None), _stored(window)
            row = row and with_days_gone_by(row, stood, self.now)
            if row is None and window.cancelled_on is None:
                self.windows_cancelled.append((window.pk, today, self.now))
            elif row is not None and (window.cancelled_on or row != stood):
                self.windows_stood.append((window.pk, *stood, window.cancelled_on, window.judge_at))
                self.windows_moved.append((window.pk, *row, None, self.now))
        self.windows_added.extend(planned.values())

    def write(self) -> None:
        """Write all of it, with one statement for each kind of change."""
        beside = Beside(raised=_RAISED, same={"changed_at": self.now})
        update_rows(Visit, *_differing(PLAN_COLUMNS, self.stood, self.moved), beside)
        update_rows(Visit, _CANCEL_VISIT, self.cancelled, beside)
        if self.agreed:
            Visit.objects.filter(pk__in=self.agreed).update(outside_reason="")
        forget_preparations(self.unprepared)
        # Without `beside`: they are among the moved as well, whose version and sequence have risen above.
        update_rows(Visit, (*_CANCEL_VISIT, "held_on"), self.revived)
        load_rows(Visit, (*PLAN_COLUMNS, "attempt", "held_on"), self.added)
        update_rows(ProtocolWindow, *_differing(_MOVE_WINDOW, self.windows_stood, self.windows_moved))
        update_rows(ProtocolWindow, _CANCEL_WINDOW, self.windows_cancelled)
        load_rows(ProtocolWindow, WINDOW_COLUMNS, self.windows_added)
        load_rows(ChangeEvent, ("kind", "participant_id", "visit_id"), self.events)
        CalendarState.objects.filter(participant__in=self.people).update(
            revision=F("revision") + 1, changed_at=self.now
        )
        # Last: both look at the rows that were written above.
        renew_reminders(self.people, now=self.now, kinds=(*OF_VISITS, *OF_WINDOWS))
        draft_of_visits(self.judged, self.now)


def with_days_gone_by(row: Row, stood: Row, now: datetime) -> Row:
    """A window's row in which an instant that is over keeps its day, though another zone reads another."""
    kept = list(row)
    for on, at in _WINDOW_ENDS:
        if row[at] and stood[at] and row[at].astimezone(UTC) == stood[at].astimezone(UTC) <= now:
            kept[on] = stood[on]
    return tuple(kept)


def _held(record: Record, row: Row) -> date | None:
    """Since when a visit waits that comes to a course on hold."""
    return None if row[_ANCHOR_KIND] == AnchorKind.ACTUAL else record.held_since


def _differing(
    columns: Sequence[str], stood: Sequence[Row], moved: Sequence[Row]
) -> tuple[list[str], list[Row]]:
    """The columns in which any of the rows differs from what stood, and the rows with those alone."""
    if not moved:
        return [], []
    pks, *new = zip(*moved, strict=True)
    _pks, *old = zip(*stood, strict=True)
    places = [place for place, (now, before) in enumerate(zip(new, old, strict=True)) if now != before]
    rows = list(zip(pks, *(new[place] for place in places), strict=True))
    return [columns[place] for place in places], rows


def _stored(window: ProtocolWindow) -> Row:
    row = list(_WINDOW_ROW(window))
    row[_WINDOW_LABEL] = kept(window.label)
    return tuple(row)


_WINDOW_ROW = attrgetter(*WINDOW_COLUMNS)
_WINDOW_LABEL = WINDOW_COLUMNS.index("label")
