"""The life of a visit, as people report it: booked, done, missed, cancelled, and each of it undone.

Every service takes the version of the visit that was shown. Anyone who was slower gets Stale, and
nothing is lost; what the record forbids raises VisitRefused, which says by field what would be right.
"""

from __future__ import annotations

from datetime import date, datetime

from participants.domain.lifecycle import Step
from participants.models import CourseStep
from schedules.domain.errors import VisitRefused
from schedules.domain.visits.allowed_actions import (
    after_end,
    questions_of_missing,
    refusals_of_action,
    refusals_of_booking,
    refusals_of_completion,
    refusals_of_missing,
    refusals_of_reason,
    refusals_of_undoing,
)
from schedules.domain.visits.order import anchors_set_by, refusals_of_day
from schedules.domain.visits.values import Booking, Completion, History, VisitAction
from schedules.domain.visits.visit import VisitState
from schedules.models import Visit, VisitActivity
from schedules.selectors.store.changes import Stood, entry_of_creation, stood_before
from schedules.selectors.store.course import (
    CourseState,
    clock_at,
    ending_step,
    history_of,
    standing_of,
    visit_under,
)
from schedules.services.store.deviation_drafts import draft_of_visits
from schedules.services.store.visit_writing import (
    NO_BOOKING,
    NOT_ARRIVED,
    Value,
    asking,
    cancelled_with,
    forget_preparations,
    lock_visit,
    write_visit,
)
from schedules.services.visits.clashing import refusals_of_clashes
from schedules.services.visits.completion import (
    confirm_windows,
    follow_booking,
    follow_completion,
    refuse_orphans,
    refuse_other_day,
    require_confirmed_preview,
    withdraw_anchors,
    withdraw_confirmed,
    write_activities,
)
from trials.audit.acts import recorded
from trials.models import User
from trials.selectors.records import protocol_of
from trials.spoken import refuse
from trials.zones import zone_of

_NOTHING_RECORDED: dict[str, Value] = {
    "performed_on": None,
    "performed_at": None,
    "performed_zone": "",
    "missed_on": None,
    "missed_reason": "",
}
_NOT_CANCELLED: dict[str, Value] = {
    "cancelled_on": None,
    "cancelled_by_id": None,
    "cancelled_reason": "",
    "applies": True,
}


@recorded
def book_visit(
    *, visit: Visit, version: int, booking: Booking, by: User | None, reason: str = "", now: datetime
) -> Visit:
    """Give a visit a day, or another one; outside its window, and in place of another booking, with a reason.

    The window of a visit that the protocol did not ask for goes where it is booked. What clashes with
    it is refused in the field `anyway`, unless `booking.anyway` is set and a reason given. Raises
    VisitRefused, and Stale unless the visit is in this version.
    """
    visit = lock_visit(visit.pk, visit.participant_id, version)
    standing = standing_of(visit.participant)
    state, clock = visit_under(visit, standing.protocol), clock_at(visit.participant.site, now)
    refuse(refusals_of_action(state, VisitAction.BOOK), VisitRefused)
    refuse(
        [
            *refusals_of_booking(state, booking, history_of(visit, standing), clock, reason),
            *refusals_of_clashes(visit, booking, reason),
        ],
        VisitRefused,
    )
    values: dict[str, Value] = {
        "booked_on": booking.on,
        "booked_start": booking.start,
        "booked_end": booking.end,
        "booked_zone": zone_of(visit.participant.site).key if booking.start else "",
        "booked_place": booking.place.strip(),
        "booked_resource_id": booking.resource,
        "booked_staff_id": booking.staff,
        "outside_reason": "" if state.free or state.window.holds(booking.on) else reason.strip(),
    }
    if visit.arrived_on not in (None, booking.on):  # the person comes again
        values |= NOT_ARRIVED
    if visit.booked_on not in (None, booking.on):
        forget_preparations([visit.pk])
    write_visit(visit, "booked", now, **values, **(_window_on(booking.on) if state.free else {}))
    follow_booking(visit, state, standing.protocol, by=by, now=now)
    return visit


