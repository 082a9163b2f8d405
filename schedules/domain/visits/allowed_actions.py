"""What may be done with a visit, and on which days: booking, arrival, completion, missing, undoing.

Everything here answers with refusals: the field it is about, a message marked for translation and
its words. What is only unusual (a day outside the window) asks for a reason; what cannot have been
(a day in the future, an infusion before consent, time running backwards) is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from participants.domain.lifecycle import STEP_LABELS, Step
from schedules.domain.plan.slots import activities_at
from schedules.domain.visits.order import (
    anchors_of_rule,
    anchors_set_by,
    before_consent,
    comes_after,
    is_infusion,
    refusals_of_day,
)
from schedules.domain.visits.values import (
    Answer,
    Booking,
    Clock,
    Completion,
    End,
    History,
    VisitAction,
)
from schedules.domain.visits.visit import VisitState
from trials.domain.protocols.protocol import Activity, EventAfter, Freshness, Protocol
from trials.domain.refusals import IN_THE_FUTURE, REASON_MISSING, Refusal
from trials.domain.sites.wall_clock import refusal_of
from trials.domain.words import days_words
from trials.domain.words import mark as _

LONGEST_BOOKING = timedelta(hours=24)
"""A mistyped year would take a room for ever; what lasts longer is a stay on the ward."""


def actions_of(visit: VisitState) -> tuple[VisitAction, ...]:
    """What may be done with a visit as it stands."""
    if visit.live:
        unbook = (VisitAction.UNBOOK,) if visit.booked_on else ()
        arrival = VisitAction.UNDO_ARRIVAL if visit.arrived_on else VisitAction.ARRIVE
        return (
            VisitAction.BOOK,
            *unbook,
            arrival,
            VisitAction.COMPLETE,
            VisitAction.MISS,
            VisitAction.CANCEL,
        )
    if visit.by_course:  # what took place all the same is recorded, with a reason; no treatment after its end
        return () if anchors_of_rule(visit.rule, visit.occurrence) else (VisitAction.COMPLETE,)
    return () if visit.gone else (VisitAction.UNDO,)


_NOT_OF_LIVE = {
    VisitAction.ARRIVE: _("The arrival for %(visit)s is recorded already, on %(day)s."),
    VisitAction.UNDO_ARRIVAL: _("No arrival is recorded for %(visit)s."),
    VisitAction.UNBOOK: _("%(visit)s is not booked."),
}
"""Why something cannot be done with a visit that is to come."""


def refusals_of_action(visit: VisitState, action: VisitAction) -> Iterator[Refusal]:
    """Why this cannot be done with the visit as it stands."""
    if action in actions_of(visit):
        return
    if visit.by_course:
        yield Refusal("", _("%(visit)s was cancelled with the course: undo that step first."), visit.named)
    elif visit.gone:
        message = _("The plan no longer asks for %(visit)s: it comes back with the plan alone.")
        yield Refusal("", message, visit.named)
    elif action is VisitAction.UNDO:
        yield Refusal("", _("Nothing is recorded of %(visit)s that could be undone."), visit.named)
    elif visit.live and action in _NOT_OF_LIVE:
        yield Refusal("", _NOT_OF_LIVE[action], {**visit.named, "day": visit.arrived_on})
    else:
        message = _("%(visit)s is %(state)s already: undo that first, with a reason.")
        yield Refusal("", message, {**visit.named, "state": _state(visit)})


def refusals_of_booking(
    visit: VisitState, booking: Booking, history: History, clock: Clock, reason: str
) -> Iterator[Refusal]:
    """What forbids a booking: a day that is over, hours out of order, a block taken apart, no reason."""
    if impossible := _impossible(booking.on, history):
        yield impossible
        return
    if booking.on < clock.today:
        message = _("%(day)s is over: book %(today)s or a later day, or record the visit as done.")
        yield Refusal("on", message, {"day": booking.on, "today": clock.today})
    yield from _refusals_of_hours(booking)
    yield from _unlikely(booking.on, booking.sure, history, ("reason", reason))
    yield from _refusals_of_place(visit, booking.on, reason)
    if history.consented_on and booking.on < history.consented_on and is_infusion(visit, history):
        yield before_consent(history.protocol, booking.on, history.consented_on)


def _refusals_of_place(visit: VisitState, on: date, reason: str) -> Iterator[Refusal]:
    """A block is not taken apart; a day outside the window, and another day than before, have a reason."""
    outside = 0 if visit.free else visit.window.days_outside(on)
    if outside and visit.block:
        message = _(
            "%(visit)s belongs to a block that never moves by itself: move the day it counts from "
            "instead, and all of the block moves with it."
        )
        yield Refusal("on", message, visit.named)
    elif outside and not reason.strip():
        yield _outside(visit, on, outside, "reason")
    elif visit.booked_on and not visit.booking_lost and not reason.strip():  # lost: the move said why
        message = _("%(visit)s is already booked on %(booked)s. Enter why you change the booking.")
        yield Refusal("reason", message, {**visit.named, "booked": visit.booked_on})


def refusals_of_completion(
    visit: VisitState, completion: Completion, history: History, clock: Clock
) -> Iterator[Refusal]:
    """What forbids a visit to have been done so: the future, the order of days, consent, gaps in the form."""
    if impossible := _impossible(completion.on, history):
        yield impossible
        return
    yield from refusals_of_moment(completion, clock)
    yield from _unlikely(
        completion.on, completion.sure, history, ("outside_reason", completion.outside_reason)
    )
    by_record, given = refusals_of_day(visit, completion.on, history), bool(completion.outside_reason.strip())
    yield from (refusal for refusal in by_record if not (given and refusal.field == "outside_reason"))
    outside = 0 if visit.free else visit.window.days_outside(completion.on)
    if not given:
        if outside:
            yield _outside(visit, completion.on, outside, "outside_reason")
        elif after := after_end(visit, completion.on, history):
            message = _("%(visit)s took place after %(end)s on %(ended)s. Enter a reason.")
            yield Refusal("outside_reason", message, {**visit.named, "end": after.step, "ended": after.on})
    if completion.activities is not None:
        yield from _refusals_of_activities(visit, completion.activities, history)
    yield from _refusals_of_results(completion, history.protocol, clock)


def refusals_of_missing(visit: VisitState, today: date, reason: str) -> Iterator[Refusal]:
    """What forbids to record a visit as missed: a window still to open, no reason."""
    if today < visit.window.opens:
        message = _("The window of %(visit)s opens on %(opens)s: until then it cannot be missed. Cancel it?")
        yield Refusal("", message, {**visit.named, "opens": visit.window.opens})
    yield from refusals_of_reason(reason)


def questions_of_missing(visit: VisitState, today: date, *, hour_over: bool) -> Iterator[Refusal]:
    """What is asked before a visit is recorded as missed: an arrival, a booking whose day is not over.

    `hour_over` says that the hour of the booking is over, so that nobody came.
    """
    if visit.arrived_on:
        message = _("The arrival for %(visit)s is on record, on %(day)s. Was it missed all the same?")
        yield Refusal("sure", message, {**visit.named, "day": visit.arrived_on})
    elif visit.booked_on and visit.booked_on >= today and not hour_over:
        message = _("%(visit)s is booked for %(booked)s, which is not over. Was it missed all the same?")
        yield Refusal("sure", message, {**visit.named, "booked": visit.booked_on})


def refusals_of_reason(reason: str) -> Iterator[Refusal]:
    """Nothing on record is withdrawn or given up without a word."""
    if not reason.strip():
        yield Refusal("reason", REASON_MISSING)


def refusals_of_undoing(visit: VisitState, history: History) -> Iterator[Refusal]:
    """What hangs on a visit that was done must be withdrawn before it."""
    if visit.attempt < history.attempt:
        message = _("%(visit)s belongs to an earlier attempt at screening, which is closed.")
        yield Refusal("", message, visit.named)
    # nothing can hang on what did not take place
    if visit.performed_on is None:
        return
    anchors = anchors_set_by(history.protocol, visit)
    for other in history.done:
        hangs = other.rule is not None and other.rule.counts_from.code in anchors
        if (
            hangs
            and other.performed_on
            and other.performed_on >= visit.performed_on
            and comes_after(other, visit)
        ):
            message = _("%(other)s was done on %(day)s and counts from %(visit)s: undo that first.")
            yield Refusal("", message, {**visit.named, "other": other.label, "day": other.performed_on})


def after_end(visit: VisitState, on: date, history: History) -> End | None:
    """How the course had ended when a visit took place that it had ended with it; None for any other.

    A visit that somebody added after the end has its reason already.
    """
    ended = history.ended
    if ended is None or ((visit.stays or visit.free) and not visit.by_course):
        return None
    return ended if visit.by_course or on > ended.on else None


def refusals_of_added(booking: Booking, history: History, reason: str, today: date) -> Iterator[Refusal]:
    """What forbids a visit that the protocol did not plan: no reason, hours out of order, death.

    One that took place after the end is recorded with its reason; after an end of all contact none is
    planned to come.
    """
    if impossible := _impossible(booking.on, history):
        yield impossible
        return
    yield from refusals_of_reason(reason)
    yield from _refusals_of_hours(booking)
    yield from _unlikely(booking.on, booking.sure, history, ("reason", reason))
    ended = history.ended
    if ended and ended.died_on and booking.on > ended.died_on:
        message = _("%(day)s is after %(end)s on %(ended)s: no visit is added then.")
        words = {"day": booking.on, "end": STEP_LABELS[Step.DEATH], "ended": ended.died_on}
        yield Refusal("on", message, words)
    elif ended and ended.all_contact and booking.on > today:
        message = _("All contact has ended (%(end)s on %(ended)s): only what took place is recorded.")
        yield Refusal("on", message, {"end": ended.step, "ended": ended.on})


def activities_of(
    protocol: Protocol, rule: str, occurrence: int, traits: frozenset[str]
) -> tuple[Activity, ...]:
    """What the protocol asks to be done at a visit of somebody with these traits, by its rule and number."""
    asked = protocol.visit_by_code.get(rule)
    return activities_at(protocol, asked, occurrence, traits) if asked else ()


def _refusals_of_hours(booking: Booking) -> Iterator[Refusal]:
    never = [pair for pair in (("start", booking.start), ("end", booking.end)) if pair[1]]
    yield from (refusal for name, at in never if (refusal := _no_hour(name, at)))
    if booking.start and booking.start.date() != booking.on:
        message = _("The hour lies on %(other)s, the booking on %(day)s: give an hour of that day.")
        yield Refusal("start", message, {"other": booking.start.date(), "day": booking.on})
    if booking.end and not booking.start:
        yield Refusal("start", _("Give the hour at which it begins too."))
    elif booking.start and booking.end:
        yield from _refusals_of_length(booking.start, booking.end)


def _refusals_of_length(start: datetime, end: datetime) -> Iterator[Refusal]:
    # In UTC: two instants of one zone are compared by the clock on the wall, and an hour may come twice.
    length = end.astimezone(UTC) - start.astimezone(UTC)
    if length <= timedelta():
        yield Refusal("end", _("It ends before it begins: give a later hour."))
    elif length > LONGEST_BOOKING:
        yield Refusal("end", _("A booking lasts 24 hours at most: give an earlier hour."))


def _impossible(on: date, history: History) -> Refusal | None:
    """The refusal of a day that nobody can have meant; nothing else is said of it."""
    doubt = history.frame.refusal(on) if history.frame else None
    return Refusal("on", doubt.message, doubt.words) if doubt else None


def _unlikely(on: date, sure: bool, history: History, reason: tuple[str, str]) -> Iterator[Refusal]:
    """The question about a day that is possible and not likely; once it is confirmed, why."""
    doubt = history.frame.question(on) if history.frame else None
    name, given = reason
    if doubt and not sure:
        yield Refusal("sure", doubt.message, doubt.words)
    if doubt and not given.strip():
        yield Refusal(name, REASON_MISSING)


def _no_hour(name: str, at: datetime | None) -> Refusal | None:
    """The refusal of an hour over which the clocks are put forward."""
    error = refusal_of(at) if at else None
    return Refusal(name, error.template, error.values) if error else None


def refusals_of_moment(completion: Completion, clock: Clock) -> Iterator[Refusal]:
    """What forbids a visit to have been done just then: a day or an hour to come, an hour of another day."""
    at = completion.at
    if refusal := _no_hour("at", at):
        yield refusal
    if completion.on > clock.today:
        message = IN_THE_FUTURE
        yield Refusal("on", message, {"day": completion.on, "today": clock.today})
    elif at and at.astimezone(UTC) > clock.now.astimezone(UTC):
        message = _("%(hour)s has not come yet: at the site it is %(now)s.")
        yield Refusal("at", message, {"hour": f"{at:%H:%M}", "now": f"{clock.now:%H:%M}"})
    if at and at.date() != completion.on:
        message = _("The hour lies on %(other)s, the visit on %(day)s: give an hour of that day.")
        yield Refusal("at", message, {"other": at.date(), "day": completion.on})


def _refusals_of_activities(
    visit: VisitState, answers: Mapping[str, Answer], history: History
) -> Iterator[Refusal]:
    rule = visit.rule.code if visit.rule else visit.code
    asked = {a.code: a for a in activities_of(history.protocol, rule, visit.occurrence, history.traits)}
    for code in answers:
        if code not in asked:
            message = _("%(activity)s is no activity of this visit; it has %(activities)s.")
            yield Refusal("activities", message, {"activity": code, "activities": ", ".join(asked) or "–"})
    for code, activity in asked.items():
        answer = answers.get(code)
        words = {"activity": activity.label}
        if answer is None:
            yield Refusal(f"activity-{code}", _("Say whether %(activity)s was done."), words)
        elif not answer.done and not answer.reason.strip():
            yield Refusal(f"activity-{code}", _("Enter why %(activity)s was not done."), words)


def _refusals_of_results(completion: Completion, protocol: Protocol, clock: Clock) -> Iterator[Refusal]:
    """Results and events that no window is judged by, of what was not done, or of an hour of another day."""
    terms = [window.terms for window in protocol.windows]
    tests = {one.test for one in terms if isinstance(one, Freshness)}
    events = {one.event for one in terms if isinstance(one, EventAfter)}
    yield from _refusals_of_codes("results", completion.results, tests)
    yield from _refusals_of_codes("events", completion.events, events)
    for code, sample in completion.results.items():
        answer = (completion.activities or {}).get(code)
        if answer is not None and not answer.done:
            yield Refusal(f"result-{code}", _("It was not done at this visit: leave its result empty."))
        if sample.at:
            yield from _refusals_of_sample(f"taken-{code}", sample.at, completion.on, clock)


def _refusals_of_codes(field: str, given: Collection[str], known: Collection[str]) -> Iterator[Refusal]:
    message = _("No window of the protocol is judged by %(of)s; possible are: %(possible)s.")
    for code in sorted(set(given).difference(known)):
        yield Refusal(field, message, {"of": code, "possible": ", ".join(sorted(known)) or "–"})


def _refusals_of_sample(field: str, at: datetime, on: date, clock: Clock) -> Iterator[Refusal]:
    if refusal := _no_hour(field, at):
        yield refusal
    elif at.date() != on:
        message = _("The hour lies on %(other)s, the visit on %(day)s: give an hour of that day.")
        yield Refusal(field, message, {"other": at.date(), "day": on})
    elif at.astimezone(UTC) > clock.now.astimezone(UTC):
        message = _("%(hour)s has not come yet: at the site it is %(now)s.")
        yield Refusal(field, message, {"hour": f"{at:%H:%M}", "now": f"{clock.now:%H:%M}"})


def _outside(visit: VisitState, on: date, days: int, name: str) -> Refusal:
    early = _("%(day)s is %(days)s before the window of %(visit)s (%(opens)s to %(closes)s). Enter a reason.")
    late = _("%(day)s is %(days)s after the window of %(visit)s (%(opens)s to %(closes)s). Enter a reason.")
    words = {"day": on, "opens": visit.window.opens, "closes": visit.window.closes}
    return Refusal(name, early if days < 0 else late, {**visit.named, **words, "days": days_words(abs(days))})


def _state(visit: VisitState) -> str:
    if visit.performed_on:
        return _("done")
    return _("missed") if visit.missed_on else _("cancelled")
