"""What follows from a visit that was done: its activities, its anchor, and the calendar that hangs on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import partial

from django.db.models import Q
from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import Confirmation, Event, Fact, FactKind, TestResult
from participants.models import Anchor, Participant
from participants.models import Fact as StoredFact
from schedules.domain.errors import ReplanningRefused, UnlikelyDay, VisitRefused
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.order import anchors_dated_by, anchors_set_by
from schedules.domain.visits.values import Completion
from schedules.domain.visits.visit import VisitState
from schedules.models import Visit, VisitActivity
from schedules.selectors.store.course import visit_under
from schedules.services.replanning.moves import Preview, follow_visit, record_anchor
from schedules.services.replanning.refusals import DepartureNeedsReason, VisitMovesOthers
from schedules.services.replanning.side_effects import with_side_effects
from schedules.services.windows.facts import record_facts, withdraw_fact
from trials.domain.errors import Refused
from trials.domain.protocols.protocol import Protocol, Reference, ReferenceKind
from trials.models import User
from trials.spoken import bracketed, say, sentence

_SAID_AT_VISITS = (FactKind.CONFIRMATION, FactKind.TEST, FactKind.EVENT)
_OF_A_VISIT = {"reason": "outside_reason"}
_STAYS = frozenset({Effect.UNCHANGED, Effect.RETAINED, Effect.SUGGESTED})


def write_activities(visit: Visit, completion: Completion, protocol: Protocol) -> None:
    """What was done at a visit and what was left, with its reason."""
    asked = activities_of(protocol, visit.rule_code, visit.occurrence, frozenset(visit.participant.traits))
    answered = [(each, completion.activities[each.code]) for each in asked] if completion.activities else []
    VisitActivity.objects.bulk_create(
        VisitActivity(
            visit=visit,
            participant=visit.participant,
            code=activity.code,
            label=activity.label,
            done=answer.done,
            done_at=(answer.at or completion.at) if answer.done else None,
            reason=answer.reason.strip(),
        )
        for activity, answer in answered
    )


def refuse_other_day(visit: VisitState, on: date, protocol: Protocol, participant: int) -> None:
    """Raise VisitRefused where the anchor that this visit is stands on record with another day."""
    codes = anchors_set_by(protocol, visit)
    known = Anchor.objects.filter(participant=participant, code__in=codes, actual_on__isnull=False)
    other = known.exclude(actual_on=on).first() if codes else None
    if other:
        words = {"anchor": say(protocol.anchor_by_code[other.code].label), "day": other.actual_on}
        message = _("%(anchor)s is on record for %(day)s: give that day, or correct the anchor first.")
        raise VisitRefused({"on": [sentence(message, words)]})


def follow_completion(
    visit: Visit,
    state: VisitState,
    protocol: Protocol,
    *,
    by: User | None,
    reason: str,
    now: datetime,
    sure: bool = False,
) -> list[Preview]:
    """Set the anchors that this visit is, or plan again what counts from it; gives what that did.

    One that the course had ended stood still since, and is brought up to date by the days that hold now.
    `sure`: an unlikely day was confirmed with the visit. Raises VisitRefused.
    """
    codes, previews = anchors_set_by(protocol, state), []
    try:
        for code in codes:
            anchor = RecordedAnchor(
                code,
                actual_on=visit.performed_on,
                actual_at=visit.performed_at,
                actual_zone=visit.performed_zone,
            )
            person = visit.participant
            previews.append(
                record_anchor(participant=person, anchor=anchor, now=now, by=by, reason=reason, sure=sure)
            )
        if not codes and (state.by_course or lends(protocol, state)):
            dated = frozenset(anchors_dated_by(protocol, state))
            previews.append(
                follow_visit(participant=visit.participant, dated=dated, now=now, by=by, reason=reason)
            )
    except DepartureNeedsReason as refused:
        raise VisitMovesOthers({"outside_reason": [str(refused)]}, refused.preview) from refused
    except UnlikelyDay as asked:
        raise VisitRefused({_OF_A_VISIT.get(asked.field, asked.field): [str(asked)]}) from asked
    except ReplanningRefused as refused:
        raise VisitRefused({"on": [str(refused)]}) from refused
    return previews


def follow_booking(
    visit: Visit, state: VisitState, protocol: Protocol, *, by: User | None, now: datetime
) -> None:
    """Plan again what counts from a visit that is booked, missed or cancelled: by the day expected of it."""
    if _lends_its_day(protocol, state):
        _follow_expected(visit.participant, by=by, now=now)
        visit.refresh_from_db()


def follow_cancelled(
    person: Participant, visits: Iterable[Visit], protocol: Protocol, *, by: User | None, now: datetime
) -> None:
    """Plan again what counts from visits that were cancelled with their course, as from a single one."""
    if any(_lends_its_day(protocol, visit_under(visit, protocol)) for visit in visits):
        _follow_expected(person, by=by, now=now)


def _follow_expected(person: Participant, *, by: User | None, now: datetime) -> None:
    with suppress(ReplanningRefused):  # anchors that contradict each other are not the booking's fault
        follow_visit(participant=person, dated=frozenset(), now=now, by=by, withdrawn=True)


def confirm_windows(visit: Visit, completion: Completion, *, by: User | None, now: datetime) -> None:
    """Put on record what was said of windows at a visit, results and events. Raises VisitRefused."""
    at = completion.at or completion.on
    said: list[Fact] = [
        *(Confirmation(code, at, visit.code, holds=holds) for code, holds in completion.confirmed.items()),
        *(
            TestResult(code, sample.at or at, result=sample.result, visit=visit.code)
            for code, sample in completion.results.items()
        ),
        *(Event(code, at, visit=visit.code) for code in sorted(completion.events)),
    ]
    if said:
        try:
            record_facts(participant=visit.participant, facts=said, by=by, now=now, asked=True)
        except Refused as refused:
            raise VisitRefused(
                {"": [word for words in refused.fields.values() for word in words]}
            ) from refused


def withdraw_confirmed(
    visit: Visit, state: VisitState, *, by: User | None, reason: str, now: datetime
) -> None:
    """Withdraw what was said of windows at a visit that did not take place, results too; raises VisitRefused.

    Before the visit's own day is written over: what was said at it carries its code and its day.
    """
    said = Q(starts_on=visit.performed_on) | Q(starts_at__isnull=False, starts_at=visit.performed_at)
    standing = StoredFact.objects.filter(
        said, participant=visit.participant_id, kind__in=_SAID_AT_VISITS, withdrawn_at=None
    )
    for fact in standing.select_related("participant").order_by("pk"):
        if fact.detail.get("visit") != state.code:
            continue
        try:
            withdraw_fact(stored=fact, by=by, now=now, reason=reason)
        except Refused as refused:
            raise VisitRefused({"": [str(refused)]}) from refused


def refuse_orphans(previews: Sequence[Preview], completion: Completion, now: datetime) -> None:
    """Raise VisitMovesOthers for bookings that would lose their window unaccepted."""
    for preview in previews:
        if preview.orphans and not completion.accept_unbookable:
            named = (bracketed(say(change.label), change.booked_on) for change in preview.orphans)
            listed = _(", ").join(named)
            message = _(
                "These bookings would be left behind: %(bookings)s. Confirm that they are to be booked again."
            )
            raise VisitMovesOthers(
                {"accept": [message % {"bookings": listed}]}, with_side_effects(preview, now)
            )


def require_confirmed_preview(
    visit: Visit, previews: Sequence[Preview], completion: Completion, now: datetime
) -> None:
    """Raise VisitMovesOthers where other visits move with this one and nobody has seen it."""
    for preview in previews:
        moved = any(change.code != visit.code and change.gravest not in _STAYS for change in preview.changed)
        if not moved or completion.seen is None:
            continue
        shown = with_side_effects(preview, now)
        if completion.seen != shown.digest:
            message = _("The calendar moves with it: look at what would happen, and save again if it is so.")
            raise VisitMovesOthers({"": [message]}, shown)


def withdraw_anchors(
    visit: Visit, state: VisitState, protocol: Protocol, *, by: User | None, reason: str, now: datetime
) -> None:
    """Leave the anchors that this visit was with their planned days, and plan again; raises VisitRefused.

    A visit that was done under an older version is to come by the present one; what stood still while
    it was missed or cancelled is brought up to date.
    """
    codes = anchors_set_by(protocol, state) if state.performed_on else ()
    if visit.done_under_id is not None:
        Visit.objects.filter(pk=visit.pk).update(done_under=None)
    person = visit.participant
    take = partial(record_anchor, participant=person, now=now, by=by, reason=reason, withdrawn=True)
    follow = partial(follow_visit, participant=person, now=now, by=by, reason=reason, withdrawn=True)
    try:
        for anchor in Anchor.objects.filter(participant=visit.participant_id, code__in=codes):
            if anchor.planned_on is None and protocol.anchor_by_code[anchor.code].derived:
                anchor.delete()  # it follows from others again
                continue
            planned = RecordedAnchor(anchor.code, anchor.planned_on or anchor.actual_on, anchor.planned_at)
            take(anchor=planned)
        follow(dated=frozenset())
    except ReplanningRefused as refused:
        raise VisitRefused({"": [str(refused)]}) from refused


def lends(protocol: Protocol, visit: VisitState) -> bool:
    """Whether anything in the protocol counts from the day of this visit or of what is done at it."""
    if visit.rule is None:
        return False
    activities = {one.code for one in protocol.activities if visit.names & set(one.visits)}
    named = {ReferenceKind.VISIT: visit.names, ReferenceKind.ACTIVITY: activities}
    counted = any(each.code in named.get(each.kind, ()) for each in _references(protocol))
    return counted or bool(anchors_dated_by(protocol, visit))


def _lends_its_day(protocol: Protocol, visit: VisitState) -> bool:
    """Whether anything in the protocol counts from the day of this visit itself."""
    if visit.rule is None:
        return False
    counted = any(
        one.kind is ReferenceKind.VISIT and one.code in visit.names for one in _references(protocol)
    )
    return counted or bool(anchors_dated_by(protocol, visit))


def _references(protocol: Protocol) -> Iterator[Reference]:
    """Everything that some visit or window of the protocol counts from."""
    for rule in protocol.visits:
        yield rule.counts_from
    for window in protocol.windows:
        for bound in (window.starts, window.ends):
            yield from (moment.counts_from for moment in (bound.moments if bound else ()))
