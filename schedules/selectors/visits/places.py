"""The places that bookings name in free text, where no resource of the site is chosen."""

from __future__ import annotations

from django.db.models import Count

from schedules.models import Visit
from schedules.models.visits import VisitQuerySet

MOST = 50


def unmatched_bookings(site: int) -> VisitQuerySet:
    """The bookings at a site (id) that name a place and take no resource."""
    booked = Visit.objects.running().filter(booked_on__isnull=False, booked_resource=None)
    return booked.filter(participant__site=site, participant__trial__frozen_on=None).exclude(booked_place="")


def places_to_match(site: int) -> list[tuple[str, int]]:
    """The places that such bookings name, MOST at most, with how many do, the commonest first; one query."""
    named = unmatched_bookings(site).order_by().values("booked_place").annotate(times=Count("pk"))
    found = named.order_by("-times", "booked_place")[:MOST]
    return [(row["booked_place"], row["times"]) for row in found]
