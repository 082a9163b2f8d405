"""What a participant's visit card shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.models import Participant
from schedules.models import Visit, VisitPlace
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.stored_visits import lost_booking
from trials.domain.words import Say, plain
from trials.zones import zone_of

MOST = 8


@dataclass(frozen=True, slots=True)
class CardLine:
    """A visit to come: its booked day and hour, or the days of its window while it is not booked."""

    label: str
    on: date | None
    start: datetime | None
    place: str
    opens: date
    closes: date


@dataclass(frozen=True, slots=True)
class VisitCard:
    """The next visits of a participant, the first one apart; `printed` is the day at the site."""

    participant: Participant
    printed: date
    lines: Sequence[CardLine]

    @property
    def first(self) -> CardLine | None:
        """The next visit that is booked."""
        return next((line for line in self.lines if line.on), None)


def visit_card(participant: Participant, now: datetime, say: Say = plain) -> VisitCard:
    """Return the card of a participant with its site, in the language of `say`: MOST visits; one query."""
    today, zone = today_at(participant.site, now), zone_of(participant.site)
    running = Visit.objects.running().of(participant).not_closed_by(today)
    found = running.exclude(place=VisitPlace.WARD).select_related("booked_resource").order_by("target", "pk")
    lines = [_line(visit, today, say, zone) for visit in found[:MOST]]
    return VisitCard(participant, today, sorted(lines, key=lambda line: line.on or line.opens))


def _line(visit: Visit, today: date, say: Say, zone: ZoneInfo) -> CardLine:
    holds = visit.booked_on is not None and visit.booked_on >= today and not lost_booking(visit)
    start = visit.booked_start.astimezone(zone) if holds and visit.booked_start else None
    room = visit.booked_resource.name if visit.booked_resource else visit.booked_place
    return CardLine(
        *(say(visit.label), visit.booked_on if holds else None, start, room if holds else ""),
        *(visit.opens, visit.closes),
    )
