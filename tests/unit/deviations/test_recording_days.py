"""What took place on the ward while the clinic was shut is drafted once a clinic day to record it is over."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schedules.domain.deviations.drafts import DeviationKind, RecordedVisit, drafts_of_visit
from schedules.domain.deviations.recording_days import last_recorded, recorded_by
from schedules.domain.plan.projection import project
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.visit import VisitState
from tests.unit.plan.small import at, days, protocol, visit
from trials.domain.sites.working_days import WorkingDays
from trials.formats.sites.holiday_calendars import load_calendar

ONE_VISIT = protocol(visit("d0", at("P0D", "P0D")))
CHINA = load_calendar("CN", 2026, 2027)
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 12, day) for day in (11, 12, 13, 14))


@pytest.mark.parametrize(
    ("closes", "by"),
    [
        (FRIDAY, FRIDAY),
        (SATURDAY, MONDAY),
        (SUNDAY, MONDAY),
        (date(2026, 10, 1), date(2026, 10, 8)),
    ],
)
def test_by_when_it_can_be_recorded(closes: date, by: date) -> None:
    """The last one is National Day, after which the clinic is on again on the 8th."""
    assert recorded_by(closes, CHINA) == by
    assert recorded_by(closes, None) == closes


@pytest.mark.parametrize("calendar", [CHINA, None])
def test_both_tellings_agree_on_every_day(calendar: WorkingDays | None) -> None:
    first = date(2026, 9, 1)
    for n in range(150):
        today = first + timedelta(days=n)
        for back in range(1, 15):
            closes = today - timedelta(days=back)
            assert (recorded_by(closes, calendar) < today) is (closes <= last_recorded(today, calendar))


def test_a_ward_day_on_a_sunday_is_drafted_on_tuesday() -> None:
    (visit,) = project(ONE_VISIT, days(infusion="Sun 2026-12-13")).visits
    state = VisitState.of_plan(visit).within(VisitWindow(SUNDAY, SUNDAY, SUNDAY))
    kinds = {}
    for day in (MONDAY, MONDAY + timedelta(days=1)):
        ward = RecordedVisit(state, today=day, recorded_by=recorded_by(SUNDAY, CHINA))
        kinds[day] = [draft.kind for draft in drafts_of_visit(ward, "x")]
    assert list(kinds.values()) == [[], [DeviationKind.UNRECORDED]]
    clinic = RecordedVisit(state, today=MONDAY)
    assert [draft.kind for draft in drafts_of_visit(clinic, "x")] == [DeviationKind.UNRECORDED]
