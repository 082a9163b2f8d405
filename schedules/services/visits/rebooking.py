"""Bookings that a change of dates leaves behind are made again by the same act, on the days suggested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.visits.date_strip import day_to_offer
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.selectors.store.stored_visits import lost_booking, window_of
from schedules.services.replanning.moves import Proposal, commit_replanning
from schedules.services.replanning.previews import Preview, calendar_for
from schedules.services.visits.appointments import book_visit
from trials.audit.acts import recorded
from trials.domain.protocols.protocol import Place
from trials.domain.sites.wall_clock import HourError, instant_at, later
from trials.domain.sites.working_days import WorkingDays
from trials.models import User
from trials.zones import zone_of


@dataclass(frozen=True, slots=True)
class Rebooking:
    """A booking to be made again: the visit's code and label, and its new day; None where no day is left."""

    code: str
    label: str
    on: date | None


def rebookings_of(preview: Preview) -> list[Rebooking]:
    """Return the bookings that would be left behind, each with the day on which it would be made again."""
    calendar = calendar_for(preview.record, preview.proposal)
    places = {visit.code: visit.place for visit in preview.record.visits}
    found = []
    for change in preview.visits:
        if not change.orphans_booking or change.after is None:
            continue
        place = Place(places.get(change.code, Place.CLINIC.value))
        on = day_to_offer(change.after, place, calendar, preview.today, change.suggested[1])
        found.append(Rebooking(change.code, change.label, on))
    return found


@recorded
def replan_and_rebook(
    *,
    participant: Participant,
    proposal: Proposal,
    digest: str,
    now: datetime,
    by: User | None,
    reason: str,
) -> list[Rebooking]:
    """Change dates as they were shown, and make the bookings that were left behind again, all in one act.

    Each keeps its hour, length, room and person; where those are taken, the day alone. `on` is None for
    one that could not be made again. Raises what `commit_replanning` raises; then nothing is changed.
    """
    committed = commit_replanning(
        participant=participant, proposal=proposal, digest=digest, now=now, by=by, reason=reason
    )
    calendar = calendar_for(committed.record, committed.proposal)
    shown = [one.code for one in rebookings_of(committed)]
    left = Visit.objects.running().filter(participant=participant, booked_on__isnull=False, code__in=shown)
    done = []
    for pk in list(left.order_by("target", "pk").values_list("pk", flat=True)):
        # the booking before it may have moved it: it is read again
        visit = Visit.objects.select_related("participant__site").get(pk=pk)
        if lost_booking(visit):
            on = _booked_again(visit, calendar, (committed.today, now), by, reason)
            done.append(Rebooking(visit.code, visit.label, on))
    return done


def _booked_again(
    visit: Visit, calendar: WorkingDays | None, at: tuple[date, datetime], by: User | None, reason: str
) -> date | None:
    today, now = at
    on = day_to_offer(window_of(visit), Place(visit.place), calendar, today, visit.suggested)
    if on is None:
        return None
    for booking in (*_as_before(visit, on), Booking(on, sure=True)):
        fresh = Visit.objects.select_related("participant").get(pk=visit.pk)
        try:
            book_visit(visit=fresh, version=fresh.version, booking=booking, by=by, reason=reason, now=now)
        except VisitRefused:
            continue
        return on
    return None


def _as_before(visit: Visit, on: date) -> Iterator[Booking]:
    """The booking of a visit on another day, at the same hour by the clocks of its site, where that is one.

    Where the clocks change on that day the hour may not exist, or come twice and nobody said which.
    """
    zone, start, end = zone_of(visit.participant.site), visit.booked_start, visit.booked_end
    try:
        begins = instant_at(on, start.astimezone(zone).time(), zone) if start else None
    except HourError:
        return
    length: timedelta | None = end - start if start and end else None
    yield Booking(
        on,
        begins,
        later(begins, length) if begins and length else None,
        visit.booked_place,
        sure=True,
        resource=visit.booked_resource_id,
        staff=visit.booked_staff_id,
    )
