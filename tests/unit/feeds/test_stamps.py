"""When the stamp of an entry rises."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from schedules.ical.entries import all_entries
from schedules.ical.stamps import RowStamp, Stamp, digest_of, next_stamp
from schedules.ical.values import WholeDays
from schedules.ical.visit_entry import ShownVisit, VisitRecord
from tests.unit.feeds.test_visits import NAMING, NINE, TERMS

AT = datetime(2026, 11, 20, 8, 0, 0, 700, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def shown(visit: ShownVisit) -> str:
    return digest_of(all_entries(visit))


VISIT = ShownVisit("uid", 3, AT, NAMING, TERMS)
WHOLE = AT.replace(microsecond=0)
KNOWN = Stamp(shown(VISIT), "1", 3, WHOLE)
BOOKED = replace(VISIT, record=VisitRecord(booked=NINE))


@pytest.mark.parametrize(
    ("visit", "known", "edition", "now", "expected", "why"),
    [
        (VISIT, None, "1", AT + HOUR, (3, WHOLE), "never given out: as the row says"),
        (VISIT, KNOWN, "1", AT + HOUR, (3, WHOLE), "the same"),
        (replace(VISIT, sequence=9, changed_at=AT + HOUR), KNOWN, "1", AT + HOUR, (3, WHOLE), "not shown"),
        (replace(VISIT, url="https://other/"), KNOWN, "1", AT + HOUR, (3, WHOLE), "by another host name"),
        (BOOKED, KNOWN, "1", AT + HOUR, (4, WHOLE + HOUR), "changed, and no row says when"),
        (BOOKED, KNOWN, "1", AT, (4, WHOLE + SECOND), "in the same second"),
        (BOOKED, KNOWN, "1", AT - HOUR, (4, WHOLE + SECOND), "by a clock that was put back"),
        (
            replace(BOOKED, sequence=7, changed_at=AT + HOUR),
            KNOWN,
            "1",
            AT + 2 * HOUR,
            (7, WHOLE + HOUR),
            "the row says when",
        ),
        (BOOKED, KNOWN, "2", AT + HOUR, (3, WHOLE), "another edition words it otherwise"),
        (
            replace(BOOKED, sequence=4, changed_at=AT + HOUR),
            KNOWN,
            "2",
            AT + 2 * HOUR,
            (4, WHOLE + HOUR),
            "and the row was changed as well",
        ),
    ],
)
def test_a_stamp_rises_with_what_is_shown(
    visit: ShownVisit,
    known: Stamp | None,
    edition: str,
    now: datetime,
    expected: tuple[int, datetime],
    why: str,
) -> None:
    row = RowStamp(visit.sequence, visit.changed_at)
    stamp = next_stamp(shown(visit), row, known, edition, now)
    assert (stamp.sequence, stamp.changed_at) == expected, why
    assert stamp.digest == shown(visit)
    assert stamp.edition == edition


def test_a_booking_on_the_very_day_of_a_visit_on_hold_changes_nothing_that_is_seen() -> None:
    target = TERMS.window.target
    held = VisitRecord(held=True)
    booked = replace(held, booked=WholeDays(target, target))
    assert shown(replace(VISIT, record=held)) == shown(replace(VISIT, record=booked))
    elsewhere = replace(held, booked=WholeDays(target - timedelta(days=1), target - timedelta(days=1)))
    assert shown(replace(VISIT, record=held)) != shown(replace(VISIT, record=elsewhere))
