"""Taking over what an EDC says where both do not agree, by the services of the screens."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.domain.visits.reported_values import ReportedField
from schedules.domain.visits.values import Completion
from schedules.models import Settlement, ValueDifference, Visit
from schedules.services.exchange.differences import open_difference, settle_difference
from schedules.services.exchange.reports import MISSED
from schedules.services.exchange.said_at_visits import Said, completion_on_record, put_said
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.visits.appointments import complete_visit, miss_visit, undo_visit
from trials.audit.acts import recorded
from trials.domain.errors import Stale
from trials.models import User
from trials.spoken import require_reason
from trials.zones import zone_of

_DAY = len("2026-12-07")


@recorded
def take_theirs(
    *,
    difference: ValueDifference,
    version: int,
    sure: bool,
    by: User | None,
    reason: str,
    now: datetime,
    theirs: str | None = None,
) -> ValueDifference:
    """Correct the record to what the EDC says, plan again what hangs on it, and settle the difference.

    `version` is that of the visit, or of the participant where an anchor differs. With another day what was
    done and said at the visit stays. `theirs` is the EDC's value as the person saw it. Raises as the services
    of the screens do, Stale, and Refused for a difference that is settled or has another value since.
    """
    require_reason(reason)
    row = open_difference(difference, theirs)
    if row.visit_id and row.item:
        said = Said(ReportedField(row.field), row.item, row.ours, row.theirs)
        put_said(visit=_visit(row), version=version, said=said, by=by, reason=reason, now=now)
    elif row.visit_id:
        _correct_visit(row, version, sure=sure, by=by, reason=reason, now=now)
    else:
        _correct_anchor(row, version, by=by, reason=reason, now=now)
    return settle_difference(difference=row, now=now, by=by, reason=reason, settlement=Settlement.THEIRS)


def _correct_visit(
    row: ValueDifference, version: int, *, sure: bool, by: User | None, reason: str, now: datetime
) -> None:
    visit = _visit(row)
    stood = completion_on_record(visit) if visit.performed_on else None
    visit = undo_visit(visit=visit, version=version, by=by, reason=reason, now=now)
    if row.theirs == MISSED:
        miss_visit(visit=visit, version=visit.version, by=by, reason=reason, now=now)
        return
    day, at = _read(row.theirs)
    said = _on_day(stood, day, zone_of(visit.participant.site)) if stood else Completion(on=day)
    done = replace(said, on=day, at=at, outside_reason=reason, sure=sure)
    complete_visit(visit=visit, version=visit.version, completion=done, by=by, reason=reason, now=now)


def _correct_anchor(
    row: ValueDifference, version: int, *, by: User | None, reason: str, now: datetime
) -> None:
    person = Participant.objects.select_related("site").get(pk=row.participant_id)
    if person.version != version:
        raise Stale("participants.participant", person.pk, version, person.version)
    stands = Anchor.objects.get(participant=person, code=row.anchor)
    day, at = _read(row.theirs)
    anchor = RecordedAnchor(
        row.anchor, stands.planned_on, stands.planned_at, day, at, zone_of(person.site).key if at else ""
    )
    proposal = Proposal(anchors={row.anchor: anchor}, accept_unbookable=True)
    shown = preview_replanning(participant=person, proposal=proposal, now=now)
    commit_replanning(
        participant=person, proposal=proposal, digest=shown.digest, now=now, by=by, reason=reason
    )


def _visit(row: ValueDifference) -> Visit:
    related = ("participant__trial", "participant__site", "participant__protocol_version")
    return Visit.objects.select_related(*related).get(differences=row)


def _on_day(stood: Completion, day: date, zone: ZoneInfo) -> Completion:
    """What was said at a visit, moved to another day with it: the hours of the day before are not known."""

    def hour(at: datetime | None) -> datetime | None:
        return at if at and at.astimezone(zone).date() == day else None

    answers = {code: replace(one, at=hour(one.at)) for code, one in (stood.activities or {}).items()}
    results = {code: replace(one, at=hour(one.at)) for code, one in stood.results.items()}
    return replace(stood, activities=answers or None, results=results)


def _read(value: str) -> tuple[date, datetime | None]:
    """A value as its day and, where it has one, its instant."""
    at = datetime.fromisoformat(value) if len(value) > _DAY else None
    return (date.fromisoformat(value[:_DAY]), at)
