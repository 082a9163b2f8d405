"""Two visits of one participant that could be one journey, found for many visits in one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.date_strip import could_be_one
from schedules.domain.visits.short_names import visit_mark
from schedules.models import Visit, VisitPlace, VisitTiming
from schedules.selectors.store.plan_rows import Reading
from schedules.selectors.store.stored_visits import planned_visit, window_of

_TIMED = (VisitTiming.OFFSET, VisitTiming.WITHIN)


@dataclass(frozen=True, slots=True)
class Companion:
    """The other visit: how it is called, its window, and the day for which it is booked already."""

    visit: Visit
    mark: str
    window: VisitWindow

    @property
    def booked_on(self) -> date | None:
        """The day for which it is booked; None where it waits to be booked as well."""
        return self.visit.booked_on

    @property
    def key(self) -> str:
        """Id and version, as a form sends them back."""
        return f"{self.visit.pk}:{self.visit.version}"


def companions_of(visits: Sequence[tuple[Visit, Reading]]) -> dict[int, Companion]:
    """Return for each of these visits (by id) the other one that could be on the same day, if any; one query.

    Both take place at the clinic by different rules of the protocol; the one is still to be booked, the other
    too, or it is booked from today on inside both windows. Of several the one with the nearest target.
    """
    asked = [(visit, reading) for visit, reading in visits if _is_single(visit)]
    if not asked:
        return {}
    found = _running_of({visit.participant_id for visit, _reading in asked}, asked)
    companions = {}
    for visit, reading in asked:
        others = [one for one in found[visit.participant_id] if _fits(visit, one, reading.today)]
        if others:
            nearest = min(others, key=lambda one: (abs(one.target - visit.target), one.target, one.pk))
            companions[visit.pk] = _companion(nearest, reading)
    return companions


def _running_of(people: Iterable[int], asked: Sequence[tuple[Visit, Reading]]) -> Mapping[int, list[Visit]]:
    last = max(visit.closes for visit, _reading in asked)
    today = min(reading.today for _visit, reading in asked)
    single = Visit.objects.running().filter(place=VisitPlace.CLINIC, timing__in=_TIMED, unscheduled=False)
    found: dict[int, list[Visit]] = defaultdict(list)
    for one in single.filter(participant__in=people, opens__lte=last, closes__gte=today).order_by("pk"):
        found[one.participant_id].append(one)
    return found


def _is_single(visit: Visit) -> bool:
    return visit.place == VisitPlace.CLINIC and visit.timing in _TIMED and not visit.unscheduled


def _fits(visit: Visit, other: Visit, today: date) -> bool:
    if other.rule_code == visit.rule_code or not could_be_one(window_of(visit), window_of(other)):
        return False
    if other.booked_on is None:
        return max(visit.opens, other.opens, today) <= min(visit.closes, other.closes)
    return other.booked_on >= today and all(w.holds(other.booked_on) for w in map(window_of, (visit, other)))


def _companion(other: Visit, reading: Reading) -> Companion:
    planned = planned_visit(other, reading.protocol, reading.zone)
    return Companion(other, reading.say(visit_mark(reading.protocol, planned, reading.zero)), planned.window)
