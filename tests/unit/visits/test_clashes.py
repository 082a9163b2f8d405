"""What is against a booking, case by case."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.visits.clashes import (
    BookedTime,
    ClashKind,
    DayAtSite,
    OpenVisit,
    clashes_of,
    grave,
)
from trials.domain.sites.resources import ResourceKind, ResourceTerms

DAY = date(2026, 12, 1)
ZONE = ZoneInfo("Asia/Shanghai")
ROOM, BED, DOCTOR, SLOT = 1, 2, 3, 4
RESOURCES = {
    ROOM: ResourceTerms(ROOM, ResourceKind.ROOM, "Room 12", 1, time(8), time(17)),
    BED: ResourceTerms(BED, ResourceKind.BED, "Bed 3"),
    DOCTOR: ResourceTerms(DOCTOR, ResourceKind.STAFF, "Dr A", closed=((DAY, DAY, "congress"),)),
    SLOT: ResourceTerms(SLOT, ResourceKind.SLOT, "Infusions", 2),
}


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, 1, hour, minute, tzinfo=ZONE)


def booked(participant: int = 1, *, visit: int | None = None, trial: int = 1, **more: object) -> BookedTime:
    return BookedTime(
        participant, DAY, visit=visit, who=f"S01-{participant:03}", what="Day 28", trial=trial, **more
    )


def kinds(asked: BookedTime, *others: BookedTime, **more: object) -> list[ClashKind]:
    day = DayAtSite(others=others, resources=RESOURCES, **more)
    return [clash.kind for clash in clashes_of(asked, day)]


@pytest.mark.parametrize(
    ("asked", "other", "expected"),
    [
        ((at(9), at(10)), (at(9, 30), at(10, 30)), [ClashKind.ROOM]),
        ((at(9), at(10)), (at(10), at(11)), []),
        ((at(9), None), (at(9, 59), at(11)), [ClashKind.ROOM]),  # an hour, where no end is given
        ((at(16, 30), at(17, 30)), (at(8), at(9)), [ClashKind.HOURS]),
        ((at(16), at(17)), (at(8), at(9)), []),  # to the minute at which the room closes
        ((None, None), (at(8), at(9)), []),
    ],
)
def test_a_room_is_taken_by_the_hour(asked: tuple, other: tuple, expected: list[ClashKind]) -> None:
    first = booked(1, start=asked[0], end=asked[1], resource=ROOM)
    assert kinds(first, booked(2, visit=2, start=other[0], end=other[1], resource=ROOM)) == expected


TURN = date(2026, 10, 25)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("asked", "other", "expected"),
    [
        (((2, 0, 0), (2, 30, 0)), ((2, 0, 1), (2, 30, 1)), []),
        (((2, 30, 0), (2, 15, 1)), ((2, 45, 0), (3, 0, 1)), [ClashKind.ROOM]),
        (((2, 30, 0), None), ((2, 15, 1), (2, 45, 1)), [ClashKind.ROOM]),  # an hour, to 02:30 once more
        (((2, 30, 0), None), ((2, 30, 1), (2, 45, 1)), []),
        (((2, 0, 1), (2, 30, 1)), ((1, 0, 0), (2, 45, 0)), []),
    ],
)
def test_an_hour_that_comes_twice_is_two(asked: tuple, other: tuple, expected: list[ClashKind]) -> None:
    """The clocks of Berlin go back from 03:00 to 02:00: hour, minute, and which of the two it is."""
    terms = ResourceTerms(ROOM, ResourceKind.ROOM, "Sleep laboratory")

    def span(person: int, hours: tuple) -> BookedTime:
        times = (one and datetime(2026, 10, 25, one[0], one[1], fold=one[2], tzinfo=BERLIN) for one in hours)
        return BookedTime(person, TURN, *times, resource=ROOM, visit=person, who="S01", what="Night")

    day = DayAtSite(others=(span(2, other),), resources={ROOM: terms})
    assert [clash.kind for clash in clashes_of(span(1, asked), day)] == expected


def test_a_slot_for_two_is_full_only_where_two_come_at_the_same_time() -> None:
    asked = booked(1, start=at(9), end=at(11), resource=SLOT)
    one = booked(2, visit=2, start=at(9), end=at(10), resource=SLOT)
    after = booked(3, visit=3, start=at(10), end=at(11), resource=SLOT)
    beside = booked(4, visit=4, start=at(9, 30), end=at(10), resource=SLOT)
    assert kinds(asked, one, after) == []
    assert kinds(asked, one, after, beside) == [ClashKind.SLOT]


def test_everybody_who_takes_a_full_slot_is_named_in_the_language_of_the_reader() -> None:
    day = DayAtSite(
        others=tuple(booked(n, visit=n, start=at(9), resource=SLOT) for n in (2, 3)), resources=RESOURCES
    )
    (full,) = clashes_of(booked(1, start=at(9), resource=SLOT), day)
    assert str(full.words) == "Infusions is full: it holds 2, taken by S01-002 Day 28, S01-003 Day 28."
    chinese = {"Day 28": "第 28 天", "%(first)s, %(next)s": "%(first)s、%(next)s"}
    assert "S01-002 第 28 天、S01-003 第 28 天" in full.words.text(lambda text: chinese.get(text, text))


def test_a_bed_is_taken_for_the_day_without_an_hour() -> None:
    assert kinds(booked(1, resource=BED, ward=True), booked(2, visit=2, resource=BED, ward=True)) == [
        ClashKind.BED
    ]
    assert kinds(booked(1, resource=BED, ward=True), booked(1, visit=2, resource=BED, ward=True)) == []
    others = (booked(1, visit=2, resource=BED, ward=True), booked(2, visit=3, resource=BED, ward=True))
    day = DayAtSite(others=others, resources=RESOURCES)
    (taken,) = clashes_of(booked(1, resource=BED, ward=True), day)
    assert (str(taken.words), taken.other) == ("Bed 3 is taken: S01-002 Day 28.", 3), "by the other alone"


def test_one_person_cannot_be_in_two_places_and_two_visits_of_a_day_are_a_hint() -> None:
    asked = booked(1, visit=1, start=at(9), end=at(10))
    assert kinds(asked, booked(1, visit=2, start=at(9, 30))) == [ClashKind.PERSON]
    assert kinds(asked, booked(1, visit=2, start=at(14))) == [ClashKind.SAME_DAY]
    assert kinds(asked, asked) == []


def test_staff_on_leave_a_closed_day_and_an_absence_are_named() -> None:
    asked = booked(1, start=at(9), staff=DOCTOR)
    found = clashes_of(asked, DayAtSite(closed="Sunday", away="the participant is away", resources=RESOURCES))
    assert [str(clash.words) for clash in found] == [
        "Dr A is away on 2026-12-01: congress.",
        "2026-12-01: the participant is away.",
        "2026-12-01 is no clinic day: Sunday.",
    ]
    assert len(grave(found)) == 3


def test_visits_that_could_be_one_are_a_hint() -> None:
    other = OpenVisit(7, "Month 3", date(2026, 11, 25), date(2026, 12, 9))
    late = OpenVisit(8, "Month 6", date(2026, 12, 25), date(2026, 12, 30))
    found = clashes_of(booked(1, visit=1), DayAtSite(open_visits=(other, late)))
    assert [(clash.kind, clash.other, clash.hint) for clash in found] == [(ClashKind.TOGETHER, 7, True)]


def test_a_participant_of_a_trial_that_is_not_seen_is_not_named() -> None:
    other = booked(2, visit=2, trial=2, start=at(9), resource=ROOM)
    asked = booked(1, start=at(9), resource=ROOM)
    (hidden,) = clashes_of(asked, DayAtSite(others=(other,), resources=RESOURCES))
    (shown,) = clashes_of(asked, DayAtSite(others=(other,), resources=RESOURCES, seen_trials=frozenset({2})))
    assert str(hidden.words) == "Room 12 is taken by a participant of another trial."
    assert str(shown.words) == "Room 12 is taken: S01-002 Day 28."


def test_two_visits_of_a_person_at_one_hour_in_one_room_are_one_appointment() -> None:
    """Day 90 and month 3 on one journey: neither clashes with the other, nor takes the room twice."""
    hours = {"start": at(9), "end": at(10), "resource": ROOM}
    assert kinds(booked(1, visit=1, **hours), booked(1, visit=2, **hours)) == [ClashKind.SAME_DAY]
    elsewhere = booked(1, visit=2, start=at(9, 30), end=at(10))
    assert kinds(booked(1, visit=1, **hours), elsewhere) == [ClashKind.PERSON]
    slot = {"start": at(9), "end": at(10), "resource": SLOT}
    others = [booked(1, visit=1, **slot), booked(1, visit=2, **slot)]
    assert kinds(booked(3, visit=3, **slot), *others) == [], "they take one of two places"
