"""Participants between the first chemotherapy and the infusion, as their record has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Subquery

from participants.domain.facts import Event
from participants.domain.lifecycle import Step
from participants.domain.points import DAY, first_instant
from participants.models import CourseStep, Participant
from schedules.domain.anchors import resolve_anchors
from schedules.domain.deviations import DeviationKind
from schedules.domain.hold_clock import FEVER, Waiting, waiting_of
from schedules.models import Deviation, Visit
from schedules.selectors.course import STEPS
from schedules.selectors.records import Record, records_of
from trials.selectors import protocol_of


def waiting_in(record: Record, since: date | None) -> Waiting | None:
    """Where the course on a record waits; `since` is the day on which it was put on hold, if it was."""
    protocol = protocol_of(record.participant.protocol_version)
    traits = protocol.effective_traits(frozenset(record.participant.traits))
    anchors = resolve_anchors(protocol, record.anchor_days({}), traits, record.known)
    return waiting_of(protocol, anchors, since, fever_in(record))


def waiting_of_participant(participant: Participant) -> Waiting | None:
    """Where one participant's course waits; None where it does not."""
    (record,) = records_of([participant.pk])
    return waiting_in(record, held_since([participant.pk]).get(participant.pk))


def held_since(ids: Iterable[int]) -> dict[int, date]:
    """The days on which these participants were put on hold, as far as they still are; one query."""
    steps = CourseStep.objects.filter(participant__in=ids, undone=False, step__in=STEPS).order_by("pk")
    found: dict[int, date] = {}
    for step in steps:
        if step.step == Step.HOLD:
            found[step.participant_id] = step.happened_on
        else:
            found.pop(step.participant_id, None)
    return found


def waiting_ids() -> list[int]:
    """The participants on hold, and those whose infusion slips: few, found without reading the others."""
    steps = CourseStep.objects.filter(undone=False, step__in=STEPS)
    latest = steps.filter(participant=OuterRef("participant")).order_by("-pk")
    held = Visit.objects.filter(participant=OuterRef("participant"), held_on__isnull=False)
    on_hold = steps.filter(Exists(held), step=Step.HOLD, pk=Subquery(latest.values("pk")[:1]))
    slips = Deviation.objects.filter(
        kind=DeviationKind.HOLD, actual_on=None, withdrawn_on=None, lapsed_on=None
    )
    ids = {*on_hold.values_list("participant_id", flat=True), *slips.values_list("participant_id", flat=True)}
    return sorted(ids)


def fever_in(record: Record) -> datetime | None:
    """The last fever, in the site's zone; a day without an hour counts to its end."""
    fevers = [fact.at for fact in record.facts.occurrences if isinstance(fact, Event) and fact.code == FEVER]
    instants = [at if isinstance(at, datetime) else first_instant(at + DAY, record.zone) for at in fevers]
    return max(instants).astimezone(record.zone) if instants else None
