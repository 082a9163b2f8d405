"""What a report says was done at a visit that is on record: compared with it, and put on record by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from participants.domain.fact_kinds import Confirmation, Event, Fact, FactKind, TestResult
from participants.domain.fact_rows import fact_of
from participants.models import Fact as StoredFact
from participants.selectors.participants import fact_row
from schedules.domain.errors import VisitRefused
from schedules.domain.visits.allowed_actions import refusals_of_completion
from schedules.domain.visits.reported_values import (
    BROKEN,
    DONE,
    KEPT,
    ReportedField,
    activity_read,
    activity_text,
    result_read,
    result_text,
)
from schedules.domain.visits.values import Answer, Completion, Sampled
from schedules.models import Visit, VisitActivity
from schedules.selectors.store.course import clock_at, history_of, standing_of, visit_under
from schedules.services.visits.activities import record_activity
from schedules.services.windows.facts import correct_fact, record_facts
from trials.models import User
from trials.spoken import refuse
from trials.zones import zone_of

KINDS = {
    ReportedField.RESULT: FactKind.TEST,
    ReportedField.CONFIRMED: FactKind.CONFIRMATION,
    ReportedField.EVENT: FactKind.EVENT,
}
"""The kind of the fact under which each of these is stored."""


@dataclass(frozen=True, slots=True)
class Said:
    """A value that a report has of a visit besides its day: of what, ours ("" for none on record), theirs."""

    field: ReportedField
    item: str
    ours: str
    theirs: str


def said_beside_the_day(visit: Visit, completion: Completion, now: datetime) -> list[Said]:
    """What a report says was done at a visit that is done, each beside what is on record of it.

    Raises VisitRefused for codes that the visit or the protocol does not have, for what was left without a
    reason and for an hour that cannot be. Reads nothing where the report says nothing.
    """
    said = (completion.activities, completion.results, completion.confirmed, completion.events)
    if not any(said):
        return []
    _refuse_unknown(visit, completion, now)
    zone = zone_of(visit.participant.site)
    ours = {**_activities(visit, zone), **_facts(visit, zone)}
    return [
        Said(field, item, ours.get((field, item), ""), theirs)
        for field, item, theirs in _theirs(completion, zone)
    ]


def put_said(*, visit: Visit, version: int, said: Said, by: User | None, reason: str, now: datetime) -> Visit:
    """Put a value that a report has on record, in place of ours where there is one: then with a reason.

    Raises as the services of the screens do, and Stale.
    """
    if said.field is ReportedField.ACTIVITY:
        answer, code = activity_read(said.theirs), said.item
        return record_activity(
            visit=visit, version=version, code=code, answer=answer, by=by, reason=reason, now=now
        )
    fact = _fact(visit, said)
    stood = (
        _standing(visit).filter(kind=KINDS[said.field], of=said.item).select_related("participant").first()
    )
    if stood:
        correct_fact(stored=stood, fact=fact, by=by, now=now, reason=reason, sure=True)
    else:
        record_facts(participant=visit.participant, facts=[fact], by=by, now=now, reason=reason, asked=True)
    visit.refresh_from_db()
    return visit


def completion_on_record(visit: Visit) -> Completion:
    """A done visit as it would be reported: its day, its hour, and all that was said at it."""
    zone = zone_of(visit.participant.site)
    answers = {
        one.code: Answer(one.done, one.reason, one.done_at)
        for one in VisitActivity.objects.filter(visit=visit)
    }
    # What was not said at the visit stays on record whatever becomes of it.
    said = [fact_of(fact_row(row), zone) for row in _standing(visit) if row.detail.get("visit") == visit.code]
    assert visit.performed_on is not None
    return Completion(
        on=visit.performed_on,
        at=visit.performed_at,
        activities=answers or None,
        confirmed={one.topic: one.holds for one in said if isinstance(one, Confirmation)},
        results={
            one.test: Sampled(one.result, one.taken_at if isinstance(one.taken_at, datetime) else None)
            for one in said
            if isinstance(one, TestResult) and one.result
        },
        events=frozenset(one.code for one in said if isinstance(one, Event)),
    )


def _refuse_unknown(visit: Visit, completion: Completion, now: datetime) -> None:
    standing = standing_of(visit.participant)
    state, clock = visit_under(visit, standing.protocol), clock_at(visit.participant.site, now)
    named = {f"activity-{code}" for code in completion.activities or ()}
    found = refusals_of_completion(state, completion, history_of(visit, standing), clock)
    stands = set(VisitActivity.objects.filter(visit=visit).values_list("code", flat=True))
    refuse(
        [
            one
            for one in found
            if (one.field == "activities" and one.values.get("activity") not in stands)
            or one.field in ("results", "events", *named)
            or one.field.startswith(("result-", "taken-"))
        ],
        VisitRefused,
    )


def _theirs(completion: Completion, zone: ZoneInfo) -> Iterator[tuple[ReportedField, str, str]]:
    for code, answer in (completion.activities or {}).items():
        yield ReportedField.ACTIVITY, code, activity_text(answer, zone)
    for code, sample in completion.results.items():
        yield ReportedField.RESULT, code, result_text(sample, zone)
    for code, holds in completion.confirmed.items():
        yield ReportedField.CONFIRMED, code, KEPT if holds else BROKEN
    for code in sorted(completion.events):
        yield ReportedField.EVENT, code, DONE


def _activities(visit: Visit, zone: ZoneInfo) -> dict[tuple[ReportedField, str], str]:
    rows = VisitActivity.objects.filter(visit=visit)
    return {
        (ReportedField.ACTIVITY, one.code): activity_text(Answer(one.done, one.reason, one.done_at), zone)
        for one in rows
    }


def _facts(visit: Visit, zone: ZoneInfo) -> dict[tuple[ReportedField, str], str]:
    found: dict[tuple[ReportedField, str], str] = {}
    for row in _standing(visit):
        fact = fact_of(fact_row(row), zone)
        if isinstance(fact, Confirmation):
            found[ReportedField.CONFIRMED, fact.topic] = KEPT if fact.holds else BROKEN
        elif isinstance(fact, TestResult):
            at = fact.taken_at if isinstance(fact.taken_at, datetime) else None
            found[ReportedField.RESULT, fact.test] = result_text(Sampled(fact.result or "", at), zone)
        elif isinstance(fact, Event):
            found[ReportedField.EVENT, fact.code] = DONE
    return found


def _standing(visit: Visit) -> QuerySet[StoredFact]:
    """What stands on record of tests, windows and events on the day of the visit, said at it or by itself."""
    facts = StoredFact.objects.filter(
        participant=visit.participant_id,
        kind__in=KINDS.values(),
        starts_on=visit.performed_on,
        withdrawn_at=None,
    )
    elsewhere = [row.pk for row in facts if row.detail.get("visit") not in (None, "", visit.code)]
    return facts.exclude(pk__in=elsewhere).order_by("pk")


def _fact(visit: Visit, said: Said) -> Fact:
    at = visit.performed_at or visit.performed_on
    assert at is not None
    if said.field is ReportedField.CONFIRMED:
        return Confirmation(said.item, at, visit.code, holds=said.theirs == KEPT)
    if said.field is ReportedField.EVENT:
        return Event(said.item, at, visit=visit.code)
    sample = result_read(said.theirs)
    return TestResult(said.item, sample.at or at, result=sample.result, visit=visit.code)
