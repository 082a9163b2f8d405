"""The hold between chemotherapy and infusion: begun, ended, repeated or given up.

Once the first dose is given the infusion can only be delayed, resumed or abandoned. Its planned
day moves through a preview like every other; what a hold writes by itself is in `hold_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import CourseRefused
from participants.domain.facts import Event
from participants.domain.lifecycle import Step
from participants.models import Anchor, CourseStep, Participant
from schedules.domain.errors import ReplanningRefused
from schedules.domain.hold_clock import FEVER, Waiting
from schedules.models import Visit, new_uid
from schedules.selectors.course import zone_of
from schedules.selectors.holds import waiting_ids, waiting_of_participant
from schedules.selectors.records import Record, records_of
from schedules.services.course import StepRequest, take_step
from schedules.services.hold_rows import follow_hold
from schedules.services.plan_rows import VISIT_COLUMNS
from schedules.services.replanning import Preview, Proposal, commit_replanning, preview_of, replan_many
from schedules.services.surroundings import with_surroundings
from schedules.services.visit_writing import announce, lock_participant, write_visits
from schedules.services.windows import record_fact
from trials.acts import recorded
from trials.domain.errors import Stale
from trials.domain.protocol import Protocol
from trials.models import User
from trials.selectors import protocol_of

RECORD = "participants.participant"
BATCH = 100


@dataclass(frozen=True, slots=True)
class Resumption:
    """How a hold ends: on which day it is resumed, and when the infusion is to be given.

    `proposal` and `digest` are those of a preview, where the planned day moves; `despite` says that
    the clock without fever is not full and the infusion is planned all the same.
    """

    on: date
    proposal: Proposal | None = None
    digest: str = ""
    despite: bool = False


@recorded
def hold_infusion(
    *, participant: Participant, version: int, on: date, by: User | None, reason: str, now: datetime
) -> CourseStep:
    """Put the infusion on hold after chemotherapy began, with a reason; what is to come waits.

    Raises CourseRefused, and Stale unless the participant is in this version.
    """
    request = StepRequest(Step.HOLD, on)
    step = take_step(participant=participant, version=version, request=request, by=by, reason=reason, now=now)
    _follow(participant.pk, now)
    return step


@recorded
def record_fever(
    *, participant: Participant, at: datetime, by: User | None, now: datetime, reason: str = ""
) -> None:
    """Put on record when fever was last measured: the clock without fever starts again.

    Raises FactRefused for an instant in the future.
    """
    record_fact(participant=participant, fact=Event(FEVER, at), by=by, now=now, reason=reason)


@recorded
def resume_infusion(
    *,
    participant: Participant,
    version: int,
    resumption: Resumption,
    by: User | None,
    reason: str,
    now: datetime,
) -> CourseStep:
    """End a hold; where the infusion gets another day, that day was previewed and is committed with it.

    Raises CourseRefused, also while the clock without fever is not full on the day of the infusion,
    unless that is meant; Stale; and what `commit_replanning` raises.
    """
    waiting = _waiting(participant, version)
    preview = _committed(participant, resumption, by=by, reason=reason, now=now)
    day = preview.plan.anchors[waiting.base].day if preview else waiting.planned
    _refuse_too_early(waiting, day, resumption, participant, now)
    request = StepRequest(Step.RESUMPTION, resumption.on)
    present = _version(participant.pk)
    step = take_step(participant=participant, version=present, request=request, by=by, reason=reason, now=now)
    _follow(participant.pk, now)
    return step


@recorded
def abandon_infusion(
    *, participant: Participant, version: int, on: date, by: User | None, reason: str, now: datetime
) -> CourseStep:
    """Give the infusion up after chemotherapy: never infused, and what follows does not apply.

    Chemotherapy stays done. Raises CourseRefused and Stale.
    """
    _waiting(participant, version)
    request = StepRequest(Step.NEVER_INFUSED, on)
    step = take_step(participant=participant, version=version, request=request, by=by, reason=reason, now=now)
    _follow(participant.pk, now, abandoned=reason.strip())
    return step


@recorded
def repeat_lymphodepletion(
    *, participant: Participant, version: int, day_zero: date, by: User | None, reason: str, now: datetime
) -> CourseStep:
    """Plan chemotherapy again, as a new block before a new infusion; what was given stays on record.

    The block gets rows of its own, of the next attempt, and everything else goes over to that attempt.
    Raises CourseRefused where the new chemotherapy would begin before today, and Stale.
    """
    waiting = _waiting(participant, version)
    person = lock_participant(participant.pk)
    protocol = protocol_of(person.protocol_version)
    request = StepRequest(Step.RESUMPTION, now.astimezone(zone_of(person.site)).date())
    if waiting.since is None:  # delayed without having been put on hold
        hold = StepRequest(Step.HOLD, request.on)
        take_step(participant=person, version=version, request=hold, by=by, reason=reason, now=now)
        version = _version(person.pk)
    step = take_step(participant=person, version=version, request=request, by=by, reason=reason, now=now)
    _next_attempt(person, step, waiting, protocol, now)
    _plan_again(person, waiting, day_zero, by=by, reason=reason, now=now)
    _follow(person.pk, now)
    return step


@transaction.atomic
def preview_repeat(*, participant: Participant, day_zero: date, now: datetime) -> Preview:
    """What a repeated lymphodepletion before a new infusion would do; writes nothing.

    What was given stays on record with its attempt, and a new block is added. Raises CourseRefused.
    """
    waiting = _waiting(participant, _version(participant.pk))
    (record,) = records_of([participant.pk])
    block = _block_of(waiting, protocol_of(record.participant.protocol_version))
    record.anchors.pop(waiting.anchor, None)
    record.visits = [
        visit
        for visit in record.visits
        if visit.rule_code not in block or visit.live or visit.gone or visit.unscheduled
    ]
    anchor = RecordedAnchor(waiting.base, planned_on=day_zero)
    return with_surroundings(preview_of(record, Proposal(anchors={waiting.base: anchor}), now), now)


def sweep_holds(*, now: datetime) -> int:
    """Look at everybody who waits: days on hold go on, and what escalates is flagged. Gives how many."""
    ids = waiting_ids()
    for first in range(0, len(ids), BATCH):
        _sweep_batch(ids=ids[first : first + BATCH], now=now, by=None)
    return len(ids)


@recorded
def _sweep_batch(*, ids: list[int], now: datetime, by: User | None) -> None:
    for record in records_of(ids, lock=True):
        _follow_record(record, now)


def _follow(pk: int, now: datetime, *, abandoned: str = "") -> None:
    (record,) = records_of([pk])
    _follow_record(record, now, abandoned=abandoned)


def _follow_record(record: Record, now: datetime, *, abandoned: str = "") -> None:
    plan = preview_of(record, Proposal(), now).plan
    follow_hold(record, plan.protocol, plan.anchors, now, abandoned=abandoned)


def _waiting(participant: Participant, version: int) -> Waiting:
    """Where the participant waits, under their lock; raises CourseRefused where they do not, and Stale."""
    person = lock_participant(participant.pk)
    if person.version != version:
        raise Stale(RECORD, person.pk, version, person.version)
    waiting = waiting_of_participant(person)
    if waiting is None:
        message = _("This is for the time between the first chemotherapy and the infusion.")
        raise CourseRefused({"": [message]})
    return waiting


def _committed(
    participant: Participant, resumption: Resumption, *, by: User | None, reason: str, now: datetime
) -> Preview | None:
    if resumption.proposal is None:
        return None
    return commit_replanning(
        participant=participant,
        proposal=resumption.proposal,
        digest=resumption.digest,
        now=now,
        by=by,
        reason=reason,
    )


def _refuse_too_early(
    waiting: Waiting, day: date, resumption: Resumption, participant: Participant, now: datetime
) -> None:
    """Raise CourseRefused for an infusion before the clock without fever is full, unless that is meant."""
    zone = zone_of(participant.site)
    full = waiting.afebrile_at.astimezone(zone) if waiting.afebrile_at else None
    if full is None or full.date() <= day or resumption.despite:
        return
    words = {
        "passed": waiting.hours_afebrile(now),
        "hours": int(waiting.terms.hours_without_fever.total_seconds() // 3600),
        "full": f"{full:%Y-%m-%d %H:%M}",
    }
    message = _(
        "%(passed)d of %(hours)d hours without fever have passed; they are full on %(full)s. "
        "Give that day or a later one, or confirm that the infusion is meant to come before."
    )
    raise CourseRefused({"despite": [message % words]})


def _version(pk: int) -> int:
    return Participant.objects.values_list("version", flat=True).get(pk=pk)


def _next_attempt(
    person: Participant, step: CourseStep, waiting: Waiting, protocol: Protocol, now: datetime
) -> None:
    """Give the block rows of its own in the next attempt, and take everything else over to it.

    What was missed or cancelled of the first block stays so there: all of the new one is to come.
    """
    attempt, codes = step.attempt, _block_of(waiting, protocol)
    present = Visit.objects.filter(participant=person, attempt=attempt)
    ended = present.exclude(performed_on=None, missed_on=None, cancelled_on=None)
    used = list(ended.filter(rule_code__in=codes, unscheduled=False, applies=True))
    over = present.exclude(pk__in=[visit.pk for visit in used]).values_list("pk", flat=True)
    write_visits(person.pk, list(over), "moved", now, attempt=attempt + 1)
    again = Visit.objects.bulk_create(_copy(visit, attempt + 1, now) for visit in used)
    announce(person.pk, [visit.pk for visit in again], "added", now)
    step.attempt = attempt + 1
    step.save(update_fields=["attempt"])
    Anchor.objects.filter(participant=person, code=waiting.anchor).delete()  # it follows the infusion again


def _block_of(waiting: Waiting, protocol: Protocol) -> list[str]:
    """The visits of the block in which chemotherapy was given."""
    block = {rule.block for rule in protocol.visits if rule.block and rule.counts_from.code == waiting.anchor}
    return [rule.code for rule in protocol.visits if rule.block in block]


def _copy(visit: Visit, attempt: int, now: datetime) -> Visit:
    columns: Mapping[str, object] = {name: getattr(visit, name) for name in VISIT_COLUMNS}
    return Visit(**columns, attempt=attempt, uid=new_uid(), changed_at=now)


def _plan_again(
    person: Participant, waiting: Waiting, day_zero: date, *, by: User | None, reason: str, now: datetime
) -> None:
    """Plan around the new infusion; raises CourseRefused where chemotherapy would begin before today."""
    proposal = Proposal(anchors={waiting.base: RecordedAnchor(waiting.base, planned_on=day_zero)})
    proposals = {person.pk: proposal}
    try:
        (preview,) = replan_many(ids=[person.pk], proposals=proposals, now=now, by=by, reason=reason)
    except ReplanningRefused as refused:
        raise CourseRefused({"day_zero": [str(refused)]}) from refused
    begins = preview.plan.anchors[waiting.anchor].day
    if begins < preview.today:
        message = _("Chemotherapy would begin on %(begins)s, before today, %(today)s: give a later day.")
        raise CourseRefused({"day_zero": [message % {"begins": begins, "today": preview.today}]})