@recorded
def unbook_visit(*, visit: Visit, version: int, by: User | None, reason: str, now: datetime) -> Visit:
    """Give a booking up, with a reason. Raises VisitRefused and Stale."""
    visit = _locked_for(visit, version, VisitAction.UNBOOK)
    refuse(refusals_of_reason(reason), VisitRefused)
    forget_preparations([visit.pk])
    write_visit(visit, "unbooked", now, **NO_BOOKING)
    follow_booking(visit, _state(visit), protocol_of(visit.participant.protocol_version), by=by, now=now)
    return visit


@recorded
def record_arrival(*, visit: Visit, version: int, by: User | None, reason: str = "", now: datetime) -> Visit:
    """Put on record that the participant has come for a visit, today at this hour.

    Raises VisitRefused for a visit that is ended or whose arrival stands already, and Stale.
    """
    visit = _locked_for(visit, version, VisitAction.ARRIVE)
    site = visit.participant.site
    day, zone = clock_at(site, now).today, zone_of(site).key
    write_visit(visit, "arrived", now, arrived_on=day, arrived_at=now, arrived_zone=zone)
    return visit


@recorded
def withdraw_arrival(*, visit: Visit, version: int, by: User | None, reason: str, now: datetime) -> Visit:
    """Take back that the participant has come: a correction, with a reason. Raises VisitRefused and Stale."""
    visit = _locked_for(visit, version, VisitAction.UNDO_ARRIVAL)
    refuse(refusals_of_reason(reason), VisitRefused)
    write_visit(visit, "not-arrived", now, **NOT_ARRIVED)
    return visit


@recorded
def complete_visit(
    *, visit: Visit, version: int, completion: Completion, by: User | None, reason: str = "", now: datetime
) -> Visit:
    """Put on record that a visit was done, with its activities; outside its window with a reason.

    Doing the infusion or the first chemotherapy sets that anchor's actual day, and the calendar
    that hangs on it is planned again in the same transaction. Raises VisitRefused for the future, an
    infusion before consent, days that run backwards and activities without an answer, and, with a
    preview of what follows, for what departs from the protocol while nobody says why; Stale.
    """
    visit = lock_visit(visit.pk, visit.participant_id, version)
    standing = standing_of(visit.participant)
    protocol, clock = standing.protocol, clock_at(visit.participant.site, now)
    state = visit_under(visit, protocol)
    refuse(refusals_of_action(state, VisitAction.COMPLETE), VisitRefused)
    history = history_of(visit, standing)
    refusals = list(refusals_of_completion(state, completion, history, clock))
    asked = [refusal for refusal in refusals if refusal.field == "outside_reason"]
    # What cannot be is refused at once; what only wants a reason is asked below, with what moves with it.
    refuse(refusals if len(asked) < len(refusals) else (), VisitRefused)
    refuse_other_day(state, completion.on, protocol, visit.participant_id)
    values: dict[str, Value] = {
        "performed_on": completion.on,
        "performed_at": completion.at,
        "performed_zone": _zone_of_record(visit, completion),
        "outside_reason": completion.outside_reason.strip() if _asks_why(state, completion, history) else "",
        # Also while the course is on hold: what was done waits for nothing.
        "held_on": None,
        **(_NOT_CANCELLED if state.by_course else {}),
    }
    # Before the anchors: the new plan reads that this visit was done, and moves it no more.
    write_visit(visit, "performed", now, **values, **(_window_on(completion.on) if state.free else {}))
    write_activities(visit, completion, protocol)
    why = "" if asked else reason or completion.outside_reason
    with asking(asked):
        previews = follow_completion(visit, state, protocol, by=by, reason=why, now=now, sure=completion.sure)
        refuse_orphans(previews, completion, now)
        require_confirmed_preview(visit, previews, completion, now)
    confirm_windows(visit, completion, by=by, now=now)
    draft_of_visits([visit.pk], now)
    visit.refresh_from_db()
    return visit


