"""A visit as an entry of a phone's calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.ical.values import EventStatus, Hours, WholeDays
from schedules.ical.visit_entry import (
    ShownVisit,
    VisitNaming,
    VisitRecord,
    VisitTerms,
    days_of,
    event_of,
    name_of,
    window_text,
)
from trials.domain.protocols.protocol import TimingKind

MONDAY = date(2027, 1, 4)
NAMING = VisitNaming("NCT07274059", "S01-003", "D28", "Day 28")
TERMS = VisitTerms(
    TimingKind.OFFSET,
    VisitWindow(date(2027, 1, 1), MONDAY, date(2027, 1, 7)),
    tolerance_assumed=True,
    place="clinic",
    activities=("Blood count", "Safety"),
    because="Monday 2027-01-04 is 28 days after Infusion.",
)
VISIT = ShownVisit("uid", 0, datetime(2026, 11, 20, tzinfo=UTC), NAMING, TERMS)
NINE = Hours(datetime(2027, 1, 5, 1, tzinfo=UTC), datetime(2027, 1, 5, 2, tzinfo=UTC))


def window(before: int, after: int) -> VisitWindow:
    return VisitWindow(MONDAY - timedelta(days=before), MONDAY, MONDAY + timedelta(days=after))


@pytest.mark.parametrize(
    ("mark", "label", "name", "why"),
    [
        ("D28", "Day 28", "D28", "the label says no more"),
        ("W8", "Week 8", "W8", "nor here"),
        ("M3", "Month 3", "M3", "nor here"),
        ("D0", "Infusion", "D0 Infusion", "the label says what happens"),
        ("D-5", "Chemotherapy 1", "D-5 Chemotherapy 1", "a day before day zero"),
        ("D-1", "Chemotherapy 1", "D-1 Chemotherapy 1", "an occurrence's number is not a day's"),
        ("D3", "Dose 3", "D3 Dose 3", "nor is a dose's"),
        ("Screening", "Screening", "Screening", "a range has only its label"),
        ("D28", "第28天", "D28", "the Chinese label says no more either"),
        ("M3", "第3个月", "M3", "nor here"),
        ("D0", "回输", "D0 回输", "the Chinese label says what happens"),
    ],
)
def test_names(mark: str, label: str, name: str, why: str) -> None:
    assert name_of(replace(NAMING, mark=mark, label=label)) == name, why


@pytest.mark.parametrize(
    ("timing", "days", "text", "why"),
    [
        (TimingKind.OFFSET, window(3, 3), "±3", "equal on both sides"),
        (TimingKind.OFFSET, window(2, 5), "−2/+5", "not always equal"),
        (TimingKind.OFFSET, window(0, 0), "±0", "a tolerance of zero is zero, and said"),
        (TimingKind.WITHIN, window(0, 22), "(2027-01-04 to 2027-01-26)", "once, on any of these days"),
        (TimingKind.OVER, window(0, 1), "", "the entry itself spans its days"),
        (TimingKind.EACH, window(0, 0), "", "a day of a range has no window"),
    ],
)
def test_windows_in_titles(timing: TimingKind, days: VisitWindow, text: str, why: str) -> None:
    assert window_text(replace(TERMS, timing=timing, window=days)) == text, why


@pytest.mark.parametrize(
    ("timing", "record", "when", "why"),
    [
        (TimingKind.OFFSET, VisitRecord(), WholeDays(MONDAY, MONDAY), "its target, and not its window"),
        (TimingKind.WITHIN, VisitRecord(), WholeDays(MONDAY, MONDAY), "its target; the title has the range"),
        (TimingKind.OVER, VisitRecord(), WholeDays(*TERMS.window[::2]), "the whole range"),
        (TimingKind.OFFSET, VisitRecord(booked=NINE), NINE, "its booking"),
        (TimingKind.OVER, VisitRecord(booked=NINE), NINE, "a booking beats the range"),
        (
            TimingKind.OFFSET,
            VisitRecord(booked=NINE, performed_on=date(2027, 1, 6)),
            WholeDays(date(2027, 1, 6), date(2027, 1, 6)),
            "the day it was done beats the booking",
        ),
    ],
)
def test_days(timing: TimingKind, record: VisitRecord, when: WholeDays | Hours, why: str) -> None:
    assert days_of(replace(TERMS, timing=timing), record) == when, why


@pytest.mark.parametrize(
    ("record", "status", "mark", "busy", "why"),
    [
        (VisitRecord(), EventStatus.TENTATIVE, "", False, "planned, nobody agreed yet"),
        (VisitRecord(booked=NINE), EventStatus.CONFIRMED, "", True, "booked, and takes time"),
        (VisitRecord(missed=True), EventStatus.CONFIRMED, "Missed: ", False, "RFC 5545 knows no MISSED"),
        (
            VisitRecord(booked=NINE, missed=True),
            EventStatus.CONFIRMED,
            "Missed: ",
            False,
            "a missed booking takes no time",
        ),
        (
            VisitRecord(booked=NINE, cancelled=True),
            EventStatus.CANCELLED,
            "Cancelled: ",
            False,
            "Outlook ignores the status",
        ),
        (VisitRecord(performed_on=MONDAY), EventStatus.CONFIRMED, "Done: ", False, "done"),
        (VisitRecord(held=True), EventStatus.TENTATIVE, "On hold: ", False, "its day will move"),
        (
            VisitRecord(booked=NINE, held=True),
            EventStatus.TENTATIVE,
            "On hold: ",
            False,
            "nor is a booking kept",
        ),
    ],
)
def test_what_is_on_record(record: VisitRecord, status: EventStatus, mark: str, busy: bool, why: str) -> None:
    event = event_of(replace(VISIT, record=record))
    assert event.status is status, why
    assert event.title == f"{mark}NCT07274059 S01-003 D28 ±3", why
    assert event.busy is busy, why


def test_the_description_tells_what_the_title_cannot() -> None:
    assert event_of(VISIT).description.splitlines() == [
        "Day 28 (clinic)",
        "Window: Friday 2027-01-01 to Thursday 2027-01-07, target Monday 2027-01-04.",
        "The tolerance is assumed: the protocol does not state it.",
        "To do: Blood count, Safety.",
        "Monday 2027-01-04 is 28 days after Infusion.",
    ]


def test_a_list_has_the_comma_of_its_language() -> None:
    chinese = event_of(VISIT, lambda message: message.replace("s, %", "s、%"))
    assert "To do: Blood count、Safety." in chinese.description


def test_brackets_of_chinese_carry_their_own_space() -> None:
    words = {
        "(%(opens)s to %(closes)s)": "（%(opens)s 至 %(closes)s）",
        "%(label)s (%(place)s)": "%(label)s（%(place)s）",
    }
    within = replace(VISIT, terms=replace(TERMS, timing=TimingKind.WITHIN))
    event = event_of(within, lambda message: words.get(message, message))
    assert event.title == "NCT07274059 S01-003 D28（2027-01-01 至 2027-01-07）"
    assert event.description.splitlines()[0] == "Day 28（clinic）"


def test_a_stated_tolerance_is_not_called_assumed() -> None:
    stated = replace(VISIT, terms=replace(TERMS, tolerance_assumed=False))
    assert "assumed" not in event_of(stated).description


@pytest.mark.parametrize(
    ("timing", "days", "line"),
    [
        (TimingKind.OVER, window(0, 1), "Days: Monday 2027-01-04 to Tuesday 2027-01-05."),
        (TimingKind.OFFSET, window(0, 0), "Only on Monday 2027-01-04."),
        (TimingKind.EACH, window(0, 0), "Only on Monday 2027-01-04."),
    ],
)
def test_days_in_the_description(timing: TimingKind, days: VisitWindow, line: str) -> None:
    visit = replace(VISIT, terms=replace(TERMS, timing=timing, window=days))
    assert event_of(visit).description.splitlines()[1] == line


def test_the_identifier_is_opaque_and_the_link_holds_no_more_than_an_id() -> None:
    event = event_of(replace(VISIT, url="https://dayzero.example/participants/7/"))
    assert event.uid == "uid"
    assert event.url.endswith("/7/")
    assert event.categories == ("NCT07274059",)


def test_another_language_keeps_codes_and_days() -> None:
    words = {"Missed: %(title)s": "已错过：%(title)s"}
    event = event_of(
        replace(VISIT, record=VisitRecord(missed=True)), lambda message: words.get(message, message)
    )
    assert event.title == "已错过：NCT07274059 S01-003 D28 ±3"
