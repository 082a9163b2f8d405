"""How a change of visits is written: under the participant's lock, seen by feeds, readers and the trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

from django.db.models import F, QuerySet

from participants.domain.lifecycle import NOT_APPLICABLE, Step
from participants.models import CourseStep, Participant
from schedules.domain.errors import VisitRefused
from schedules.models import CalendarState, ChangeEvent, Visit, VisitPreparation
from schedules.selectors.store.course import held_since, live_visits, waiting_visits
from schedules.services.reminders.sweeping import renew_reminders
from schedules.services.store.deviation_drafts import draft_of_visits
from schedules.services.store.evaluation_marks import mark_for_evaluation
from schedules.services.store.unscheduled_names import name_added
from trials.domain.errors import Stale
from trials.domain.refusals import Refusal
from trials.selectors.among import AmongMany
from trials.spoken import refuse, say

RECORD = "schedules.visit"
Value = date | datetime | str | bool | int | None
NO_BOOKING: dict[str, Value] = {
    "booked_on": None,
    "booked_start": None,
    "booked_end": None,
    "booked_zone": "",
    "booked_place": "",
    "booked_resource_id": None,
    "booked_staff_id": None,
    "outside_reason": "",
}
"""The columns of a visit that is not booked."""
NOT_ARRIVED: dict[str, Value] = {"arrived_on": None, "arrived_at": None, "arrived_zone": ""}
"""The columns of a visit for which nobody has come."""


def lock_participant(pk: int) -> Participant:
    """The participant, locked until the transaction ends: who changes a calendar takes this lock first."""
    # Not FOR UPDATE: rows that refer to the participant are inserted meanwhile by others, and would wait.
    # Two queries: one that waits and joins loses anyone who got another site or version meanwhile.
    Participant.objects.select_for_update(no_key=True).only("pk").get(pk=pk)
    related = Participant.objects.select_related("trial", "site", "protocol_version")
    return related.defer("protocol_version__document").get(pk=pk)


def lock_visit(pk: int, participant: int, version: int) -> Visit:
    """The visit as it stands, under its participant's lock; raises Stale unless it is in this version."""
    person = lock_participant(participant)
    visit = Visit.objects.get(pk=pk)
    if visit.version != version:
        raise Stale(RECORD, pk, version, visit.version)
    visit.participant = person
    return visit


@contextmanager
def asking(refusals: Sequence[Refusal]) -> Iterator[None]:
    """Raise VisitRefused for these in the end; what is refused inside is said beside them."""
    try:
        yield
    except VisitRefused as refused:
        fields = {name: list(messages) for name, messages in refused.fields.items()}
        for refusal in refusals:
            fields[refusal.field] = [refusal.text(say), *fields.get(refusal.field, [])]
        raise refused.said_as(fields) from refused
    refuse(refusals, VisitRefused)


def write_visit(visit: Visit, kind: str, now: datetime, **values: Value) -> None:
    """Set fields of one visit and let everybody see it: version, calendar, change event of this kind."""
    for name, value in {**values, **_raised(visit, now)}.items():
        setattr(visit, name, value)
    visit.save(update_fields=[*values, "version", "sequence", "changed_at"])
    announce(visit.participant_id, [visit.pk], kind, now)
    if visit.unscheduled:  # its number may have changed with its day
        visit.refresh_from_db(fields=["label", "epoch", "version", "sequence"])


def write_visits(participant: int, pks: Sequence[int], kind: str, now: datetime, **values: Value) -> None:
    """The same for several visits of one participant, in one statement."""
    if not pks:
        return
    Visit.objects.filter(pk__in=pks).update(
        **values, version=F("version") + 1, sequence=F("sequence") + 1, changed_at=now
    )
    announce(participant, pks, kind, now)
    draft_of_visits(pks, now)


def forget_preparations(visits: Sequence[int]) -> None:
    """Untick what was prepared for visits whose day is another one, or none, now: it was for that day."""
    if visits:
        VisitPreparation.objects.filter(AmongMany("visit_id", visits)).delete()


def cancelled_with(step: CourseStep, today: date) -> dict[str, Value]:
    """The fields of a visit that a step of the course cancels."""
    return {
        "cancelled_on": today,
        "cancelled_by_id": step.pk,
        "cancelled_reason": step.reason,
        "applies": Step(step.step) not in NOT_APPLICABLE,
    }


def keep_held(participant: Participant, now: datetime) -> None:
    """Hold what is planned to come for as long as the course is on hold, and nothing any longer.

    A visit that nobody planned does not wait for the infusion. The caller holds the participant's lock.
    """
    since = held_since(participant)
    if since:
        waiting = waiting_visits(live_visits(participant).filter(held_on=None))
        write_visits(participant.pk, _ids(waiting), "held", now, held_on=since)
    else:
        held = Visit.objects.filter(participant=participant, held_on__isnull=False, performed_on=None)
        write_visits(participant.pk, _ids(held), "resumed", now, held_on=None)


def _ids(visits: QuerySet[Visit]) -> list[int]:
    return list(visits.values_list("pk", flat=True))


def announce(participant: int, visits: Sequence[int], kind: str, now: datetime) -> None:
    """Raise the calendar's revision, and tell readers of changes; without visits, of the participant.

    What windows are judged by has changed with it: the next sweep judges them again. Visits that nobody
    planned are numbered by what happened before them, so their names are looked at too.
    """
    mark_for_evaluation([participant], now)
    name_added([participant], now)
    CalendarState.objects.filter(participant=participant).update(revision=F("revision") + 1, changed_at=now)
    renew_reminders([participant], now=now)
    pks: Sequence[int | None] = visits or [None]
    ChangeEvent.objects.bulk_create(
        ChangeEvent(kind=kind, participant_id=participant, visit_id=pk) for pk in pks
    )


def _raised(visit: Visit, now: datetime) -> dict[str, Value]:
    return {"version": visit.version + 1, "sequence": visit.sequence + 1, "changed_at": now}
