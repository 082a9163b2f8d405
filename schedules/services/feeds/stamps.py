"""The stamps of calendar entries, kept from one fetch to the next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from participants.models import Participant
from schedules.ical.stamps import Stamp, next_stamp, stamped
from schedules.ical.visits import ShownVisit
from schedules.models import VisitStamp
from trials.domain.release import RELEASE

WORDING = 1
"""Raise it with every change of how entries are worded between two releases."""

EDITION = f"{RELEASE}/{WORDING}"
_COLUMNS = ("digest", "edition", "sequence", "changed_at")


def restamp(
    visits: Iterable[ShownVisit], participants: QuerySet[Participant], now: datetime
) -> list[ShownVisit]:
    """Give these visits of these participants, each with the stamp of what it shows; keep new ones.

    Two queries, however many visits.
    """
    shown = list(visits)
    known = _known(participants)
    stamps = {visit.pk: next_stamp(visit, known.get(visit.pk), EDITION, now) for visit in shown}
    _keep({pk: stamp for pk, stamp in stamps.items() if stamp != known.get(pk)})
    return [stamped(visit, stamps[visit.pk]) for visit in shown]


def _known(participants: QuerySet[Participant]) -> dict[int, Stamp]:
    rows = VisitStamp.objects.filter(visit__participant__in=participants).values_list("visit", *_COLUMNS)
    return {pk: Stamp(*columns) for pk, *columns in rows}


@transaction.atomic
def _keep(stamps: dict[int, Stamp]) -> None:
    """Write in one order, so that two fetches at once wait for each other and never for each other's rows."""
    rows = [
        VisitStamp(visit_id=pk, **{name: getattr(stamps[pk], name) for name in _COLUMNS})
        for pk in sorted(stamps)
    ]
    VisitStamp.objects.bulk_create(
        rows, batch_size=500, update_conflicts=True, unique_fields=["visit"], update_fields=_COLUMNS
    )
