"""Where a visit stands in the words of EDC systems, beside our own two axes.

OpenClinica, Rave and their like know an event as not scheduled, scheduled, completed, skipped or stopped
(OpenClinica 4, "Event Status"). What is recorded decides, never the day: an EDC keeps such a word until it
is told another.
"""

from __future__ import annotations

from enum import StrEnum

from schedules.domain.visits.visit import VisitState


class EdcStatus(StrEnum):
    """The word of an EDC for a visit."""

    NOT_SCHEDULED = "not-scheduled"
    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    STOPPED = "stopped"


def edc_status(visit: VisitState) -> EdcStatus:
    """Say where a visit stands as an EDC says it.

    Stopped is what the end of a participant's course cancelled; skipped what was missed or cancelled by
    itself, or is not asked of this participant. A booking that its window has left is no schedule.
    """
    if visit.performed_on is not None:
        return EdcStatus.COMPLETED
    if visit.cancelled_on is not None or not visit.applies:
        return EdcStatus.SKIPPED if visit.cancelled_by_id is None else EdcStatus.STOPPED
    if visit.missed_on is not None:
        return EdcStatus.SKIPPED
    if visit.arrived_on is not None or (visit.booked_on is not None and not visit.booking_lost):
        return EdcStatus.SCHEDULED
    return EdcStatus.NOT_SCHEDULED
