"""The hold between chemotherapy and infusion: begun, ended or given up; repeated, in `repetition`.

Once the first dose is given the infusion can only be delayed, resumed or abandoned. Its planned
day moves through a preview like every other; what a hold writes by itself is in `hold_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from participants.domain.errors import CourseRefused
from participants.domain.fact_kinds import Event
from participants.domain.lifecycle import Step
from participants.models import CourseStep, Participant
from schedules.domain.replanning.hold_clock import FEVER, Waiting
from schedules.selectors.readiness.holds import waiting_ids, waiting_of_participant
from schedules.selectors.store.records import records_of
from schedules.services.course.status_changes import StepRequest, locked, take_step
from schedules.services.replanning.hold_rows import follow_record
from schedules.services.replanning.moves import Preview, Proposal, commit_replanning
from schedules.services.windows.facts import record_fact
from trials.audit.acts import recorded
from trials.bounded import HasTime, always
from trials.domain.protocols.treatment_names import start_of_treatment
from trials.domain.words import iso_point
from trials.models import User
from trials.selectors.records import protocol_of
from trials.spoken import say
from trials.zones import zone_of

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
    return take_step(participant=participant, version=version, request=request, by=by, reason=reason, now=now)


@recorded
def record_fever(
    *,
    participant: Participant,
    at: datetime,
    by: User | None,
    now: datetime,
    reason: str = "",
    sure: bool = False,
) -> None:
    """Put on record when fever was last measured: the clock without fever starts again.

    Raises FactRefused for an instant in the future, and for an unlikely day as `record_fact`.
    """
    fever = Event(FEVER, at)
    record_fact(participant=participant, fact=fever, by=by, now=now, reason=reason, sure=sure)


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
    waiting = waiting_now(participant, version)
    preview = _committed(participant, resumption, by=by, reason=reason, now=now)
    day = preview.plan.anchors[waiting.base].day if preview else waiting.planned
    _refuse_too_early(waiting, day, resumption, participant, now)
    request = StepRequest(Step.RESUMPTION, resumption.on)
    # The version that was shown was asked for above; moving the infusion has raised it since.
    present = Participant.objects.values_list("version", flat=True).get(pk=participant.pk)
    return take_step(participant=participant, version=present, request=request, by=by, reason=reason, now=now)


@recorded
def abandon_infusion(
    *, participant: Participant, version: int, on: date, by: User | None, reason: str, now: datetime
) -> CourseStep:
    """Give the infusion up after chemotherapy: never infused, and what follows does not apply.

    Chemotherapy stays done. Raises CourseRefused and Stale.
    """
    waiting_now(participant, version)
    request = StepRequest(Step.NEVER_INFUSED, on)
    return take_step(participant=participant, version=version, request=request, by=by, reason=reason, now=now)


def sweep_holds(*, now: datetime, after: int = 0, has_time: HasTime = always) -> int:
    """Look at everybody who waits: days on hold go on, and what escalates is flagged.

    Begins behind the participant `after`. Gives the last one looked at where the time was over before the
    last, 0 where all were looked at.
    """
    ids = sorted(pk for pk in waiting_ids() if pk > after)
    for first in range(0, len(ids), BATCH):
        if not has_time():
            return ids[first - 1] if first else after
        _sweep_batch(ids=ids[first : first + BATCH], now=now, by=None)
    return 0


@recorded
def _sweep_batch(*, ids: list[int], now: datetime, by: User | None) -> None:
    for record in records_of(ids, lock=True):
        follow_record(record, now)


def waiting_now(participant: Participant, version: int) -> Waiting:
    """Where the participant waits, under their lock; raises CourseRefused where they do not, and Stale."""
    person = locked(participant, version)
    waiting = waiting_of_participant(person)
    if waiting is None:
        given, awaited = start_of_treatment(protocol_of(person.protocol_version))
        message = _("This is for the time between %(given)s and %(awaited)s.")
        raise CourseRefused({"": [message % {"given": say(given), "awaited": say(awaited)}]})
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
        "full": iso_point(full, say),
        "awaited": say(waiting.awaited),
    }
    message = _(
        "%(passed)d of %(hours)d hours without fever have passed; they are full on %(full)s. "
        "Give that day or a later one, or confirm that the %(awaited)s is meant to come before."
    )
    raise CourseRefused({"despite": [message % words]})
