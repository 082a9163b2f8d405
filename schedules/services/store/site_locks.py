"""The locks that a site's days are changed and taken up under, in one order: the site, then its people.

Anyone who is planned while the days change waits for them, or is among those who are planned again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from participants.models import Participant
from schedules.models import Visit
from trials.models import Site


def lock_sites(sites: Collection[int]) -> None:
    """Lock these sites until the transaction ends: nobody is planned there meanwhile by other days."""
    _take(Site.objects.filter(pk__in=sites).order_by("pk").select_for_update(no_key=True))


def lock_people_at(site: int) -> None:
    """Lock a site and everybody there with a visit to come; those of a frozen trial are left alone."""
    lock_sites([site])
    live = Visit.objects.live().filter(participant=OuterRef("pk"))
    people = Participant.objects.filter(Exists(live), site=site, trial__frozen_on=None).order_by("pk")
    _take(people.select_for_update(of=("self",), no_key=True))


def _take(rows: QuerySet[Any]) -> None:
    list(rows.values_list("pk", flat=True))
