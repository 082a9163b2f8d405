"""What goes into a calendar by its owner's choice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from participants.models import Participant
from schedules.domain.feeds import AlarmAhead, FeedContent
from schedules.models import ProtocolWindow, Visit
from schedules.web.feeds.forms import ContentForm
from tests.cast import NOW, TODAY
from tests.phones import change, events, fetch, subscribe, titles
from trials.models import Cohort, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
NINE = datetime(2027, 1, 4, 1, tzinfo=UTC)
BOOKED = {"booked_on": date(2027, 1, 4), "booked_start": NINE, "booked_end": NINE + timedelta(hours=1)}


def shown(owner: User, participant: Participant, at: datetime = NOW, **chosen: Any) -> list[Any]:
    _, address = subscribe(owner, participant=participant, content=FeedContent(**chosen))
    return events(fetch(address, at=at))


EVERY = {"window_bars": True, "to_book": True, "protocol_windows": True, "alarm": AlarmAhead.DAY}


@pytest.mark.parametrize(
    ("field", "entered", "kept"),
    [
        ("visits", "booked", {"only_booked": True}),
        ("window_bars", "on", {"window_bars": True}),
        ("to_book", "on", {"to_book": True}),
        ("protocol_windows", "on", {"protocol_windows": True}),
        ("keep_cancelled", "", {"keep_cancelled": False}),
        ("subject_codes", "", {"subject_codes": False}),
        ("alarm", "hour", {"alarm": AlarmAhead.HOUR}),
        ("alarm", "day", {"alarm": AlarmAhead.DAY}),
        ("language", "zh-hans", {"language": "zh-hans"}),
        ("days_back", "7", {"days_back": 7}),
        ("days_ahead", "365", {"days_ahead": 365}),
    ],
)
def test_each_choice_of_the_form_is_that_choice_and_no_other(
    field: str, entered: str, kept: dict[str, Any]
) -> None:
    shown = {one.html_name: one.value() for one in ContentForm()}
    asked = {name: "on" if value is True else value for name, value in shown.items() if value}
    form = ContentForm({**asked, field: entered})
    assert form.is_valid(), form.errors
    assert form.content() == FeedContent(**{"language": "en", **kept})


@pytest.mark.parametrize("what", ["site", "trial", "cohort", "mine"])
def test_every_choice_shows_the_same_whatever_the_calendar_is_of(
    participant: Participant, owner: User, what: str
) -> None:
    cohort = Cohort.objects.create(trial=participant.trial, code="dl1", label="Dose level 1", position=9)
    Participant.objects.filter(pk=participant.pk).update(cohort=cohort)
    change(participant, "d28", **BOOKED)
    change(participant, "d14", cancelled_on=TODAY)
    of = {"site": participant.site, "trial": participant.trial, "cohort": cohort}
    bodies = []
    for scope in ({"participant": participant}, {what: of[what]} if what in of else {}):
        _, address = subscribe(owner, content=FeedContent(**EVERY, days_back=91), **scope)
        bodies.append(fetch(address).content.partition(b"BEGIN:VEVENT")[2])
    assert bodies[0].count(b"BEGIN:VEVENT") > Visit.objects.count()
    assert bodies[0] == bodies[1]


def test_booked_visits_only(participant: Participant, owner: User) -> None:
    assert shown(owner, participant, only_booked=True) == []
    change(participant, "d28", **BOOKED)
    (event,) = shown(owner, participant, only_booked=True)
    assert event.start == NINE


def test_windows_as_bars_and_what_is_to_be_booked(participant: Participant, owner: User) -> None:
    visit = Visit.objects.get(participant=participant, code="d28")
    found = {str(one["SUMMARY"]): one for one in shown(owner, participant, window_bars=True, to_book=True)}
    bar = next(one for title, one in found.items() if title.startswith("Window:") and "D28" in title)
    assert (bar.start, bar.end) == (visit.opens, visit.closes + timedelta(days=1))
    todo = next(one for title, one in found.items() if title.startswith("To book:") and "D28" in title)
    assert todo.start == visit.opens - timedelta(days=14)
    assert {bar["TRANSP"], todo["TRANSP"]} == {"TRANSPARENT"}
    change(participant, "d28", **BOOKED)
    after = [str(one["SUMMARY"]) for one in shown(owner, participant, window_bars=True, to_book=True)]
    assert not any(title.startswith("To book:") and "D28" in title for title in after)
    assert len(after) == len(set(after))


def test_protocol_windows_with_days_of_their_own(participant: Participant, owner: User) -> None:
    windows = ProtocolWindow.objects.filter(
        participant=participant, starts_on__isnull=False, ends_on__isnull=False
    )
    plain, more = shown(owner, participant), shown(owner, participant, protocol_windows=True)
    assert windows.exists()
    assert len(more) == len(plain) + windows.count()
    window = windows.first()
    assert window
    event = next(one for one in more if window.label in str(one["SUMMARY"]))
    assert (event.start, event.end) == (window.starts_on, window.ends_on + timedelta(days=1))


def test_cancelled_visits_are_hidden_at_once(participant: Participant, owner: User) -> None:
    change(participant, "d28", cancelled_on=TODAY)
    kept, hidden = shown(owner, participant), shown(owner, participant, keep_cancelled=False)
    assert any(str(one["STATUS"]) == "CANCELLED" for one in kept)
    assert not any(str(one["STATUS"]) == "CANCELLED" for one in hidden)
    assert len(hidden) == len(kept) - 1


def test_a_calendar_without_subject_codes_names_none_anywhere(participant: Participant, owner: User) -> None:
    change(participant, "d28", **BOOKED)
    _, address = subscribe(owner, participant=participant, content=FeedContent(subject_codes=False, **EVERY))
    assert participant.subject_code.encode() not in fetch(address).content


@pytest.mark.parametrize(
    ("booking", "alarm", "ahead"),
    [
        (BOOKED, AlarmAhead.HOUR, timedelta(hours=-1)),
        (BOOKED, AlarmAhead.DAY, timedelta(days=-1)),
        ({"booked_on": date(2027, 1, 4)}, AlarmAhead.HOUR, timedelta(hours=8)),
        ({"booked_on": date(2027, 1, 4)}, AlarmAhead.DAY, timedelta(hours=-15)),
    ],
)
def test_alarms_of_bookings_alone(
    participant: Participant, owner: User, booking: dict[str, Any], alarm: AlarmAhead, ahead: timedelta
) -> None:
    change(participant, "d28", **booking)
    (event,) = [one for one in shown(owner, participant, alarm=alarm) if one.walk("VALARM")]
    (valarm,) = event.walk("VALARM")
    assert valarm["ACTION"] == "DISPLAY"
    assert valarm["DESCRIPTION"] == event["SUMMARY"]
    assert valarm["TRIGGER"].dt == ahead


def test_how_far_back_and_ahead_moves_with_the_days(participant: Participant, owner: User) -> None:
    content = FeedContent(days_back=7, days_ahead=28)
    _, address = subscribe(owner, participant=participant, content=content)
    for days in (0, 10, 40):
        at = NOW + timedelta(days=days)
        today = TODAY + timedelta(days=days)
        first = fetch(address, at=at)
        found = events(first)
        assert found
        for event in found:
            assert event.start <= today + timedelta(days=28)
            assert event.end > today - timedelta(days=7)
    assert titles(fetch(address)) != titles(fetch(address, at=NOW + timedelta(days=40)))


def test_in_the_language_of_the_subscription(participant: Participant, owner: User) -> None:
    change(participant, "d28", cancelled_on=TODAY)
    _, address = subscribe(owner, participant=participant, content=FeedContent(language="zh-hans"))
    answer = fetch(address)
    assert answer["Content-Language"] == "zh-hans"
    assert any(title.startswith("已取消") for title in titles(answer))
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n")), "folded by octets"
    answer.content.decode()
    for line in answer.content.split(b"\r\n"):
        line.decode()  # no character is cut in two


def test_the_same_visit_has_the_same_stamp_in_every_calendar(participant: Participant, owner: User) -> None:
    change(participant, "d28", **BOOKED)
    stamps = [
        {str(one["UID"]): (one["DTSTAMP"].dt, one["SEQUENCE"]) for one in shown(owner, participant, **chosen)}
        for chosen in ({}, {"language": "zh-hans"}, {"subject_codes": False})
    ]
    assert stamps[0] == stamps[1] == stamps[2]


def test_who_arrived_is_there_on_that_day(participant: Participant, owner: User) -> None:
    change(participant, "d28", **BOOKED, arrived_on=date(2027, 1, 5))
    event = next(one for one in shown(owner, participant) if str(one["SUMMARY"]).startswith("Arrived:"))
    assert event.start == date(2027, 1, 5)
    assert event["STATUS"] == "CONFIRMED"
    assert event["TRANSP"] == "TRANSPARENT"
