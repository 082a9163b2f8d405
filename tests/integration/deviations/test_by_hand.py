"""Deviations that no record shows: entered by a person, then alive like those that software drafts."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.models import Deviation
from schedules.services.enrolment.enrolling import enrol
from tests.cast import an_enrolment
from tests.integration.deviations.conftest import at, done, visit
from tests.integration.deviations.test_pages import SAID, act, browser
from trials.models import Role

pytestmark = pytest.mark.django_db
WHAT = "The consent form of version 1 was used."


@pytest.fixture(autouse=True)
def sunday() -> Any:
    with time_machine.travel(at(12, 27), tick=False):
        yield


def form(participant: Participant) -> str:
    return reverse("deviation-new", kwargs={"pk": participant.pk})


def typed(**values: Any) -> dict[str, Any]:
    return {"token": uuid4(), "occurred_on": "2026-12-21", "description": WHAT, **values}


def test_it_is_entered_of_a_participant_and_lives_like_a_draft(participant: Participant) -> None:
    client = browser()
    assert form(participant) in client.get(f"/participants/{participant.pk}/").content.decode()
    seen = visit("d14", participant)
    done(seen, date(2026, 12, 21), at(12, 21))
    page = client.post(form(participant), typed(visit=seen.pk), follow=True)
    one = Deviation.objects.get()
    assert (one.kind, one.visit, one.found_on, one.occurred_on) == (
        "manual", seen, date(2026, 12, 27), date(2026, 12, 21),
    )  # fmt: skip
    assert one.protocol_version == participant.protocol_version
    assert WHAT in page.content.decode()
    assert client.post(act(one), {"version": 1, **SAID}).status_code == 302
    client.post(act(one, "withdraw"), {"version": 2, "reason": "the right one was used"})
    one.refresh_from_db()
    assert (one.classification, one.withdrawn_reason) == ("important", "the right one was used")


def test_it_is_entered_from_the_log_by_subject_code(participant: Participant) -> None:
    client, where = browser(), reverse("deviation-new-of")
    assert where in client.get(reverse("deviations")).content.decode()
    assert client.post(where, typed(subject="s01-001")).status_code == 302
    assert Deviation.objects.get().participant == participant
    log = client.get(reverse("deviations"), {"kind": "manual"}).content.decode()
    assert WHAT in log


def test_a_form_sent_twice_is_entered_once(participant: Participant) -> None:
    client, said = browser(), typed()
    assert {client.post(form(participant), said).status_code for _time in range(2)} == {302}
    assert Deviation.objects.count() == 1


REFUSED = [
    ({"occurred_on": "2026-12-28"}, "is in the future: today is Sun 27 Dec", "tomorrow"),
    ({"description": "  "}, "This field is required", "not a word"),
    ({"occurred_on": "2026-02-30"}, "valid date", "no day at all"),
]


@pytest.mark.parametrize(("values", "says", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_is_incomplete_comes_back_filled(participant, values, says, why) -> None:
    answer = browser().post(form(participant), typed(**values))
    assert answer.status_code == 422, why
    assert says in answer.content.decode()
    assert (WHAT in answer.content.decode()) is ("description" not in values)
    assert not Deviation.objects.exists()


def test_another_s_visit_is_not_offered(participant: Participant) -> None:
    other = enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S01-002"), by=None)
    answer = browser().post(form(participant), typed(visit=visit("d14", other).pk))
    assert answer.status_code == 422
    assert not Deviation.objects.exists()


def test_nobody_out_of_sight_and_nobody_who_only_reads(participant: Participant) -> None:
    elsewhere, monitor = browser(site="NJ"), browser(Role.MONITOR)
    assert elsewhere.post(form(participant), typed()).status_code == 404
    assert monitor.post(form(participant), typed()).status_code == 403
    for client in (elsewhere, monitor):
        answer = client.post(reverse("deviation-new-of"), typed(subject="S01-001"))
        assert answer.status_code == 422
        assert "No participant with the code S01-001" in answer.content.decode()
    assert not Deviation.objects.exists()


def test_signed_out_is_sent_to_sign_in() -> None:
    assert Client().get(reverse("deviation-new-of")).status_code == 302
