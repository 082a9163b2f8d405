"""The free text of old bookings, matched to a resource of the site by a person, and never guessed."""

from __future__ import annotations

from datetime import datetime

from schedules.models import Visit
from schedules.selectors.visits.places import unmatched_bookings
from schedules.services.store.visit_writing import lock_participant, write_visits
from trials.audit.acts import recorded
from trials.models import Resource, User


@recorded
def match_place(*, text: str, resource: Resource, by: User | None, reason: str = "", now: datetime) -> int:
    """Let the bookings to come that name this place take a resource of their site; return how many.

    The text of the place stays as it was written. Hours and other bookings are left alone: what clashes
    is shown in the calendar.
    """
    found = unmatched_bookings(resource.site_id).filter(booked_place=text)
    people: dict[int, list[int]] = {}
    for person, pk in found.order_by("participant_id", "pk").values_list("participant_id", "pk"):
        people.setdefault(person, []).append(pk)
    matched = 0
    for person, visits in people.items():
        lock_participant(person)
        still = Visit.objects.running().filter(pk__in=visits, booked_place=text, booked_resource=None)
        pks = list(still.values_list("pk", flat=True))
        write_visits(person, pks, "booked", now, booked_resource_id=resource.pk)
        matched += len(pks)
    return matched
