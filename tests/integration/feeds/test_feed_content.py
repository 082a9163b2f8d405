"""What a feed shows, and of whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from participants.models import Participant
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from tests.phones import a_coordinator, change, events, fetch, subscribe, titles
from trials.models import Membership, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


def test_every_visit_by_its_target(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    shown = {str(event["UID"]): event for event in events(fetch(address))}
    visits = list(Visit.objects.filter(participant=participant))
    assert set(shown) == {visit.uid for visit in visits}
    for visit in visits:
        event = shown[visit.uid]
        assert event.start == (visit.opens if visit.timing == "over" else visit.target)
        last = visit.closes if visit.timing == "over" else visit.target
        assert event.end == last + timedelta(days=1)
        assert participant.subject_code not in visit.uid


def test_titles_carry_study_subject_code_visit_and_window(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    shown = titles(fetch(address))
    trial = participant.trial.called
    assert f"{trial} S01-001 D28 ±3" in shown
    assert f"{trial} S01-001 D0 Infusion ±0" in shown
    assert f"{trial} S01-001 D-5 Chemotherapy 1" in shown
    assert any(title.startswith(f"{trial} S01-001 Screening (20") for title in shown)


def test_the_description_says_what_is_assumed_and_why(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    visit = Visit.objects.get(participant=participant, code="d28")
    (event,) = [event for event in events(fetch(address)) if event["UID"] == visit.uid]
    description = str(event["DESCRIPTION"])
    assert str(visit.opens) in description
    assert str(visit.closes) in description
    assert ("The tolerance is assumed" in description) is (visit.tolerance_basis == "assumed")
    assert "28 days after" in description
    assert event["URL"] == f"http://testserver/participants/{participant.pk}/"
    opened = Client().get(str(event["URL"]))
    assert (opened.status_code, opened["Location"].partition("?")[0]) == (302, "/accounts/login/")


def test_a_site_shows_its_participants_and_no_others(participant: Participant, owner: User) -> None:
    version = participant.protocol_version
    enrol(enrolment=an_enrolment(version, subject_code="S01-002"), by=None)
    enrol(enrolment=an_enrolment(version, subject_code="S02-001", site=a_site("BJ")), by=None)
    _, address = subscribe(owner, site=participant.site)
    codes = {title.split()[1] for title in titles(fetch(address))}
    assert codes == {"S01-001", "S01-002"}


def test_a_site_shows_the_trials_of_the_role_alone(participant: Participant) -> None:
    other = a_version("NCT07274059")
    enrol(enrolment=an_enrolment(other, subject_code="S01-777"), by=None)
    narrow = a_coordinator(site=participant.site, trial=participant.trial)
    _, address = subscribe(narrow, site=participant.site)
    assert {title.split()[0] for title in titles(fetch(address))} == {participant.trial.called}


@pytest.mark.parametrize(
    ("values", "title", "status", "why"),
    [
        ({}, "", "TENTATIVE", "planned"),
        (
            {
                "booked_on": TODAY,
                "booked_start": NOW,
                "booked_end": NOW + timedelta(hours=1),
                "outside_reason": "travels",
            },
            "",
            "CONFIRMED",
            "booked",
        ),
        (
            {"booked_on": TODAY, "outside_reason": "travels"},
            "",
            "CONFIRMED",
            "booked for a day without an hour: takes no time",
        ),
        ({"missed_on": TODAY}, "Missed: ", "CONFIRMED", "recorded as missed"),
        ({"cancelled_on": TODAY}, "Cancelled: ", "CANCELLED", "cancelled today: struck through"),
        (
            {"cancelled_on": TODAY - timedelta(days=30)},
            "Cancelled: ",
            "CANCELLED",
            "cancelled thirty days ago: for the last time",
        ),
        ({"performed_on": TODAY}, "Done: ", "CONFIRMED", "done"),
    ],
)
def test_what_is_on_record(
    participant: Participant, owner: User, values: dict[str, Any], title: str, status: str, why: str
) -> None:
    change(participant, "d28", **values)
    _, address = subscribe(owner, participant=participant)
    uid = Visit.objects.get(participant=participant, code="d28").uid
    (event,) = [event for event in events(fetch(address)) if event["UID"] == uid]
    assert str(event["SUMMARY"]).startswith(f"{title}{participant.trial.called}"), why
    assert event["STATUS"] == status, why
    assert event["TRANSP"] == ("OPAQUE" if "booked_start" in values else "TRANSPARENT"), why


def test_a_closed_window_is_not_called_missed_before_it_is_recorded(
    participant: Participant, owner: User
) -> None:
    _, address = subscribe(owner, participant=participant)
    Membership.objects.update(ends_on=None)
    late = fetch(address, at=NOW + timedelta(days=900))
    assert not [title for title in titles(late) if "Missed" in title]
