"""Deviations: what the record shows, drafted by rules; what a person says of it, and when that is complete.

A draft follows from facts alone: a visit done outside its window, recorded as missed or left without
any record when its window closed, an activity not done, a day of a block not kept. It has a key made
of what it is about and of its evidence, so the same facts are drafted once. What becomes of a draft
is a person's to say (ICH E3 Q&A: important is what may significantly affect safety, rights or data).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from schedules.domain.plan.values import AnchorKind
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.visit import VisitState
from trials.domain.refusals import IN_THE_FUTURE, Refusal
from trials.domain.stored_sentences import told
from trials.domain.words import Code, Words
from trials.domain.words import mark as _


class DeviationKind(StrEnum):
    """What departed from the protocol."""

    OUTSIDE = "outside-window"
    MISSED = "missed"
    UNRECORDED = "unrecorded"
    ACTIVITY = "activity-left"
    BLOCK = "block-broken"
    CONSENT = "before-consent"
    ORDER = "order"
    GATE = "gate"
    START = "start"
    HOLD = "hold"
    WINDOW = "window"
    MANUAL = "manual"


KIND_LABELS: Mapping[DeviationKind, str] = {
    DeviationKind.OUTSIDE: _("Visit outside its window"),
    DeviationKind.MISSED: _("Visit missed"),
    DeviationKind.UNRECORDED: _("Window closed without a record"),
    DeviationKind.ACTIVITY: _("Activity not done"),
    DeviationKind.BLOCK: _("Block broken"),
    DeviationKind.CONSENT: _("Visit before the consent"),
    DeviationKind.ORDER: _("Order of days not kept"),
    DeviationKind.GATE: _("Start against a closed gate"),
    DeviationKind.START: _("Start against the list of readiness"),
    DeviationKind.HOLD: _("Hold before day zero"),
    DeviationKind.WINDOW: _("Protocol window violated"),
    DeviationKind.MANUAL: _("Entered by hand"),
}

VISIT_KINDS = frozenset(
    {
        DeviationKind.OUTSIDE,
        DeviationKind.MISSED,
        DeviationKind.UNRECORDED,
        DeviationKind.ACTIVITY,
        DeviationKind.BLOCK,
    }
)
"""The kinds that follow from what is on record of a single visit."""

DRAFTED_OF_VISITS = VISIT_KINDS | {DeviationKind.CONSENT}
"""Those, and what follows from the day of a visit beside the day of the consent."""


class Lapse(StrEnum):
    """Why what a draft was made of is no longer so; UPHELD where a person says that it still holds."""

    RECORD_WITHDRAWN = "taken-back"
    INSIDE = "inside"
    RECORDED = "recorded"
    REOPENED = "reopened"
    CANCELLED = "cancelled"
    DONE = "done"
    REPLACED = "replaced"
    KEPT = "kept"
    CONSENTED = "consented"
    UPHELD = "upheld"


LAPSE_LABELS: Mapping[Lapse, str] = {
    Lapse.RECORD_WITHDRAWN: _("The record of this visit was withdrawn."),
    Lapse.INSIDE: _("The visit lies inside its window now."),
    Lapse.RECORDED: _("What became of the visit is on record now."),
    Lapse.REOPENED: _("The visit has another window now, which has not closed."),
    Lapse.CANCELLED: _("The visit is cancelled."),
    Lapse.DONE: _("The activity is on record as done, or is no longer asked for."),
    Lapse.REPLACED: _("The record shows something else now: see the other deviation of the same visit."),
    Lapse.KEPT: _("By what is on record now the window is kept."),
    Lapse.CONSENTED: _("By what is on record now the consent came before the visit."),
    Lapse.UPHELD: _("A person says that it still holds."),
}


class DeviationState(StrEnum):
    """Where a deviation stands between the draft and the log."""

    DRAFT = "draft"
    LAPSED = "no-longer-so"
    CLASSIFIED = "classified"
    WITHDRAWN = "withdrawn"


STATE_LABELS: Mapping[DeviationState, str] = {
    DeviationState.DRAFT: _("Draft"),
    DeviationState.LAPSED: _("No longer so"),
    DeviationState.CLASSIFIED: _("Classified"),
    DeviationState.WITHDRAWN: _("Withdrawn"),
}


@dataclass(frozen=True, slots=True)
class LeftActivity:
    """An activity that was not done at a visit that was, and why."""

    code: str
    label: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordedVisit:
    """A visit as its deviations look at it: its state, and what else they follow from.

    `version` is the id of the protocol version under which it was done, of all others the participant's
    present one; `today` the day at its site. `said_by_start` where a start was recorded against the list
    for it: that deviation says it. `consented_on` is the day of the first consent, None where it is not
    known, or where another deviation says that it came late. `history_open` while the participant's history
    is entered. `recorded_by` is the day by whose end somebody can have recorded it, where that is not the
    last of its window: what took place on the ward on a Sunday is recorded on Monday.
    """

    state: VisitState
    version: int = 0
    today: date = date.min
    said_by_start: bool = False
    missed_reason: str = ""
    consented_on: date | None = None
    left: Sequence[LeftActivity] = ()
    recorded_by: date | None = None
    history_open: bool = False

    @property
    def window(self) -> VisitWindow:
        """The days on which it counts as on time."""
        return self.state.window

    @property
    def performed_on(self) -> date | None:
        """The day on which it was done."""
        return self.state.performed_on

    @property
    def cancelled(self) -> bool:
        """Whether nobody asks for it any longer."""
        return self.state.cancelled_on is not None or not self.state.applies

    @property
    def live(self) -> bool:
        """Whether nothing is on record of it."""
        return not (self.performed_on or self.state.missed_on or self.cancelled)

    @property
    def final(self) -> bool:
        """Whether the day that it counts from has come, so that its window no longer moves."""
        return self.state.anchor_kind == AnchorKind.ACTUAL


@dataclass(frozen=True, slots=True)
class Draft:
    """What the record says of one deviation; `about` and `evidence` make its key, `evidence` has no colon.

    `days` count from the nearer end of the window: negative for early, positive for late. `facts` are
    as `facts_text` reads them.
    """

    about: str
    evidence: str
    kind: DeviationKind
    occurred_on: date
    planned_on: date | None = None
    opens: date | None = None
    closes: date | None = None
    actual_on: date | None = None
    days: int | None = None
    facts: str = ""

    @property
    def key(self) -> str:
        """What no other draft of the same participant's record has."""
        return f"{self.about}:{self.evidence}"