def _asks_why(state: VisitState, completion: Completion, history: History) -> bool:
    """Whether its day asks for a reason: out of its window, after an end, or unlikely."""
    inside = state.free or state.window.holds(completion.on)
    if not inside or after_end(state, completion.on, history):
        return True
    unlikely = history.frame is not None and history.frame.question(completion.on) is not None
    return unlikely or any(refusals_of_day(state, completion.on, history))


@recorded
def miss_visit(
    *, visit: Visit, version: int, by: User | None, reason: str, now: datetime, sure: bool = True
) -> Visit:
    """Put on record that nobody came, or came too late, with a reason; others still count from its date.

    Without `sure`, VisitRefused asks at that field where an arrival is on record or the booking is still to
    come. Raises VisitRefused, also before the window opens, and Stale.
    """
    visit = _locked_for(visit, version, VisitAction.MISS)
    today = clock_at(visit.participant.site, now).today
    refuse(refusals_of_missing(_state(visit), today, reason), VisitRefused)
    if not sure:
        hour_over = visit.booked_start is not None and visit.booked_start <= now
        refuse(questions_of_missing(_state(visit), today, hour_over=hour_over), VisitRefused)
    write_visit(visit, "missed", now, missed_on=today, missed_reason=reason.strip())
    follow_booking(visit, _state(visit), protocol_of(visit.participant.protocol_version), by=by, now=now)
    draft_of_visits([visit.pk], now)
    return visit


@recorded
def cancel_visit(*, visit: Visit, version: int, by: User | None, reason: str, now: datetime) -> Visit:
    """Record that a visit will not take place, with a reason. Raises VisitRefused and Stale."""
    visit = _locked_for(visit, version, VisitAction.CANCEL)
    refuse(refusals_of_reason(reason), VisitRefused)
    today = clock_at(visit.participant.site, now).today
    write_visit(visit, "cancelled", now, cancelled_on=today, cancelled_reason=reason.strip())
    follow_booking(visit, _state(visit), protocol_of(visit.participant.protocol_version), by=by, now=now)
    draft_of_visits([visit.pk], now)
    return visit


@recorded
def undo_visit(*, visit: Visit, version: int, by: User | None, reason: str, now: datetime) -> Visit:
    """Take back that a visit was done, missed or cancelled: a correction, with a reason.

    Its activities go with it, and so do what was confirmed of windows at it and the actual day of the
    anchor that it was; its booking is as it was, with the reason for a day outside the window, unless the
    participant went to another site since, where that booking is none. One that
    the course ended with its other visits is cancelled with them again, and one that was still to come after
    the end is to come again. The trail keeps what stood. Raises
    VisitRefused where something that was done hangs on it, and Stale.
    """
    visit = lock_visit(visit.pk, visit.participant_id, version)
    standing = standing_of(visit.participant)
    state = visit_under(visit, standing.protocol)
    refuse(refusals_of_action(state, VisitAction.UNDO), VisitRefused)
    refuse(refusals_of_reason(reason), VisitRefused)
    refuse(refusals_of_undoing(state, history_of(visit, standing)), VisitRefused)
    if state.performed_on:  # first: what was said at the visit is found by the day that is written over below
        withdraw_confirmed(visit, state, by=by, reason=reason, now=now)
    stood = stood_before(visit)
    values = _as_it_stood(visit, state, stood)
    again = _step_numbered(stood.cancelled_by, standing)
    end = again or _end_that_it_saw(standing, stood)
    moves = bool(state.performed_on and anchors_set_by(standing.protocol, state))
    values |= _without_booking_elsewhere(visit, standing, stood)
    agreed = bool(values.get("outside_reason", visit.outside_reason))
    if end and not moves and (again or _ends_with(end, visit, state, agreed=agreed)):
        values |= cancelled_with(end, clock_at(visit.participant.site, now).today)
    write_visit(visit, "restored", now, **values)
    if state.performed_on:
        VisitActivity.objects.filter(visit=visit).delete()
    withdraw_anchors(visit, state, standing.protocol, by=by, reason=reason, now=now)
    if end and moves:
        _end_again(end, visit, state, now)
    draft_of_visits([visit.pk], now)
    visit.refresh_from_db()
    return visit


