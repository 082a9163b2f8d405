"""What a hold writes by itself: a drafted deviation that follows the days, and a flag that escalates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from django.db.models import F

from schedules.domain.deviations.drafts import DeviationKind, Draft, Lapse
from schedules.domain.plan.holds import find_holds, hold_warning
from schedules.domain.plan.values import AnchorDay, AnchorKind, Plan
from schedules.domain.replanning.hold_clock import Waiting, waiting_of
from schedules.domain.replanning.hold_wording import (
    BROKEN_OFF,
    HOLD_FLAG,
    words_of_abandoned,
    words_of_broken_off,
    words_of_hold,
    words_of_wait,
)
from schedules.domain.visits.visit import VisitState
from schedules.models import Deviation, Flag, Severity, Visit
from schedules.selectors.readiness.holds import fever_in, pause_of
from schedules.selectors.store.records import Record, record_of
from schedules.services.replanning.previews import Proposal, preview_of
from schedules.services.store.deviation_drafts import draft_deviation
from schedules.services.store.visit_writing import keep_held
from trials.domain.protocols.protocol import Protocol
from trials.domain.stored_sentences import told
from trials.domain.words import Words

KIND = HOLD_FLAG


def follow_person(participant: int, now: datetime, *, abandoned: str = "") -> None:
    """Bring what a hold writes in step with a participant's record; the caller holds the lock."""
    record = record_of(participant)
    follow_record(record, now, abandoned=abandoned)


def follow_record(record: Record, now: datetime, *, abandoned: str = "") -> None:
    """The same for a record that is read already; the caller holds the lock."""
    plan = preview_of(record, Proposal(), now).plan
    follow_hold(record, plan.protocol, plan.anchors, now, abandoned=abandoned)


def follow_plan(record: Record, plan: Plan, now: datetime, *, withdrawn: bool = False) -> None:
    """Bring what a hold writes in step with a plan that has just become true, where one can wait at all.

    So it does where chemotherapy may have been `withdrawn`: then nothing waits any more.
    """
    if withdrawn or record.held_since or _may_wait(plan):
        keep_held(record.participant, now)
        follow_hold(record, plan.protocol, plan.anchors, now)


def _may_wait(plan: Plan) -> bool:
    """Whether the point of no return is passed: nothing is on hold before it."""
    marked = (rule.code for rule in plan.protocol.anchors if rule.point_of_no_return)
    begun = [code for code in marked if code in plan.anchors]
    return any(plan.anchors[code].kind is AnchorKind.ACTUAL for code in begun)


def follow_hold(
    record: Record,
    protocol: Protocol,
    anchors: Mapping[str, AnchorDay],
    now: datetime,
    *,
    abandoned: str = "",
) -> None:
    """Bring the deviation and the flag of a hold in step with these anchors; the caller holds the lock.

    Where the infusion is abandoned the reason is given, and what was drafted stays with that beside it;
    so it does where the course has ended otherwise.
    """
    pk, today = record.participant.pk, now.astimezone(record.zone).date()
    pause = pause_of(pk)
    waits = waiting_of(protocol, anchors, pause.since, fever_in(record))
    waiting = None if pause.ended else waits
    drafts: list[Draft] = []
    if abandoned or not pause.ended:
        drafts = [*_slipped(pk, protocol, anchors, today, abandoned)]
        waited = _waited(pk, waits, today, abandoned)
        if waited and waited.about not in {one.about for one in drafts}:
            drafts.append(waited)
    for draft in drafts:
        draft_deviation(participant=record.participant, draft=draft, now=now)
    if drafts or not pause.ended:
        _lapse(record, today, but=drafts)
    _flag(record, waiting, now, today)


def _slipped(
    pk: int, protocol: Protocol, anchors: Mapping[str, AnchorDay], today: date, abandoned: str
) -> Iterator[Draft]:
    """The deviations of infusions that are not on the day that chemotherapy was given for."""
    for hold in find_holds(protocol, anchors):
        base, said = anchors[hold.base], hold_warning(protocol, hold).words
        given = base.kind is AnchorKind.ACTUAL
        why = "" if given else abandoned
        yield Draft(
            about=f"{KIND}:{pk}:{hold.began}",
            evidence="abandoned" if why else hold.now.isoformat(),
            kind=DeviationKind.HOLD,
            occurred_on=min(hold.expected, today),
            planned_on=hold.expected,
            opens=hold.expected,
            closes=hold.expected,
            actual_on=base.day if given else None,
            days=hold.days,
            facts=_told(said, why),
        )