TIME, ACTIVITY, CONSENT = "time", "activity", "consent"


def drafts_of_visit(visit: RecordedVisit, name: str) -> Iterator[Draft]:
    """The deviations that a visit's record shows on a day; `name` says which visit, in their keys.

    Of its time there is at most one: done outside the window, missed, or closed without a record.
    A visit that was on time when it was done, and whose window moved since, is judged again once the
    day that it counts from has come: until then that day may still move again.
    """
    timed = _of_time(visit, f"{name}:{TIME}")
    if timed:
        yield timed
    if visit.performed_on:
        yield from _before_consent(visit, f"{name}:{CONSENT}", visit.performed_on)
        for activity in visit.left:
            draft = Draft(
                about=f"{name}:{ACTIVITY}:{activity.code}",
                evidence=visit.performed_on.isoformat(),
                kind=DeviationKind.ACTIVITY,
                occurred_on=visit.performed_on,
                actual_on=visit.performed_on,
                facts=told(_left(activity)),
            )
            yield _placed(draft, visit)


def _before_consent(visit: RecordedVisit, about: str, performed: date) -> Iterator[Draft]:
    """The deviation of a visit that took place before anybody had consented to it."""
    if visit.consented_on is None or performed >= visit.consented_on:
        return
    template = _("%(message)s %(reason)s") if visit.state.outside_reason else "%(message)s"
    late = Words.of(_("The consent is of %(consent)s."), {"consent": visit.consented_on})
    facts = told(Words.of(template, {"message": late, "reason": visit.state.outside_reason}))
    evidence = f"{performed}/{visit.consented_on}"
    draft = Draft(about, evidence, DeviationKind.CONSENT, performed, actual_on=performed, facts=facts)
    yield _placed(draft, visit)


def _left(activity: LeftActivity) -> Words:
    template = _("%(activity)s: %(reason)s") if activity.reason else "%(activity)s"
    return Words.of(template, {"activity": Code(activity.label), "reason": activity.reason})


_OF_DONE_VISITS = {DeviationKind.CONSENT: Lapse.CONSENTED, DeviationKind.ACTIVITY: Lapse.DONE}
"""What follows from a visit that is done, and why it no longer does while the visit stays so."""


def why_lapsed(kind: DeviationKind, visit: RecordedVisit) -> Lapse:
    """Why a deviation of this kind no longer follows from the visit's record."""
    if visit.cancelled:
        return Lapse.CANCELLED
    if kind in _OF_DONE_VISITS:
        return _OF_DONE_VISITS[kind] if visit.performed_on else Lapse.RECORD_WITHDRAWN
    if kind is DeviationKind.UNRECORDED:
        return Lapse.REOPENED if visit.live else Lapse.RECORDED
    if visit.live:
        return Lapse.RECORD_WITHDRAWN
    inside = visit.performed_on and visit.window.holds(visit.performed_on)
    return Lapse.INSIDE if inside and kind is not DeviationKind.MISSED else Lapse.REPLACED


