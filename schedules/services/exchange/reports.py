"""What an EDC reports of visits and anchors, by the same services as the screens.

A report of what is on record already changes nothing; one that differs from it is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Visit
from schedules.services.exchange.differences import Reported, ValuesDiffer, agree, keep_difference
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    unbook_visit,
    undo_visit,
)
from trials.domain.errors import Refused, Stale
from trials.models import User
from trials.selectors.records import protocol_of

Act = Completion | Booking | str
"""What is reported: done, booked, or the name of an act that needs a reason alone."""

REASONED: Mapping[str, Callable[..., Visit]] = {
    "missed": miss_visit,
    "cancelled": cancel_visit,
    "unbooked": unbook_visit,
    "restored": undo_visit,
}


@dataclass(frozen=True, slots=True)
class Report:
    """One report of one visit: what, why, by which client, and from where."""

    act: Act
    reason: str = ""
    client: str = ""
    source: dict[str, Any] = field(default_factory=dict)


def report_visit(*, visit: Visit, version: int, report: Report, by: User | None, now: datetime) -> Visit:
    """Put a report of a visit on record; raises as the services of the screens do.

    What is on record already is left as it is. Raises Stale, and ValuesDiffer where it was done on another
    day: the difference is kept unless the caller's transaction is rolled back.
    """
    if visit.version != version:
        raise Stale("schedules.visit", visit.pk, version, visit.version)
    shared: dict[str, Any] = {"visit": visit, "version": version, "by": by, "now": now}
    act = report.act
    if isinstance(act, Completion):
        if visit.performed_on is None:
            return complete_visit(**shared, completion=act, reason=report.reason)
        reported = _reported(visit, act.on, report)
        if visit.performed_on != act.on:
            raise ValuesDiffer(_kept(visit.participant, visit.performed_on, reported, by, now))
        agree(participant=visit.participant, reported=reported, by=by, now=now)
        return visit
    if isinstance(act, Booking):
        stands = (visit.booked_on, visit.booked_start, visit.booked_end, visit.booked_place)
        taken = (visit.booked_resource_id, visit.booked_staff_id)
        if (*stands, *taken) == (act.on, act.start, act.end, act.place.strip(), act.resource, act.staff):
            return visit
        return book_visit(**shared, booking=act, reason=report.reason)
    if act == "missed" and visit.missed_on is not None:
        return visit
    return REASONED[act](**shared, reason=report.reason)


def report_anchor(
    *, participant: Participant, anchor: RecordedAnchor, report: Report, by: User | None, now: datetime
) -> None:
    """Put the actual day of an anchor on record, and re-plan what hangs on it.

    Raises ValuesDiffer where another day is on record, Refused for an anchor that the protocol does not
    have, and as `record_anchor`.
    """
    codes = protocol_of(participant.protocol_version).anchor_by_code
    if anchor.code not in codes:
        words = _("%(code)s is no anchor of this protocol; possible are %(possible)s.")
        raise Refused({"code": [words % {"code": anchor.code, "possible": ", ".join(codes)}]})
    stands = Anchor.objects.filter(participant=participant, code=anchor.code).first()
    day = anchor.actual_on
    reported = Reported("actual_on", str(day), report.client, anchor=anchor.code, source=report.source)
    if stands and stands.actual_on:
        if stands.actual_on != day:
            raise ValuesDiffer(_kept(participant, stands.actual_on, reported, by, now))
        agree(participant=participant, reported=reported, by=by, now=now)
        return
    record_anchor(participant=participant, anchor=anchor, now=now, by=by, reason=report.reason)


def _reported(visit: Visit, day: date, report: Report) -> Reported:
    return Reported("performed_on", str(day), report.client, visit=visit, source=report.source)


def _kept(participant: Participant, ours: date, reported: Reported, by: User | None, now: datetime) -> Any:
    return keep_difference(participant=participant, ours=str(ours), reported=reported, now=now, by=by)
