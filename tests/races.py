"""Two people at once, on real connections: pairs of edits of one visit, started at the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.db import connections

from participants.domain.anchors import RecordedAnchor
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    unbook_visit,
    undo_visit,
)
from tests.cast import INFUSION, an_enrolment
from trials.domain.errors import Stale

Edit = Callable[[Visit, str], Visit]

D28 = date(2027, 1, 4)
NOW = datetime(2027, 1, 4, 4, 0, tzinfo=UTC)
"""Noon in Shanghai on the day of D28: it can be booked, done, missed and cancelled."""


def book(shown: Visit, who: str) -> Visit:
    booking = Booking(D28, place=who)
    return book_visit(visit=shown, version=shown.version, booking=booking, by=None, reason=who, now=NOW)


def unbook(shown: Visit, who: str) -> Visit:
    return unbook_visit(visit=shown, version=shown.version, by=None, reason=who, now=NOW)


def cancel(shown: Visit, who: str) -> Visit:
    return cancel_visit(visit=shown, version=shown.version, by=None, reason=who, now=NOW)


def miss(shown: Visit, who: str) -> Visit:
    return miss_visit(visit=shown, version=shown.version, by=None, reason=who, now=NOW)


def complete(shown: Visit, who: str) -> Visit:
    completion = Completion(D28)
    return complete_visit(
        visit=shown, version=shown.version, completion=completion, by=None, reason=who, now=NOW
    )


PAIRS: tuple[tuple[Edit, Edit], ...] = (
    (book, book),
    (book, unbook),
    (complete, cancel),
    (miss, book),
    (complete, complete),
)
"""What two people may be about to do; each pair starts from a booked visit."""


@dataclass
class Race:
    """How the pairs ended: winners by edit, the refused, and whatever should not have been."""

    won: Counter[str] = field(default_factory=Counter)
    stale: int = 0
    faults: list[str] = field(default_factory=list)


def a_visit() -> int:
    """The D28 of somebody who was infused on 7 December 2026, booked."""
    consent = RecordedAnchor("consent", actual_on=date(2026, 11, 3))
    infusion = RecordedAnchor("infusion", actual_on=INFUSION)
    enrol(enrolment=an_enrolment(anchors={"consent": consent, "infusion": infusion}), by=None)
    return Visit.objects.get(code="d28").pk


def run_race(visit: int, pairs: int) -> Race:
    """Run so many pairs on one visit: both read the same version, wait for each other, and write."""
    race, gate = Race(), threading.Barrier(3)
    shown: list[Visit] = []
    outcome: dict[str, str] = {}

    def edit(place: int) -> None:
        who = "AB"[place]
        for number in range(pairs):
            gate.wait()
            act = PAIRS[number % len(PAIRS)][place]
            try:
                act(shown[place], f"{who}{number}")
                outcome[who] = "won"
            except Stale as stale:
                outcome[who] = "stale" if stale.version == shown[place].version + 1 else f"odd: {stale}"
            except Exception as error:  # noqa: BLE001 - whatever it is, the race must report it
                outcome[who] = repr(error)
            gate.wait()
        connections.close_all()

    threads = [threading.Thread(target=edit, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for number in range(pairs):
        shown[:] = [_booked(visit), Visit.objects.get(pk=visit)]
        outcome.clear()
        gate.wait()
        gate.wait()
        _judge(race, number, dict(outcome), shown[0])
    for thread in threads:
        thread.join()
    return race


def _booked(visit: int) -> Visit:
    """The visit, taken up again and booked where the pair before has left it otherwise."""
    stored = Visit.objects.get(pk=visit)
    if stored.performed_on or stored.missed_on or stored.cancelled_on:
        stored = undo_visit(visit=stored, version=stored.version, by=None, reason="next pair", now=NOW)
    return stored if stored.booked_on else book(stored, "start")


def _judge(race: Race, number: int, outcome: dict[str, str], before: Visit) -> None:
    """One won, one is stale, and the row is the winner's."""
    if sorted(outcome.values()) != ["stale", "won"]:
        race.faults.append(f"pair {number}: {outcome}")
        return
    who = next(name for name, how in outcome.items() if how == "won")
    act = PAIRS[number % len(PAIRS)]["AB".index(who)]
    after = Visit.objects.get(pk=before.pk)
    mark = f"{who}{number}"
    seen = {
        "book": after.booked_place == mark,
        "unbook": after.booked_on is None,
        "cancel": after.cancelled_reason == mark,
        "miss": after.missed_reason == mark,
        "complete": after.performed_on == D28,
    }
    alone = after.version == before.version + 1
    ends = [after.performed_on, after.missed_on, after.cancelled_on].count(None)
    if not (seen[act.__name__] and alone and ends >= 2):
        race.faults.append(f"pair {number}: {who} won with {act.__name__}, version {after.version}")
    race.won[act.__name__] += 1
    race.stale += 1