def _end_again(end: CourseStep, visit: Visit, state: VisitState, now: datetime) -> None:
    """Cancel a visit with an end of the course, now that it was planned again without its own day."""
    visit.refresh_from_db()
    if _ends_with(end, visit, state, agreed=bool(visit.outside_reason)):
        today = clock_at(visit.participant.site, now).today
        write_visit(visit, "cancelled", now, **cancelled_with(end, today))


def _step_numbered(pk: int | None, standing: CourseState) -> CourseStep | None:
    return next((step for step in standing.steps if step.pk == pk), None)


def _ends_with(end: CourseStep, visit: Visit, state: VisitState, *, agreed: bool) -> bool:
    """Whether an end of the course cancels a visit: its window, or its `agreed` day outside, was to come."""
    booked = agreed and visit.booked_on is not None and visit.booked_on >= end.happened_on
    return (booked or visit.closes >= end.happened_on) and not state.stays


def _as_it_stood(visit: Visit, state: VisitState, stood: Stood) -> dict[str, Value]:
    """The columns of a visit without what was recorded of it."""
    values = {**_NOTHING_RECORDED, **_NOT_CANCELLED}
    if state.performed_on:  # the reason of that day was written over the booking's
        values["outside_reason"] = stood.outside_reason
    if state.free and visit.booked_on:  # being done moved its window there
        values |= _window_on(visit.booked_on)
    return values


def _without_booking_elsewhere(visit: Visit, standing: CourseState, stood: Stood) -> dict[str, Value]:
    """The columns of a visit that ends a booking at another site, with what was prepared there; none else."""
    if not _booked_elsewhere(visit, standing, stood):
        return {}
    forget_preparations([visit.pk])
    return NO_BOOKING


def _booked_elsewhere(visit: Visit, standing: CourseState, stood: Stood) -> bool:
    """Whether a visit was recorded with a booking that a transfer since would have cancelled."""
    left = next((step for step in reversed(standing.steps) if Step(step.step) is Step.TRANSFER), None)
    if left is None or visit.booked_on is None:
        return False
    if visit.booked_on < clock_at(visit.participant.site, left.recorded_at).today:  # as `transfer` asks
        return False
    return stood.entry < entry_of_creation("participants.coursestep", left.pk)


def _end_that_it_saw(standing: CourseState, stood: Stood) -> CourseStep | None:
    """The end of the course, unless the visit was left, or added, when that was on record already."""
    end = ending_step(standing.steps)
    live_after = end and stood.entry > entry_of_creation("participants.coursestep", end.pk)
    return None if live_after else end


def _zone_of_record(visit: Visit, completion: Completion) -> str:
    """The zone by whose clocks the hours of a completion were given; empty where it gives none."""
    hours = [completion.at, *(answer.at for answer in (completion.activities or {}).values())]
    return zone_of(visit.participant.site).key if any(hours) else ""


def _locked_for(visit: Visit, version: int, deed: VisitAction) -> Visit:
    """The visit under its lock, if this may be done with it as it stands."""
    visit = lock_visit(visit.pk, visit.participant_id, version)
    refuse(refusals_of_action(_state(visit), deed), VisitRefused)
    return visit


def _state(visit: Visit) -> VisitState:
    return visit_under(visit, protocol_of(visit.participant.protocol_version))


def _window_on(day: date) -> dict[str, Value]:
    return {"opens": day, "target": day, "closes": day, "suggested": day}