def _of_time(visit: RecordedVisit, about: str) -> Draft | None:
    if visit.performed_on:
        return _outside(visit, about, visit.performed_on)
    if visit.cancelled:
        return None
    state = visit.state
    if state.missed_on:
        occurred = min(state.missed_on, visit.window.closes)
        kind, facts = DeviationKind.MISSED, visit.missed_reason
    elif _is_unrecorded(visit):
        occurred, kind, facts = visit.window.closes, DeviationKind.UNRECORDED, ""
    else:
        return None
    return _placed(Draft(about, f"{kind}-{occurred}", kind, occurred, facts=facts), visit)


def _is_unrecorded(visit: RecordedVisit) -> bool:
    """Whether its window has closed, everybody had time to record it, and nobody did."""
    state, over = visit.state, visit.today > (visit.recorded_by or visit.state.closes)
    return over and not (state.waits or state.free or state.awaits_base(visit.today))


def _outside(visit: RecordedVisit, about: str, performed: date) -> Draft | None:
    state = visit.state
    days = 0 if state.free else state.days_outside
    if not days or not ((visit.final and not visit.said_by_start) or state.outside_reason):
        return None
    kind = DeviationKind.BLOCK if state.block else DeviationKind.OUTSIDE
    draft = Draft(about, f"{performed}{days:+d}", kind, performed, actual_on=performed, days=days)
    return _placed(replace(draft, facts=state.outside_reason), visit)


def _placed(draft: Draft, visit: RecordedVisit) -> Draft:
    """The draft with the days on which the visit was planned."""
    opens, target, closes = visit.window
    return replace(draft, planned_on=None if visit.state.is_range else target, opens=opens, closes=closes)


IMPORTANT, MINOR = "important", "minor"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a person says of a deviation; None where a yes or no is still to be given."""

    description: str = ""
    classification: str = ""
    affects_safety: bool | None = None
    affects_rights: bool | None = None
    affects_data: bool | None = None
    cause: str = ""
    action: str = ""
    reported_to_sponsor_on: date | None = None
    reported_to_ethics_on: date | None = None

    @property
    def affected(self) -> tuple[bool | None, ...]:
        """The three answers: safety, rights, data."""
        return (self.affects_safety, self.affects_rights, self.affects_data)


def refusals_of_assessment(said: Assessment, occurred_on: date, today: date) -> Iterator[Refusal]:
    """What forbids an assessment: a class without all that belongs to it, a report out of its time.

    Without a class everything may wait. A class needs a description and the three answers; an
    important deviation also what it affects, its cause and what was done.
    """
    if said.classification:
        yield from _refusals_of_class(said)
    for name, day in (
        ("reported_to_sponsor_on", said.reported_to_sponsor_on),
        ("reported_to_ethics_on", said.reported_to_ethics_on),
    ):
        if day and day > today:
            message = IN_THE_FUTURE
            yield Refusal(name, message, {"day": day, "today": today})
        elif day and day < occurred_on:
            message = _("%(day)s is before the deviation occurred, on %(occurred)s: give a later day.")
            yield Refusal(name, message, {"day": day, "occurred": occurred_on})


def _refusals_of_class(said: Assessment) -> Iterator[Refusal]:
    if not said.description.strip():
        yield Refusal("description", _("Describe what happened before you classify it."))
    names = ("affects_safety", "affects_rights", "affects_data")
    for name, answer in zip(names, said.affected, strict=True):
        if answer is None:
            yield Refusal(name, _("Answer yes or no before you classify it."))
    if said.classification != IMPORTANT:
        return
    if None not in said.affected and not any(said.affected):
        message = _(
            "Important is what may significantly affect safety, rights or data: "
            "answer yes to one of them, or classify it as minor."
        )
        yield Refusal("classification", message)
    for name, text in (("cause", said.cause), ("action", said.action)):
        if not text.strip():
            yield Refusal(name, _("An important deviation needs its cause and what was done about it."))


def state_of(*, withdrawn: bool, lapsed: bool, classified: bool) -> DeviationState:
    """Where a deviation stands: what a person withdrew first, then what asks for a person."""
    if withdrawn:
        return DeviationState.WITHDRAWN
    if lapsed:
        return DeviationState.LAPSED
    return DeviationState.CLASSIFIED if classified else DeviationState.DRAFT


def refusals_of_entering(what: str, occurred_on: date, today: date) -> Iterator[Refusal]:
    """Why a deviation cannot be entered by hand: its day is to come, or nothing is said of what happened."""
    if occurred_on > today:
        message = IN_THE_FUTURE
        yield Refusal("occurred_on", message, {"day": occurred_on, "today": today})
    if not what.strip():
        yield Refusal("description", _("Say what happened: no record shows it."))
