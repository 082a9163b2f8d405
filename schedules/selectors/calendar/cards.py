"""What a participant's visit card shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from participants.models import Participant
from schedules.models import Visit, VisitPlace
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.stored_visits import lost_booking
from trials.domain.words import Say, plain
from trials.zones import zone_of

MOST = 8
_READ = 40
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CardLine:
    """A visit to come: its booked day and hour, or the days of its window while it is not booked.

    Days on the ward that follow one another are one line, from `on` to `until`.
    """

    labels: Sequence[str]
    on: date | None
    start: datetime | None
    place: str
    opens: date
    closes: date
    until: date | None = None

    @property
    def ward(self) -> bool:
        """Whether the participant is in hospital then."""
        return self.until is not None


@dataclass(frozen=True, slots=True)
class VisitCard:
    """The next visits of a participant, the first one apart; `printed` is the day at the site."""

    participant: Participant
    printed: date
    lines: Sequence[CardLine]

    @property
    def first(self) -> CardLine | None:
        """The next day on which the participant comes: booked, or the first on the ward."""
        return next((line for line in self.lines if line.on), None)


def visit_card(participant: Participant, now: datetime, say: Say = plain) -> VisitCard:
    """The card of a participant with its site: MOST lines at most, in the language of `say`; one query."""
    today, zone = today_at(participant.site, now), zone_of(participant.site)
    running = Visit.objects.running().of(participant).not_closed_by(today)
    found = list(running.select_related("booked_resource").order_by("target", "pk")[:_READ])
    ward = [visit for visit in found if visit.place == VisitPlace.WARD]
    clinic = [_line(visit, today, say, zone) for visit in found if visit.place != VisitPlace.WARD]
    lines = sorted([*clinic, *_stays(ward, say)], key=lambda line: line.on or line.opens)
    return VisitCard(participant, today, lines[:MOST])


def _stays(ward: Sequence[Visit], say: Say) -> Iterator[CardLine]:
    """The days on the ward: those that follow one another are one stay, named by what is done in it."""
    stay: list[Visit] = []
    for visit in ward:
        if stay and visit.opens > max(one.closes for one in stay) + DAY:
            yield _stay(stay, say)
            stay = []
        stay.append(visit)
    if stay:
        yield _stay(stay, say)


def _stay(stay: Sequence[Visit], say: Say) -> CardLine:
    first, last = min(one.opens for one in stay), max(one.closes for one in stay)
    labels = tuple(dict.fromkeys(say(visit.label) for visit in stay))
    return CardLine(labels, first, None, "", first, last, last)


def _line(visit: Visit, today: date, say: Say, zone: ZoneInfo) -> CardLine:
    holds = visit.booked_on is not None and visit.booked_on >= today and not lost_booking(visit)
    start = visit.booked_start.astimezone(zone) if holds and visit.booked_start else None
    room = visit.booked_resource.name if visit.booked_resource else visit.booked_place
    return CardLine(
        *((say(visit.label),), visit.booked_on if holds else None, start, room if holds else ""),
        *(visit.opens, visit.closes),
    )