def _waited(pk: int, waiting: Waiting | None, today: date, abandoned: str) -> Draft | None:
    """The deviation of an infusion whose day has passed while nobody knows another, or that is given up."""
    if waiting is None:
        return None
    days = _days_waited(waiting, today, abandoned)
    if not (days or abandoned):
        return None
    return Draft(
        about=f"{KIND}:{pk}:{waiting.began}",
        evidence="abandoned" if abandoned else "waiting",
        kind=DeviationKind.HOLD,
        occurred_on=min(waiting.expected, today),
        planned_on=waiting.expected,
        opens=waiting.expected,
        closes=waiting.expected,
        days=days or None,
        facts=_told(words_of_wait(waiting), abandoned),
    )


def _told(said: Words, abandoned: str) -> str:
    return told(words_of_abandoned(said, abandoned) if abandoned else said)


def _days_waited(waiting: Waiting, today: date, abandoned: str) -> int:
    """The days beyond the expected one; an infusion that is given up waited, with or without a hold."""
    return max(0, (today - waiting.expected).days) if abandoned else waiting.days(today)


def draft_broken_off(
    record: Record, waiting: Waiting, given: Sequence[VisitState], now: datetime, reason: str
) -> None:
    """Draft that chemotherapy was given and the infusion it was given for never followed.

    The deviation of the hold takes it up, where one is drafted that nobody has touched: it is one and
    the same departure. `given` are the visits of the block that was broken off; the caller holds the lock.
    """
    pk, today = record.participant.pk, now.astimezone(record.zone).date()
    done = [(visit.label, visit.performed_on) for visit in given if visit.performed_on]
    draft = Draft(
        about=f"{KIND}:{pk}:{waiting.began}",
        evidence=BROKEN_OFF,
        kind=DeviationKind.HOLD,
        occurred_on=today,
        planned_on=waiting.expected,
        opens=waiting.expected,
        closes=waiting.expected,
        days=max(0, (today - waiting.expected).days) or None,
        facts=told(*words_of_broken_off(waiting, done, today, reason.strip())),
    )
    draft_deviation(participant=record.participant, draft=draft, now=now)


def _lapse(record: Record, today: date, but: Sequence[Draft]) -> None:
    """Mark a drafted hold that is no longer one: the day chemotherapy was given for is kept after all.

    One after chemotherapy of another day goes too, unless that was given in a block that is repeated.
    """
    drafted = Deviation.objects.filter(participant=record.participant, kind=DeviationKind.HOLD)
    standing = drafted.filter(lapsed_on=None, withdrawn_on=None, actual_on=None).exclude(
        lapsed_because=Lapse.UPHELD
    )
    for draft in but:
        standing = standing.exclude(key__startswith=f"{draft.about}:")
    gone = [pk for pk, key in standing.values_list("pk", "key") if not _of_an_earlier_block(record, key)]
    if gone:
        Deviation.objects.filter(pk__in=gone).update(
            lapsed_on=today, lapsed_because=Lapse.KEPT, version=F("version") + 1
        )


def _of_an_earlier_block(record: Record, key: str) -> bool:
    """Whether a hold was one after chemotherapy that was given before it was repeated: that stays so."""
    # A key is kind, participant, the day on which chemotherapy began, and the evidence.
    began = date.fromisoformat(key.split(":")[2])
    given = Visit.objects.filter(participant=record.participant, attempt__lt=record.attempt)
    return given.filter(performed_on=began).exists()


def _flag(record: Record, waiting: Waiting | None, now: datetime, today: date) -> None:
    """Raise the flag once a hold lasts too long, make it graver beyond what is allowed, clear it after."""
    flags = Flag.objects.filter(participant=record.participant, kind=KIND)
    if waiting is None or not waiting.on_hold or today < waiting.escalates_on:
        flags.filter(cleared_at=None).update(cleared_at=now)
        return
    severity = Severity.CRITICAL if waiting.overrun(today) else Severity.WARNING
    key = f"{KIND}:{record.participant.pk}:{waiting.began}"
    values = {
        "severity": severity,
        "message": " ".join(map(str, words_of_hold(waiting, today))),
        "evidence": severity.value,
    }
    standing = flags.filter(key=key).first()
    if standing is None:
        Flag.objects.create(
            participant=record.participant,
            visit_id=_visit(record, waiting),
            key=key,
            kind=KIND,
            raised_at=now,
            **values,
        )
        return
    graver = standing.evidence != severity.value
    # Who cleared it has seen it so: it comes back only where the hold has grown graver, or was over since.
    if standing.cleared_at and standing.cleared_by_id and not graver:
        return
    fresh = {"cleared_at": None, "cleared_by": None, "cleared_reason": "", "raised_at": now}
    flags.filter(pk=standing.pk).update(**values, **(fresh if standing.cleared_at else {}))


def _visit(record: Record, waiting: Waiting) -> int | None:
    """The visit of the infusion itself: the live one on the very day that the others count from."""
    own = (visit for visit in record.visits if (visit.anchor_code, visit.offset) == (waiting.base, "P0D"))
    return next((visit.pk for visit in own if visit.live), None)
