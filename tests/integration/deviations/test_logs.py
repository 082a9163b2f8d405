"""The screening and the enrolment log: subject codes only, attempts, outcomes, kept as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Visit
from schedules.selectors.deviations import trial_logs
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, a_version, an_enrolment
from tests.integration.deviations.conftest import a_user, at
from trials.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sunday() -> Any:
    with time_machine.travel(at(12, 27), tick=False):
        yield


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(a_user(Role.MONITOR, site=a_site("WH")))
    return client


def stepped(person: Participant, step: Step, on: date, reason: str, **more: Any) -> None:
    person.refresh_from_db()
    request = StepRequest(step, on, **more)
    take_step(
        participant=person, version=person.version, request=request, by=None, reason=reason, now=at(12, 27)
    )


@pytest.fixture
def screened(participant) -> Participant:
    """Somebody who failed screening and was screened again, beside somebody who was infused."""
    consent = {"consent": AnchorDay(date(2026, 12, 14), AnchorKind.ACTUAL)}
    asked = an_enrolment(participant.protocol_version, subject_code="S01-002")
    asked = replace(asked, anchors={"infusion": AnchorDay(date(2027, 1, 18)), **consent})
    other = enrol(enrolment=asked, by=None)
    stepped(other, Step.SCREEN_FAILURE, date(2026, 12, 20), "LVEF 45%")
    stepped(other, Step.RESCREENING, date(2026, 12, 26), "again", day_zero=date(2027, 2, 1))
    return other


def test_the_screening_log_has_a_line_for_every_attempt(client, screened) -> None:
    page = client.get(reverse("screening-log"))
    found = [
        (r.participant.subject_code, r.screened.attempt, r.screened.outcome) for r in page.context["rows"]
    ]
    assert found == [
        ("S01-001", 1, "Enrolled"),
        ("S01-002", 1, "Screen failure"),
        ("S01-002", 2, "In screening"),
    ]
    assert "LVEF 45%" in page.content.decode()
    assert page.context["rows"][0].screened.since == date(2026, 11, 3), "the day of the consent"
    text = b"".join(client.get(reverse("screening-log-export", args=["csv"]))).decode()
    assert "S01-002,1,2026-12-14,Screen failure,2026-12-20,LVEF 45%" in text
    assert "Software,Dayzero" in text


ASKED = [
    ("screening-log", "", [("S01-001", 1), ("S01-002", 1), ("S01-002", 2)], "all"),
    ("screening-log", "screen-failure", [("S01-002", 1)], "the first attempt of one"),
    ("screening-log", "in-screening", [("S01-002", 2)], "the second attempt"),
    ("screening-log", "enrolled", [("S01-001", 1)], "who was infused"),
    ("screening-log", "death", [], "nobody died"),
    ("enrolment-log", "follow-up", [("S01-001", 1)], "who was infused"),
    ("enrolment-log", "conditioning", [], "nobody is in chemotherapy"),
    ("enrolment-log", "withdrawn", [], "nobody withdrew"),
]


@pytest.mark.parametrize(("where", "outcome", "expected", "why"), ASKED, ids=[row[3] for row in ASKED])
def test_the_logs_are_asked_for_an_outcome(client, screened, where, outcome, expected, why) -> None:
    page = client.get(reverse(where), {"outcome": outcome})
    rows = page.context["rows"]
    attempts = [row.screened.attempt if where == "screening-log" else 1 for row in rows]
    found = list(zip((row.participant.subject_code for row in rows), attempts, strict=True))
    assert found == expected, why
    text = b"".join(client.get(reverse(f"{where}-export", args=["csv"]), {"outcome": outcome})).decode()
    assert ("S01-002" in text) is any(code == "S01-002" for code, _attempt in expected)


def test_the_enrolment_log_has_who_was_enrolled(client, screened) -> None:
    page = client.get(reverse("enrolment-log"))
    (row,) = page.context["rows"]
    assert (row.participant.subject_code, row.infused_on) == ("S01-001", date(2026, 12, 7))
    assert not row.enrolled.on_record
    assert "no day of enrolment is on record" in page.content.decode()
    stepped(row.participant, Step.DEATH, date(2026, 12, 24), "")
    (row,) = client.get(reverse("enrolment-log")).context["rows"]
    assert (row.phase, row.end.on) == ("died", date(2026, 12, 24))
    sheet = client.get(reverse("enrolment-log-export", args=["xlsx"]))
    assert b"".join(sheet.streaming_content)[:2] == b"PK"


def outcome_of(client: Client, where: str, outcome: str) -> set[str]:
    return {
        row.participant.subject_code
        for row in client.get(reverse(where), {"outcome": outcome}).context["rows"]
    }


def test_a_treatment_of_which_only_a_visit_tells_is_an_enrolment(client, screened) -> None:
    """Of chemotherapy whose first day is not on record, the second was given."""
    given = Visit.objects.filter(participant=screened, code="ld-2")
    assert given.update(performed_on=date(2026, 12, 15)) == 1
    rows = client.get(reverse("enrolment-log")).context["rows"]
    (row,) = (row for row in rows if row.participant == screened)
    assert (row.enrolled.on, row.enrolled.on_record) == (date(2026, 12, 15), False)
    assert outcome_of(client, "enrolment-log", "screening") == {"S01-002"}
    assert outcome_of(client, "screening-log", "enrolled") == {"S01-001", "S01-002"}
    assert outcome_of(client, "screening-log", "in-screening") == set()


@pytest.mark.parametrize("name", ["screening-log", "enrolment-log"])
def test_only_what_is_in_sight_and_asked_for(client, screened, name) -> None:
    def codes(asked: str = "") -> set[str]:
        return {row.participant.subject_code for row in client.get(reverse(name) + asked).context["rows"]}

    everybody = codes()
    assert "S01-001" in everybody
    assert codes("?q=s01-001&from=2026-11-03&to=2026-11-03") == {"S01-001"}
    assert codes("?from=2026-11-04&to=2026-12-01") == set()
    elsewhere = an_enrolment(screened.protocol_version, site=a_site("NJ"), subject_code="S02-001")
    enrol(enrolment=elsewhere, by=None)
    assert codes() == everybody
    assert "S02-001" not in b"".join(client.get(reverse(f"{name}-export", args=["csv"]))).decode()


@pytest.mark.parametrize("name", ["screening-log", "enrolment-log"])
def test_pages_by_key_in_a_constant_number_of_queries(client, participant, monkeypatch, name) -> None:
    client.get(reverse(name))

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse(name))
        return len(asked)

    one = queries()
    for number in range(2, 5):
        asked = an_enrolment(participant.protocol_version, subject_code=f"S01-00{number}")
        enrol(enrolment=asked, by=None)
    assert queries() == one
    monkeypatch.setattr(trial_logs, "PAGE", 2)
    if name == "screening-log":
        assert [r.participant.subject_code for r in trial_logs.screening_log(*_asker(), size=2).rows][
            -1
        ] == "S01-002"
        second = trial_logs.screening_log(
            *_asker(after=trial_logs.screening_log(*_asker(), size=2).after), size=2
        )
        assert [row.participant.subject_code for row in second.rows] == ["S01-003", "S01-004"]
        assert second.after is None


def _asker(after: int | None = None) -> tuple[Any, date, trial_logs.WantedLog]:
    return User.objects.get(username="monitor"), date(2026, 12, 27), trial_logs.WantedLog(after=after)


def test_a_trial_whose_enrolment_is_on_record(client) -> None:
    days = {"infusion": date(2026, 12, 7), "enrolment": date(2026, 11, 28), "consent": date(2026, 11, 3)}
    anchors = {code: AnchorDay(day, AnchorKind.ACTUAL) for code, day in days.items()}
    enrol(enrolment=an_enrolment(a_version("NCT07193667"), anchors=anchors), by=None)
    (row,) = client.get(reverse("enrolment-log")).context["rows"]
    assert (row.enrolled.on, row.enrolled.on_record) == (date(2026, 11, 28), True)
