"""What a participant's visit card shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from participants.models import Participant
from schedules.models import Visit, VisitCardGiven, VisitPlace
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.stored_visits import lost_booking
from trials.domain.words import Say, plain
from trials.zones import zone_of

MOST = 7
"""So many lines fit on one side of A5, with the telephone numbers below them."""
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
    codes: Sequence[str] = ()

    @property
    def ward(self) -> bool:
        """Whether the participant is in hospital then."""
        return self.until is not None


@dataclass(frozen=True, slots=True)
class VisitCard:
    """The next visits of a participant, the first one apart; `printed` is the day at the site.

    `last` is the card that was handed out before, if one was.
    """

    participant: Participant
    printed: date
    lines: Sequence[CardLine]
    last: VisitCardGiven | None = None

    @property
    def first(self) -> CardLine | None:
        """The next day on which the participant comes: booked, or the first on the ward."""
        return next((line for line in self.lines if line.on), None)

    @property
    def digest(self) -> str:
        """What tells this card from another: its visits, days, hours and places, in no language."""
        site = self.participant.site
        said = [
            (tuple(line.codes), line.on, line.start, line.place, line.opens, line.closes)
            for line in self.lines
        ]
        return hashlib.sha256(repr([said, site.night_phone, site.day_phone]).encode()).hexdigest()

    @property
    def holds(self) -> bool:
        """Whether the card handed out before still says what this one does."""
        return self.last is not None and self.last.digest == self.digest


def visit_card(participant: Participant, now: datetime, say: Say = plain) -> VisitCard:
    """The card of a participant with its site: MOST lines at most, in the language of `say`; two queries."""
    today, zone = today_at(participant.site, now), zone_of(participant.site)
    running = Visit.objects.running().of(participant).to_come_by(today)
    found = list(running.select_related("booked_resource").order_by("target", "pk")[:_READ])
    ward = [visit for visit in found if visit.place == VisitPlace.WARD]
    clinic = [_line(visit, today, say, zone) for visit in found if visit.place != VisitPlace.WARD]
    lines = sorted([*clinic, *_stays(ward, say)], key=lambda line: line.on or line.opens)
    last = VisitCardGiven.objects.filter(participant=participant).first()
    return VisitCard(participant, today, lines[:MOST], last)


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
    codes = [visit.code for visit in stay]
    return CardLine(labels, first, None, "", first, last, last, codes=codes)


def _line(visit: Visit, today: date, say: Say, zone: ZoneInfo) -> CardLine:
    holds = visit.booked_on is not None and visit.booked_on >= today and not lost_booking(visit)
    start = visit.booked_start.astimezone(zone) if holds and visit.booked_start else None
    room = visit.booked_resource.name if visit.booked_resource else visit.booked_place
    return CardLine(
        *((say(visit.label),), visit.booked_on if holds else None, start, room if holds else ""),
        *(visit.opens, visit.closes),
        codes=(visit.code,),
    )
