"""The point of no return on record: with the list of what was known, and the reason where it said no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from participants.domain.anchors import RecordedAnchor
from participants.domain.consents import ConsentState
from participants.domain.lifecycle import phase_of
from participants.models import Participant
from participants.selectors.consents import consent_standing
from schedules.domain.plan.values import AnchorKind, Plan
from schedules.domain.readiness.checklist import Readiness, readiness_of
from schedules.domain.readiness.start_context import Item, Start, start_codes
from schedules.models import ReadinessCheck
from schedules.selectors.readiness.start_context import start_of
from schedules.selectors.store.course import course_of, standing_of
from trials.audit.acts import recorded
from trials.models import User


def start_put_on_record(
    plan: Plan, before: Mapping[str, RecordedAnchor], after: Mapping[str, RecordedAnchor]
) -> tuple[str, date] | None:
    """The point of no return, where these anchors put its actual day on record, or correct it to another."""
    codes = start_codes(plan)
    stood = {code: day for code in codes if code in before and (day := before[code].actual_on)}
    days = ((code, after[code].actual_on) for code in stood or codes if code in after)
    return next(((code, day) for code, day in days if day and day != stood.get(code)), None)


def readiness_at(participant: Participant, plan: Plan, start: tuple[str, date], now: datetime) -> Readiness:
    """The list for a start on record: of `plan`, at `start` (its anchor and day).

    Anyone who was to begin on the same day and has not closes no gate. Where the day is corrected, the course
    that has gone on from it says nothing of how it began; nor does what became of course and consent since.
    """
    anchor, day = start
    known = _as_it_stood(start_of(participant, now), participant, day)
    stood = known.anchors.get(anchor)
    corrected = stood is not None and stood.kind is AnchorKind.ACTUAL
    known = replace(known, cohorts=known.cohorts.at_start(day, known.others_begun))
    lines = readiness_of(known, plan, day)
    kept = tuple(line for line in lines if line.item is not Item.COURSE or not corrected)
    return Readiness(day, kept, plan, anchor)


def _as_it_stood(known: Start, participant: Participant, day: date) -> Start:
    """What was known, with the course and the consent of a day that is over."""
    person = known.person
    if person is None or day >= known.today:
        return known
    consent, standing = consent_standing(participant, day), standing_of(participant)
    taken = [step for step in standing.steps if step.happened_on <= day]
    phase = phase_of(course_of(replace(standing, steps=taken)))
    if consent.state is ConsentState.MISSING:  # one that came after the start is named by its day
        consent = person.consent
    return replace(known, person=replace(person, consent=consent, phase=phase))


@recorded
def check_start(
    *,
    participant: Participant,
    plan: Plan,
    start: tuple[str, date],
    by: User | None,
    reason: str,
    now: datetime,
) -> ReadinessCheck:
    """Keep the list of what was known when chemotherapy, or the infusion without it, began.

    `plan` is the calendar with the start, `start` its anchor and day; `reason` why it began where a line
    says no. Callers have asked for it.
    """
    anchor, day = start
    readiness = readiness_at(participant, plan, start, now)
    return ReadinessCheck.objects.create(
        participant=participant,
        for_day=day,
        checked_at=now,
        checked_by=by,
        verdicts={
            "answer": readiness.answer.value,
            "anchor": anchor,
            "reason": reason.strip(),
            "lines": readiness.document(),
        },
    )
