"""Webhooks as a resource: a client makes, reads, moves, pauses, rotates and ends its own, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from standardwebhooks.webhooks import Webhook as Verifier

from participants.models import Participant
from schedules.models import IdempotentAnswer, Webhook, WebhookDelivery
from schedules.services.exchange.webhook_messages import ring_webhooks
from schedules.services.exchange.webhooks import open_webhook
from tests.cast import NOW, TODAY
from tests.integration.api.test_webhooks import URL, Receiver, changed
from tests.readers import problem
from trials.models import ApiAct, ApiClient, AuditEntry, User
from trials.services.accounts.clients import ClientTerms, open_client
from trials.services.accounts.memberships import grant_membership

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
HOOKS = "/api/v1/webhooks"
Send = Callable[..., Any]


def a_client(name: str = "castor", acts: Any = (ApiAct.READ, ApiAct.WEBHOOKS), **terms: Any) -> Any:
    """A client of those terms, and its secret."""
    wanted = ClientTerms(acts=list(acts), **terms)
    return open_client(name=name, terms=wanted, today=TODAY, now=NOW, by=None, reason="EDC.")


def sending(client: ApiClient, secret: str, scope: str = "") -> Send:
    """What a program with an access token of this client sends."""
    asked = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
    if scope:
        asked["scope"] = scope
    token = Client().post("/api/v1/oauth/token", asked_form(asked), content_type=FORM).json()["access_token"]

    def send(method: str, address: str, body: Any = None, key: str = "", **headers: str) -> Any:
        more = {"authorization": f"Bearer {token}", **headers}
        if key:
            more["idempotency-key"] = key
        text = b"" if body is None else json.dumps(body).encode()
        return Client().generic(method, address, text, content_type="application/json", headers=more)

    return send


FORM = "application/x-www-form-urlencoded"


def asked_form(given: dict[str, str]) -> str:
    from urllib.parse import urlencode

    return urlencode(given)


@pytest.fixture
def whose(settings: Any, participant: Participant) -> tuple[ApiClient, str]:
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]
    found: tuple[ApiClient, str] = a_client(site=participant.site)
    return found


@pytest.fixture
def send(whose: tuple[ApiClient, str]) -> Send:
    return sending(*whose)


def made(send: Send, key: str = "k1") -> tuple[int, str]:
    answer = send("POST", HOOKS, {"url": URL}, key)
    assert answer.status_code == 201, answer.content
    return answer.json()["webhook"]["id"], answer.json()["secret"]


def test_a_client_makes_a_webhook_that_tells_of_changes(
    send: Send, whose: tuple[ApiClient, str], participant: Participant
) -> None:
    pk, secret = made(send)
    changed(participant)
    receiver = Receiver()
    ring_webhooks(now=lambda: NOW, at=lambda: NOW, send=receiver)
    ((body, headers),) = receiver.got
    assert Verifier(secret).verify(body, headers)
    shown = send("GET", f"{HOOKS}/{pk}").json()
    assert (shown["client"], shown["url"], shown["state"]) == ("castor", URL, "active")
    assert shown["messages"] == {"open": 0, "sent": 1, "refused": 0}
    assert "secret" not in shown
    assert [one["id"] for one in send("GET", HOOKS).json()["results"]] == [pk]
    (message,) = send("GET", f"{HOOKS}/{pk}/messages").json()["results"]
    assert (message["key"], message["state"], message["status"]) == (headers["webhook-id"], "sent", 204)
    assert send("GET", f"{HOOKS}/{pk}/messages?state=open&state=refused").json()["results"] == []
    entry = AuditEntry.objects.filter(model="schedules.webhook", action="create").get()
    assert ("api-webhooks" in entry.cause, entry.actor_id) == (True, whose[0].user_id)


def test_the_same_answer_comes_again_and_no_secret_is_kept_in_the_clear(send: Send) -> None:
    _pk, secret = made(send)
    again = send("POST", HOOKS, {"url": URL}, "k1")
    assert (again.status_code, again.json()["secret"], again["Idempotency-Replayed"]) == (201, secret, "true")
    assert again["Cache-Control"] == "no-store"
    assert Webhook.objects.count() == 1
    assert all(secret not in one.body for one in IdempotentAnswer.objects.all())
    assert problem(send("POST", HOOKS, {"url": URL + "2"}, "k1"))["status"] == 422
    assert problem(send("POST", HOOKS, {"url": URL}))["status"] == 428


def test_it_is_moved_paused_and_resumed_on_the_version_that_was_read(send: Send) -> None:
    pk, _secret = made(send)
    tag = send("GET", f"{HOOKS}/{pk}")["ETag"]
    assert problem(send("PATCH", f"{HOOKS}/{pk}", {"paused": True}))["code"] == "version_required"
    tried = send("PATCH", f"{HOOKS}/{pk}?dry_run=true", {"paused": True}, **{"if-match": tag})
    assert (tried.json()["state"], Webhook.objects.get().paused_at) == ("paused", None)
    both = {"url": f"{URL}/other", "paused": True}
    paused = send("PATCH", f"{HOOKS}/{pk}", both, **{"if-match": tag})
    assert (paused.json()["state"], paused.json()["paused_because"]) == ("paused", "by-hand")
    assert (paused.json()["url"], paused.json()["version"]) == (f"{URL}/other", 3)
    late = send("PATCH", f"{HOOKS}/{pk}", {"paused": False}, **{"if-match": tag})
    assert (problem(late)["code"], late.json()["current"]["version"]) == ("stale", 3)
    resumed = send("PATCH", f"{HOOKS}/{pk}", {"paused": False}, **{"if-match": paused["ETag"]})
    assert (resumed.json()["state"], resumed.json()["paused_because"]) == ("active", None)


def test_its_secret_is_rotated_with_an_overlap(send: Send, participant: Participant) -> None:
    pk, first = made(send)
    answer = send("POST", f"{HOOKS}/{pk}/secret", {"overlap_days": 2}, "k2")
    second = answer.json()["secret"]
    assert answer.json()["webhook"]["previous_secret_until"] is not None
    changed(participant)
    receiver = Receiver()
    ring_webhooks(now=lambda: NOW, at=lambda: NOW, send=receiver)
    ((body, headers),) = receiver.got
    assert Verifier(first).verify(body, headers)
    assert Verifier(second).verify(body, headers)
    wrong = problem(send("POST", f"{HOOKS}/{pk}/secret", {"overlap_days": 31}, "k3"))
    assert (wrong["status"], wrong["attr"]) == (400, "overlap_days")


def test_messages_are_sent_again_by_instant_or_by_id(send: Send, participant: Participant) -> None:
    pk, _secret = made(send)
    changed(participant, 2)
    ring_webhooks(now=lambda: NOW, at=lambda: NOW, send=Receiver())
    since = {"since": (NOW - timedelta(hours=1)).isoformat()}
    replay = f"{HOOKS}/{pk}/replay"
    assert send("POST", f"{replay}?dry_run=true", since, "k2").json() == {"count": 2}
    assert WebhookDelivery.objects.filter(sent_at=None).count() == 0
    one = WebhookDelivery.objects.first()
    assert one
    assert send("POST", replay, {"message": one.pk}, "k3").json() == {"count": 1}
    assert send("POST", replay, since, "k4").json() == {"count": 2}
    receiver = Receiver()
    ring_webhooks(now=lambda: NOW, at=lambda: NOW, send=receiver)
    assert len(receiver.got) == 2
    for body in (
        {},
        {**since, "message": one.pk},
        {"since": "yesterday"},
        {"message": 987654},
        {"all": True},
    ):
        assert problem(send("POST", replay, body, f"wrong {body}".replace(" ", "")))["status"] == 400


def test_it_ends_and_stays_to_be_read(send: Send) -> None:
    pk, _secret = made(send)
    tag = send("GET", f"{HOOKS}/{pk}")["ETag"]
    assert problem(send("DELETE", f"{HOOKS}/{pk}"))["status"] == 428
    assert send("DELETE", f"{HOOKS}/{pk}?dry_run=true", **{"if-match": tag}).status_code == 204
    assert send("GET", f"{HOOKS}/{pk}").json()["state"] == "active"
    assert send("DELETE", f"{HOOKS}/{pk}", **{"if-match": tag}).status_code == 204
    ended = send("GET", f"{HOOKS}/{pk}")
    assert ended.json()["state"] == "ended"
    refused = problem(send("PATCH", f"{HOOKS}/{pk}", {"paused": False}, **{"if-match": ended["ETag"]}))
    assert (refused["status"], "ended" in refused["detail"]) == (400, True)
    assert problem(send("DELETE", f"{HOOKS}/{pk}", **{"if-match": tag}))["status"] == 412


def test_a_client_sees_its_own_alone_and_needs_the_act(
    send: Send, whose: tuple[ApiClient, str], participant: Participant, token: str
) -> None:
    theirs = a_client("rave")[0]
    other, _secret = open_webhook(client=theirs, url=URL, by=None)
    assert send("GET", HOOKS).json()["results"] == []
    for method, address, body in (
        ("GET", f"{HOOKS}/{other.pk}", None),
        ("PATCH", f"{HOOKS}/{other.pk}", {"paused": True}),
        ("POST", f"{HOOKS}/{other.pk}/replay", {"since": NOW.isoformat()}),
        ("POST", f"{HOOKS}/{other.pk}/secret", {}),
        ("GET", f"{HOOKS}/{other.pk}/messages", None),
        ("GET", f"{HOOKS}/{2**70}", None),
    ):
        assert problem(send(method, address, body, "k", **{"if-match": '"1"'}))["status"] == 404
    reads = sending(*a_client("reads", acts=[ApiAct.READ]))
    assert reads("GET", HOOKS).status_code == 200
    assert problem(reads("POST", HOOKS, {"url": URL}, "k"))["code"] == "act_not_allowed"
    narrow = sending(*a_client("wide"), scope="webhooks:write site:WH")
    assert problem(narrow("POST", HOOKS, {"url": URL}, "k"))["code"] == "scope_too_narrow"
    old = Client().get(HOOKS, headers={"authorization": f"Bearer {token}"})
    assert problem(old)["status"] == 403, "an API token belongs to no client"


def test_an_administrator_looks_and_acts_on_the_page_alone(
    send: Send, whose: tuple[ApiClient, str], settings: Any
) -> None:
    pk, _secret = made(send)
    boss = User.objects.create_user("boss")
    grant_membership(user=boss, role="administrator", starts_on=TODAY, by=None)
    person = Client()
    person.force_login(boss)
    assert [one["id"] for one in person.get(HOOKS).json()["results"]] == [pk]
    assert problem(person.post(HOOKS, {"url": URL}, content_type="application/json"))["status"] == 403


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "ftp://example.org/", "nonsense", "", 7, "https://u:p@x.org/"]
)
def test_an_address_that_cannot_be_told_is_refused(send: Send, url: Any) -> None:
    wrong = problem(send("POST", HOOKS, {"url": url}, "k"))
    assert (wrong["status"], wrong["attr"]) == (400, "url")
    assert Webhook.objects.count() == 0
