"""Texts that nothing can keep, and codes that mean nothing: refused in words, wherever they stand."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from participants.models import Fact, Participant
from schedules.models import Visit
from trials.models import ApiAct, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


@pytest.fixture
def header(edc: User) -> dict[str, str]:
    token = issue_api_token(user=edc, name="EDC live", scope=TokenScope(acts=ApiAct.values))[1]
    return {"authorization": f"Bearer {token}"}


def patch(header: dict[str, str], person: Participant, body: str) -> Any:
    visit = Visit.objects.get(participant=person, rule_code="screening")
    headers = {**header, "if-match": f'"{visit.version}"'}
    address, sent = f"/api/v1/visits/{visit.pk}", Client(raise_request_exception=False)
    return sent.patch(address, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        r'{"\ud800":1}',
        r'{"\ud800":1,"\ud800":2}',
        r'{"missed":true,"reason":"\ud800"}',
        r'{"performed":{"on":"2026-11-20","activities":{"\ud800":{"done":true}}}}',
        r'{"performed":{"on":"2026-11-20","confirmed":{"\ud800":true}}}',
        r'{"performed":{"on":"2026-11-20","confirmed":{"a\u0000":true}}}',
        r'{"performed":{"on":"2026-11-20","results":{"\ud800":{"result":"x"}}}}',
    ],
)
def test_half_a_character_and_a_zero_byte_are_no_json_of_ours(
    header: dict[str, str], participant: Participant, body: str
) -> None:
    """No answer could repeat the one, PostgreSQL keeps no other: twelve places answered 500."""
    answer = patch(header, participant, body)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_a_whole_character_may_be_written_in_halves(header: dict[str, str], participant: Participant) -> None:
    answer = patch(header, participant, r'{"booked":{"on":"2026-11-24","place":"\ud83c\udfe5"}}')
    assert (answer.status_code, answer.json()["booked_place"]) == (200, "\U0001f3e5"), answer.content


def test_what_is_confirmed_of_no_window_is_refused_by_its_name(
    header: dict[str, str], participant: Participant
) -> None:
    """A mistyped code was put on record, where it judged nothing and was asked for again."""
    answer = patch(
        header, participant, '{"performed":{"on":"2026-11-20","confirmed":{"contraceptoin":true}}}'
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "confirmed"
    assert "contraceptoin" in answer.json()["detail"]
    assert not Fact.objects.exists()
