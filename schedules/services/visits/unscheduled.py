"""Visits that no rule of the protocol asks for: in between, and at an early end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max
from django.utils.translation import gettext as _

from participants.domain.errors import CourseRefused
from participants.models import Participant
from participants.selectors.participants import anchor_days
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.recorded_anchors import anchor_day
from schedules.domain.visits.allowed_actions import refusals_of_added
from schedules.domain.visits.values import Booking
from schedules.domain.visits.visit import EARLY_TERMINATION, UNSCHEDULED
from schedules.models import Basis, Visit, VisitPlace, VisitTiming
from schedules.selectors.store.course import CourseState, clock_at, history_of, standing_of
from schedules.services.store.unscheduled_names import name_new
from schedules.services.store.visit_writing import announce, lock_participant
from schedules.services.visits.clashing import refusals_of_clashes
from trials.audit.acts import recorded
from trials.domain.protocols.offsets import Offset, Unit
from trials.models import User
from trials.spoken import refuse, sentence
from trials.zones import zone_of


@dataclass(frozen=True, slots=True)
class Unscheduled:
    """A visit in between: when, where, and at which kind of place."""

    booking: Booking
    place: VisitPlace = VisitPlace.CLINIC


@recorded
def add_unscheduled(
    *, participant: Participant, asked: Unscheduled, by: User | None, reason: str, now: datetime
) -> Visit:
    """A visit that the protocol did not plan, numbered after what went before it: Unscheduled 28.1.

    On a day to come it is booked; one that is over waits to be completed. Raises VisitRefused
    without a reason, and for a day on which no visit can be: after a death, or to come after an
    end of all contact.
    """
    standing = standing_of(lock_participant(participant.pk))
    day, today = asked.booking.on, clock_at(standing.participant.site, now).today
    visit = _beside(standing, UNSCHEDULED, day, day)
    refuse(refusals_of_added(asked.booking, history_of(visit, standing), reason, today), VisitRefused)
    visit.place = asked.place
    if day >= today:
        refuse(refusals_of_clashes(visit, asked.booking, reason), VisitRefused)
        visit.booked_resource_id, visit.booked_staff_id = asked.booking.resource, asked.booking.staff
        visit.booked_on, visit.booked_place = day, asked.booking.place.strip()
        visit.booked_start, visit.booked_end = asked.booking.start, asked.booking.end
        if asked.booking.start:
            visit.booked_zone = zone_of(standing.participant.site).key
    name_new(visit, standing.protocol)
    _add(visit, now)
    return visit


def add_early_termination(
    *, standing: CourseState, on: date, seen_by: date | None, now: datetime
) -> Visit | None:
    """The visit of somebody who ends early, on any day until `seen_by`; none where no day is given.

    Raises CourseRefused for a day before the end.
    """
    if seen_by is None:
        return None
    if seen_by < on:
        message = _("%(day)s is before the early termination on %(on)s: give that day or a later one.")
        raise CourseRefused({"seen_by": [sentence(message, {"day": seen_by, "on": on})]})
    visit = _beside(standing, EARLY_TERMINATION, on, seen_by)
    again = f"-{visit.occurrence}" if visit.occurrence > 1 else ""
    visit.code, visit.label = f"{EARLY_TERMINATION}{again}", "Early termination"
    visit.timing, visit.epoch = VisitTiming.WITHIN, standing.protocol.epochs[-1].code
    _add(visit, now)
    return visit


def _beside(standing: CourseState, kind: str, opens: date, closes: date) -> Visit:
    """A visit beside the protocol, counted from day zero, not stored yet."""
    person, zero = standing.participant, standing.protocol.day_zero
    base = anchor_day(anchor_days(person)[zero], zone_of(person.site))
    assert base is not None, "nobody is enrolled without a day zero"
    others = Visit.objects.filter(participant=person, rule_code=kind, attempt=standing.attempt)
    last = others.aggregate(last=Max("occurrence"))["last"] or 0  # screened again, some come from before
    return Visit(
        participant=person,
        code=f"{kind}-{last + 1}",
        rule_code=kind,
        occurrence=last + 1,
        attempt=standing.attempt,
        timing=VisitTiming.OFFSET,
        place=VisitPlace.CLINIC,
        anchor_code=zero,
        anchor_on=base.day,
        anchor_at=base.at,
        anchor_kind=base.kind.value,
        offset=Offset((opens - base.day).days, Unit.DAYS).iso,
        opens=opens,
        target=opens,
        closes=closes,
        suggested=opens,
        timing_basis=Basis.ASSUMED,
        unscheduled=True,
    )


def _add(visit: Visit, now: datetime) -> None:
    visit.changed_at = now
    visit.save()
    announce(visit.participant_id, [visit.pk], "added", now)
