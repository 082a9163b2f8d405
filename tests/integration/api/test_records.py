"""Anchors, facts, differences and maps through the API: once for each key, by the rules of the screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from participants.models import Anchor, Fact, Participant
from schedules.models import EdcMap, EdcSubject, IdempotentAnswer, ValueDifference
from tests.cast import NOW
from tests.readers import problem
from trials.models import ApiAct, Membership, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
Send = Callable[..., Any]
CONSENT = {"code": "consent", "actual_on": "2026-11-20", "reason": "Entered in the EDC."}
MAP = "edc-maps/CART-SLE/rave/live"


@pytest.fixture
def send(edc: User) -> Send:
    text = issue_api_token(user=edc, name="Rave live", scope=TokenScope(acts=ApiAct.values))[1]

    def send(method: str, address: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"authorization": f"Bearer {text}", **named}
        if method == "get":
            return Client().get(f"/api/v1/{address}", headers=headers)
        ask = getattr(Client(), method)
        return ask(f"/api/v1/{address}", body, content_type="application/json", headers=headers)

    return send


def test_a_post_that_is_sent_again_is_answered_again_and_done_once(
    send: Send, participant: Participant
) -> None:
    address = f"participants/{participant.pk}/anchors"
    first = send("post", address, CONSENT, idempotency_key="k-1")
    assert first.status_code == 200, first.content
    again = send("post", address, CONSENT, idempotency_key="k-1")
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert Anchor.objects.get(participant=participant, code="consent").actual_on.isoformat() == "2026-11-20"
    other = problem(send("post", address, {**CONSENT, "actual_on": "2026-11-19"}, idempotency_key="k-1"))
    assert (other["status"], other["code"]) == (422, "idempotency_key_reused")
    for key in ({}, {"idempotency_key": ""}, {"idempotency_key": "x" * 129}):
        assert problem(send("post", address, CONSENT, **key))["status"] == 428
    IdempotentAnswer.objects.update(created_at=NOW.replace(day=19))
    assert "Idempotency-Replayed" not in send("post", address, CONSENT, idempotency_key="k-1"), "a day later"


def test_an_anchor_that_differs_is_kept_beside_ours_and_settled(send: Send, participant: Participant) -> None:
    address = f"participants/{participant.pk}/anchors"
    send("post", address, CONSENT, idempotency_key="k-1")
    differs = send("post", address, {**CONSENT, "actual_on": "2026-11-19"}, idempotency_key="k-2")
    assert (problem(differs)["status"], problem(differs)["code"]) == (409, "value_differs")
    assert differs.json()["current"]["actual_on"] == "2026-11-20"
    (open_one,) = send("get", "differences").json()["results"]
    assert (open_one["ours"], open_one["theirs"]) == ("2026-11-20", "2026-11-19")
    settle = f"differences/{open_one['id']}/settlement"
    assert problem(send("post", settle, {"reason": " "}, idempotency_key="k-3"))["status"] == 400
    done = send("post", settle, {"reason": "The form says the 20th."}, idempotency_key="k-4")
    assert done.json()["settled_reason"] == "The form says the 20th."
    assert send("get", "differences").json()["results"] == []
    assert len(send("get", "differences?settled=true").json()["results"]) == 1


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({**CONSENT, "code": "nonsense"}, "code"),
        ({**CONSENT, "actual_on": "2026-11-22"}, None),
        ({**CONSENT, "actual_at": "2026-11-19T10:00"}, "actual_at"),
        ({**CONSENT, "colour": "red"}, "colour"),
        ({"code": "consent"}, "actual_on"),
    ],
)
def test_an_anchor_that_cannot_be_is_refused(
    send: Send, participant: Participant, body: dict[str, str], attr: str | None
) -> None:
    answer = send("post", f"participants/{participant.pk}/anchors", body, idempotency_key="k")
    assert problem(answer)["status"] == 400
    assert attr is None or attr in {error["attr"] for error in answer.json()["errors"]}
    assert not Anchor.objects.filter(
        participant=participant, code="consent", actual_on__isnull=False
    ).exists()


def test_a_fact_is_recorded_once_and_judged(send: Send, participant: Participant) -> None:
    address = f"participants/{participant.pk}/facts"
    kinds = [kind for kind in ("lodging", "test", "dose") if _possible(send, participant, kind)]
    assert kinds, "the protocol asks for one of them"
    wrong = send("post", address, {"kind": "waiver", "starts_on": "2026-11-20"}, idempotency_key="w")
    assert problem(wrong)["status"] == 400
    assert problem(send("post", address, {"kind": "lodging"}, idempotency_key="n"))["status"] == 400
    assert Fact.objects.count() == len(kinds)


def _possible(send: Send, participant: Participant, kind: str) -> bool:
    """Record a fact of a kind, by the first name that is possible."""
    address = f"participants/{participant.pk}/facts"
    body = {
        "kind": kind,
        "starts_on": "2026-11-20",
        **({"detail": {"minutes": 20}} if kind == "lodging" else {}),
    }
    answer = send("post", address, body, idempotency_key=f"{kind}-1")
    if answer.status_code == 400 and "possible are: " in answer.json()["detail"]:
        of = answer.json()["detail"].split("possible are: ")[1].rstrip(".").split(", ")[0]
        answer = send("post", address, {**body, "of": of}, idempotency_key=f"{kind}-2")
    return bool(answer.status_code == 201)


def test_a_dry_run_of_a_post_keeps_neither_the_act_nor_the_key(send: Send, participant: Participant) -> None:
    address = f"participants/{participant.pk}/anchors?dry_run=true"
    assert send("post", address, CONSENT, idempotency_key="k").json()["actual_on"] == "2026-11-20"
    assert not Anchor.objects.filter(code="consent", actual_on__isnull=False).exists()
    assert not IdempotentAnswer.objects.exists()


def test_a_map_is_saved_as_a_whole_and_checked(send: Send, edc: User, participant: Participant) -> None:
    body = {
        "study_oid": "CART(PROD)",
        "sites": {"WH": "101"},
        "events": [{"visit": "d14", "event_oid": "SE_D14", "date_item_oid": "VISDAT"}],
        "subjects": {"S01-001": "101-001"},
    }
    assert problem(send("put", MAP, body))["status"] == 403, "a role at one site maps no trial"
    Membership.objects.filter(user=edc).update(site=None)
    saved = send("put", MAP, body)
    assert saved.status_code == 200, saved.content
    assert saved["ETag"].startswith('"1-')
    assert any("Visits without an event" in words for words in saved.json()["unmapped"])
    assert not any("Sites" in words or "Participants" in words for words in saved.json()["unmapped"])
    assert EdcSubject.objects.get().external_id == "101-001"
    assert problem(send("put", MAP, body))["status"] == 428
    assert send("put", MAP, {**body, "study_oid": "X"}, if_match='"1"').json()["version"] == 2
    assert problem(send("put", MAP, body, if_match='"1"'))["status"] == 412
    assert send("get", MAP).json()["study_oid"] == "X"
    assert problem(send("get", "edc-maps/CART-SLE/rave/training"))["status"] == 404
    assert send("put", "edc-maps/CART-SLE/redcap/training", body).status_code == 200, "beside each other"
    assert EdcMap.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sites": {"XX": "1"}}, "does not run at XX"),
        ({"events": [{"visit": "none", "event_oid": "A"}]}, "has the visit none"),
        (
            {"events": [{"visit": "d14", "event_oid": "A"}, {"visit": "d28", "event_oid": "A"}]},
            "more than once: A",
        ),
        ({"events": [{"visit": "d14", "event_oid": "A"}, {"visit": "d14", "event_oid": "B"}]}, "once: d14"),
        ({"events": [{"visit": "d14"}]}, "required"),
        ({"subjects": {"S09-999": "1"}}, "Nobody in this trial has the subject code S09-999"),
        ({"colour": 1}, "no such field"),
    ],
)
def test_a_map_that_cannot_be_is_refused_whole(
    send: Send, edc: User, participant: Participant, change: dict[str, Any], words: str
) -> None:
    Membership.objects.filter(user=edc).update(site=None)
    answer = send("put", MAP, change)
    assert problem(answer)["status"] == 400
    assert words in answer.json()["detail"]
    assert not EdcSubject.objects.exists()


def test_without_a_difference_nothing_is_kept(send: Send, participant: Participant) -> None:
    send("post", f"participants/{participant.pk}/anchors", CONSENT, idempotency_key="k")
    assert not ValueDifference.objects.exists()
