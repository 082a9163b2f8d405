"""Both axes of a visit on a day: a window from Sunday 1 to Sunday 15 March 2026, target on the 8th.

The clinic works from Monday to Friday, and is closed on Wednesday the 11th.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.status import (
    FARTHEST,
    Appointment,
    ClinicDays,
    Standing,
    WindowPosition,
    appointment,
    clinic_days,
    standing,
    window_position,
)
from schedules.domain.visits.visit import VisitState
from tests.unit.plan.small import at, days, protocol, visit
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays

WINDOW = VisitWindow(date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 15))
CALENDAR = WorkingDays("site", weekdays=frozenset({1, 2, 3, 4, 5}), closures={date(2026, 3, 11): "closed"})
(PLANNED,) = project(protocol(visit("d7", at("P7D", "P7D"))), days(infusion="Sun 2026-03-01")).visits
AWAITING = VisitState.of_plan(PLANNED)
"""Its base is planned for the first day of March; the others have one that happened."""
PLAIN = AWAITING._replace(anchor_kind="actual")
assert PLAIN.window == WINDOW


def replace(visit: VisitState, **known: Any) -> VisitState:
    return visit._replace(**known)


WARD, WAITS = replace(PLAIN, place=Place.WARD), replace(PLAIN, held_on=date(2026, 2, 1))
LOST = {"opens": date(2026, 3, 12), "target": date(2026, 3, 13)}
"""A window that has left the booking on the 10th."""


def on(day: int) -> date:
    """A day of March 2026; 0 is the last of February."""
    return date(2026, 3, 1) + timedelta(days=day - 1)


@pytest.mark.parametrize(
    ("visit", "day", "expected", "reason"),
    [
        (PLAIN, 0, "upcoming", "the eve of the window"),
        (PLAIN, 1, "open", "its first day"),
        (PLAIN, 9, "open", "9, 10, 12 and 13 are clinic days"),
        (PLAIN, 10, "last-days", "10, 12 and 13: three"),
        (PLAIN, 13, "last-days", "the last clinic day"),
        (PLAIN, 14, "no-clinic-day-left", "a weekend is left"),
        (PLAIN, 15, "no-clinic-day-left", "the last day, a Sunday"),
        (PLAIN, 16, "closed", "the morrow: nobody says that it was missed"),
        (WARD, 12, "open", "the ward works every day: 12 to 15"),
        (WARD, 13, "last-days", "13, 14 and 15"),
        (WARD, 15, "last-days", "and the last of them"),
        (replace(PLAIN, performed_on=on(5)), 10, "last-days", "the window does not ask what was done"),
        (WAITS, 16, "waiting", "it is on hold"),
        (WAITS, 0, "waiting", "a hold waits before the window too"),
        (AWAITING, 0, "upcoming", "its base and its window are ahead"),
        (AWAITING, 1, "open", "its base may happen today"),
        (AWAITING, 2, "waiting", "the planned day is over, and nobody recorded the base"),
        (AWAITING, 16, "waiting", "a window does not close before its base has happened"),
        (replace(AWAITING, target=on(1)), 2, "open", "what is due with its base does not come after it"),
        (replace(AWAITING, anchor_on=on(10)), 11, "last-days", "what comes before its base goes on"),
        (replace(AWAITING, anchor_kind="derived"), 16, "closed", "a derived day moves with what it follows"),
        (replace(AWAITING, opens=on(5)), 4, "upcoming", "awaited, but its window is ahead"),
        (replace(WAITS, applies=False), 16, "not-applicable", "what does not apply comes first"),
    ],
)
def test_window_position(visit: VisitState, day: int, expected: str, reason: str) -> None:
    assert window_position(visit, clinic_days(on(day), CALENDAR)) is WindowPosition(expected), reason


def test_a_day_to_come_is_foretold_as_if_the_base_happens_as_planned() -> None:
    """Asked on the last of February about the tenth: the base of the first of March is not late."""
    ahead = clinic_days(on(10), CALENDAR)._replace(known=on(0))
    assert standing(AWAITING, ahead).window is WindowPosition.LAST_DAYS
    assert (
        standing(AWAITING, clinic_days(on(16), CALENDAR)._replace(known=on(0))).said is Appointment.TO_RECORD
    )
    assert standing(AWAITING, ahead._replace(known=on(2))).window is WindowPosition.WAITING


BOOKED = replace(PLAIN, booked_on=on(10))


@pytest.mark.parametrize(
    ("visit", "day", "expected", "reason"),
    [
        (PLAIN, 0, "to-book", "before its window opens"),
        (PLAIN, 15, "to-book", "on its last day too"),
        (PLAIN, 16, "to-record", "closed, and nothing is entered"),
        (WAITS, 16, "to-book", "what waits is never to be recorded"),
        (AWAITING, 16, "to-book", "nothing has closed while its base has not happened"),
        (replace(AWAITING, booked_on=on(10)), 11, "to-record", "who was booked may have come"),
        (replace(AWAITING, arrived_on=on(10)), 11, "to-record", "who came has come"),
        (BOOKED, 1, "booked", "for a day to come"),
        (BOOKED, 10, "booked", "for today"),
        (BOOKED, 11, "to-record", "the booked day is over, the window open"),
        (
            replace(BOOKED, booked_on=on(20), outside_reason="ill"),
            17,
            "booked",
            "after its window, with a reason",
        ),
        (replace(BOOKED, **LOST), 9, "to-book", "the booking no longer fits"),
        (replace(BOOKED, **LOST), 11, "to-record", "somebody may have come all the same"),
        (replace(BOOKED, arrived_on=on(10)), 10, "arrived", "here"),
        (replace(PLAIN, arrived_on=on(2)), 2, "arrived", "without a booking"),
        (replace(PLAIN, arrived_on=on(2)), 3, "to-record", "came yesterday"),
        (replace(PLAIN, arrived_on=on(2), booked_on=on(6)), 3, "booked", "came yesterday, comes again"),
        (replace(BOOKED, performed_on=on(10)), 10, "done", "done"),
        (replace(PLAIN, missed_on=on(9)), 9, "missed", "a person said so, while it is open"),
        (replace(PLAIN, cancelled_on=on(9), missed_on=on(9)), 9, "cancelled", "cancelled is not missed"),
        (replace(PLAIN, applies=False), 9, "cancelled", "nor what does not apply"),
        (replace(PLAIN, performed_on=on(9), missed_on=on(9), cancelled_on=on(9)), 9, "done", "done is done"),
    ],
)
def test_appointment(visit: VisitState, day: int, expected: str, reason: str) -> None:
    assert appointment(visit, on(day)) is Appointment(expected), reason


@pytest.mark.parametrize(
    ("visit", "day", "said", "reason"),
    [
        (PLAIN, 10, "last-days", "to be booked: the window says how soon"),
        (BOOKED, 9, "booked", "a booking takes it out of what is to be booked"),
        (PLAIN, 16, "to-record", "never missed by the calendar"),
        (WAITS, 10, "waiting", "on hold"),
        (replace(WAITS, booked_on=on(10)), 10, "booked", "somebody comes all the same"),
        (replace(PLAIN, missed_on=on(9)), 16, "missed", "as recorded"),
        (replace(PLAIN, cancelled_on=on(9)), 10, "cancelled", "as recorded"),
        (replace(PLAIN, cancelled_on=on(9), applies=False), 10, "not-applicable", "says more than cancelled"),
        (replace(PLAIN, performed_on=on(10), applies=False), 10, "done", "done is done"),
    ],
)
def test_one_table_says_which_axis_is_read_first(visit: VisitState, day: int, said: str, reason: str) -> None:
    assert standing(visit, clinic_days(on(day), CALENDAR)).said.value == said, reason


@pytest.mark.parametrize(
    ("done", "outside"), [(None, 0), (on(-1), -2), (on(0), -1), (on(1), 0), (on(15), 0), (on(16), 1)]
)
def test_done_early_or_late_is_told_in_days_and_is_no_state(done: date | None, outside: int) -> None:
    visit = replace(PLAIN, performed_on=done)
    assert visit.days_outside == outside
    found = standing(visit, clinic_days(on(20), CALENDAR))
    expected = Appointment.DONE if done else Appointment.TO_RECORD
    assert found == Standing(WindowPosition.CLOSED, expected, outside)


def test_clinic_days_are_the_next_and_the_one_after_the_last_three() -> None:
    assert clinic_days(on(10), CALENDAR) == ClinicDays(on(10), on(10), on(16))
    assert clinic_days(on(14), CALENDAR) == ClinicDays(on(14), on(16), on(19))
    assert clinic_days(on(10), None) == ClinicDays(on(10), on(10), on(13)), "nobody said that a day is none"
    closures = dict.fromkeys((on(1) + timedelta(days=n) for n in range(FARTHEST.days)), "rebuilt")
    shut = WorkingDays("site", weekdays=frozenset({1, 2, 3, 4, 5, 6, 7}), closures=closures)
    assert clinic_days(on(1), shut) == ClinicDays(on(1), on(1) + FARTHEST, on(1) + FARTHEST)
