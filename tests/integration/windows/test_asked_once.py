"""What is asked once, when the answer holds: by the booked screening, at the visit, and no sooner."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from participants.domain.facts import Confirmation, Vaccination
from participants.models import Participant
from schedules.domain.plan import AnchorDay, AnchorKind
from schedules.domain.visit_values import Booking, Completion
from schedules.models import Deviation, Flag, ProtocolWindow, Visit
from schedules.services.judging import sweep_windows
from schedules.services.planning import enrol
from schedules.services.visits import book_visit, complete_visit, unbook_visit
from schedules.services.windows import record_fact
from tests.cast import a_version, an_enrolment

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
VACCINES = "live-vaccine-washout"


def noon(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=SHANGHAI)


@pytest.fixture
def person() -> Participant:
    """Of NCT07331467: infusion planned for Monday 7 December, so that screening is expected on 9 November."""
    anchors = {
        "infusion": AnchorDay(date(2026, 12, 7)),
        "consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL),
    }
    enrolment = an_enrolment(anchors=anchors, version=a_version("NCT07331467"), today=date(2026, 11, 2))
    return enrol(enrolment=enrolment, by=None)


def screening(person: Participant) -> Visit:
    return Visit.objects.get(participant=person, code="screening")


def booked(person: Participant, day: int) -> None:
    visit = screening(person)
    book_visit(visit=visit, version=visit.version, booking=Booking(date(2026, 11, day)), by=None, now=noon(5))


def asked(person: Participant) -> set[str]:
    flags = Flag.objects.filter(participant=person, cleared_at=None).select_related("window")
    return {flag.window.code for flag in flags if flag.window}


def ends(person: Participant) -> date | None:
    return ProtocolWindow.objects.get(participant=person, code=VACCINES).ends_on


def test_washouts_count_from_the_day_for_which_screening_is_booked(person: Participant) -> None:
    assert ends(person) == date(2026, 11, 9), "the first day of its range stands for it"
    booked(person, 18)
    assert ends(person) == date(2026, 11, 18)
    visit = screening(person)
    unbook_visit(visit=visit, version=visit.version, by=None, reason="no bed", now=noon(6))
    assert ends(person) == date(2026, 11, 9)


def test_nobody_is_asked_for_a_washout_before_screening_has_a_day(person: Participant) -> None:
    for day in (6, 9, 10, 12):
        sweep_windows(now=noon(day))
        assert VACCINES not in asked(person), day
    booked(person, 18)
    for day in (13, 16, 17):
        sweep_windows(now=noon(day))
        assert VACCINES not in asked(person), "said sooner it would not reach the day of screening"
    sweep_windows(now=noon(18))
    assert VACCINES in asked(person)


def test_what_lies_inside_by_an_assumed_screening_day_is_not_violated(person: Participant) -> None:
    """A vaccine of 20 October is within four weeks of 9 November, and not of the 18th."""
    record_fact(
        participant=person, fact=Vaccination("live-vaccine", date(2026, 10, 20)), by=None, now=noon(5)
    )
    sweep_windows(now=noon(12))
    assert not Deviation.objects.exists()
    booked(person, 18)
    sweep_windows(now=noon(18))
    assert not Deviation.objects.exists()
    assert VACCINES not in asked(person), "the last one on record was before the window"


def test_an_answer_on_the_day_of_screening_is_the_last_word(person: Participant) -> None:
    booked(person, 18)
    visit = screening(person)
    complete_visit(
        visit=visit, version=visit.version, completion=Completion(date(2026, 11, 18)), by=None, now=noon(18)
    )
    said = Confirmation("live-vaccine", noon(18))
    record_fact(participant=person, fact=said, by=None, now=noon(18))
    for day in (18, 19, 25):
        sweep_windows(now=noon(day))
        assert VACCINES not in asked(person), day
