"""Participants between the first chemotherapy and the infusion, as their record has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Subquery

from participants.domain.fact_kinds import Event
from participants.domain.lifecycle import Step
from participants.domain.moments import DAY, first_instant
from participants.models import CourseStep, Participant
from participants.selectors.participants import course_ended
from schedules.domain.deviations.drafts import DeviationKind
from schedules.domain.plan.anchors import as_given, follow, resolve_anchors
from schedules.domain.plan.values import AnchorDay
from schedules.domain.replanning.hold_clock import FEVER, Waiting, waiting_of
from schedules.domain.replanning.hold_wording import BROKEN_OFF
from schedules.domain.visits.order import anchors_of_rule
from schedules.models import Deviation, Visit
from schedules.selectors.store.first_days import STEPS
from schedules.selectors.store.records import Record, record_of
from trials.selectors.records import protocol_of


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether a course is on hold, since when, and whether it has ended."""

    since: date | None = None
    ended: bool = False


def waiting_of_participant(participant: Participant) -> Waiting | None:
    """Where one participant's course waits; None where it does not."""
    record = record_of(participant.pk)
    pause = pause_of(participant.pk)
    if pause.ended:
        return None
    protocol = as_given(protocol_of(record.participant.protocol_version), record.known)
    traits = protocol.effective_traits(frozenset(record.participant.traits))
    anchors = resolve_anchors(protocol, record.anchor_days({}), traits, record.known)
    return waiting_of(protocol, anchors, pause.since, fever_in(record))


def pause_of(participant: int) -> Pause:
    """How the steps of a participant's course leave it; one query."""
    steps = CourseStep.objects.filter(participant=participant, undone=False, step__in=STEPS).order_by("pk")
    return pause_after(steps)


def pause_after(steps: Iterable[CourseStep]) -> Pause:
    """How the steps of a course that stand leave it, in their order."""
    since, ended = None, False
    for step in steps:
        since = step.happened_on if step.step == Step.HOLD else None
        ended = step.taken.ends_course
    return Pause(since, ended)


def expected_before(participant: Participant) -> date | None:
    """The infusion that the chemotherapy was given for which was last repeated; None where none was."""
    protocol = protocol_of(participant.protocol_version)
    rules = protocol.visit_by_code
    done = Visit.objects.of(participant).done().asked_for()
    for start in (rule for rule in protocol.anchors if rule.point_of_no_return and rule.derived):
        for visit in done.order_by("-attempt", "performed_on"):
            began = visit.performed_on
            if began and start.code in anchors_of_rule(rules.get(visit.rule_code), visit.occurrence):
                assert start.derived is not None, "only such anchors are looked at"
                implied = follow(AnchorDay(began), start.derived.offset, protocol).day
                return began + (began - implied)
    return None


def waiting_ids() -> list[int]:
    """The participants on hold, and those whose infusion slips: few, found without reading the others.

    Those of a frozen trial are left as they are.
    """
    steps = CourseStep.objects.filter(undone=False, step__in=STEPS, participant__trial__frozen_on=None)
    latest = steps.filter(participant=OuterRef("participant")).order_by("-pk")
    held = Visit.objects.filter(participant=OuterRef("participant"), held_on__isnull=False)
    on_hold = steps.filter(Exists(held), step=Step.HOLD, pk=Subquery(latest.values("pk")[:1]))
    slips = Deviation.objects.filter(
        kind=DeviationKind.HOLD,
        actual_on=None,
        withdrawn_on=None,
        lapsed_on=None,
        participant__trial__frozen_on=None,
    )
    over = steps.filter(course_ended(), pk=Subquery(latest.values("pk")[:1]))
    # A key ends with its evidence: after a block that was broken off nobody waits for its infusion.
    slips = slips.exclude(key__endswith=f":{BROKEN_OFF}")
    slipping = slips.exclude(participant__in=over.values("participant"))
    found = (
        on_hold.values_list("participant_id", flat=True),
        slipping.values_list("participant_id", flat=True),
    )
    return sorted({pk for ids in found for pk in ids})


def fever_in(record: Record) -> datetime | None:
    """The last fever, in the site's zone; a day without an hour counts to its end."""
    fevers = [fact.at for fact in record.facts.occurrences if isinstance(fact, Event) and fact.code == FEVER]
    instants = [at if isinstance(at, datetime) else first_instant(at + DAY, record.zone) for at in fevers]
    return max(instants).astimezone(record.zone) if instants else None
