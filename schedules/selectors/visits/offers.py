"""The day that one click books for a visit, and the visit that is booked with it: Today, calendar, form.

One rule for every page: a day with a slot, of two visits that could be one journey a day of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.date_strip import STRIP_DAYS, day_to_offer
from schedules.models import Visit
from schedules.selectors.store.plan_rows import Reading
from schedules.selectors.store.stored_visits import window_of
from schedules.selectors.visits.companions import Companion, companions_of
from schedules.selectors.visits.load import FullDays, full_days
from trials.domain.protocols.protocol import Place

_FURTHEST = timedelta(days=60)
"""So far ahead a day is known to be full; what lies further is offered unseen."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The day to offer for a visit, None where none is left, and the other visit of the same journey.

    `companion_to_book` is the other one where the day is meant for both: it waits to be booked as well, and
    an open day with a slot lies in both windows. `companion_booked` is the other one where that is booked
    already.
    """

    day: date | None
    companion_to_book: Companion | None = None
    companion_booked: Companion | None = None


@dataclass(frozen=True, slots=True)
class Offers:
    """What is offered for visits, by their ids, and the days of their sites that are full."""

    of: Mapping[int, Offer] = field(default_factory=dict)
    full: FullDays = field(default_factory=FullDays)


def offers_of(asked: Sequence[tuple[Visit, Reading]]) -> Offers:
    """Return what is offered for these visits, each with its participant; about four queries, or none."""
    if not asked:
        return Offers()
    first = min(reading.today for _visit, reading in asked)
    last = max(min(visit.closes, reading.today + _FURTHEST) for visit, reading in asked)
    people = {visit.participant_id for visit, _reading in asked}
    sites = {visit.participant.site_id for visit, _reading in asked}
    full = full_days(people, sites, first, max(last, first + timedelta(days=STRIP_DAYS)))
    companions = companions_of(asked)
    found = {visit.pk: _offer(visit, reading, companions.get(visit.pk), full) for visit, reading in asked}
    return Offers(found, full)


def folded(visits: Iterable[Visit], offers: Mapping[int, Offer]) -> dict[int, Offer]:
    """Return the visits (ids, in their order) that have a row of their own, each with its offer.

    A visit that an earlier row books too has none, and no visit is offered together with two others.
    """
    rows: dict[int, Offer] = {}
    absorbed: set[int] = set()
    for visit in visits:
        if visit.pk in absorbed:
            continue
        offer = offers[visit.pk]
        if offer.companion_to_book and (
            offer.companion_to_book.visit.pk in absorbed or offer.companion_to_book.visit.pk in rows
        ):
            offer = Offer(offer.day)
        elif offer.companion_to_book:
            absorbed.add(offer.companion_to_book.visit.pk)
        rows[visit.pk] = offer
    return rows


def _offer(visit: Visit, reading: Reading, companion: Companion | None, full: FullDays) -> Offer:
    window, place = window_of(visit), Place(visit.place)
    is_full = partial(_is_full, full, visit)
    alone = partial(day_to_offer, place=place, calendar=reading.calendar, today=reading.today)
    own = alone(window, suggested=visit.suggested, is_full=is_full)
    if companion is None:
        return Offer(own)
    if companion.booked_on:
        return Offer(
            companion.booked_on if _is_open(companion.booked_on, reading) else own, companion_booked=companion
        )
    shared = alone(_common(window, companion.window), suggested=visit.suggested, is_full=is_full)
    if shared is None or (is_full(shared) and not (own and is_full(own))):
        return Offer(own)
    return Offer(shared, companion_to_book=companion)


def _common(window: VisitWindow, other: VisitWindow) -> VisitWindow:
    """The days of both windows, with the target that is nearest to that of the first."""
    opens, closes = max(window.opens, other.opens), min(window.closes, other.closes)
    return VisitWindow(opens, min(max(window.target, opens), closes), closes)


def _is_full(full: FullDays, visit: Visit, day: date) -> bool:
    return full.of(visit.participant_id, visit.participant.site_id, day) > 0


def _is_open(day: date, reading: Reading) -> bool:
    return reading.calendar is None or reading.calendar.is_working_day(day)
