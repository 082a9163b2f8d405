"""Webhooks: signed, in order for each participant, tried again, paused visibly, replayed, never inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from standardwebhooks.webhooks import Webhook as Verifier

from participants.models import Participant
from schedules.domain.webhooks import PATIENCE, REFUSED_IN_A_ROW, PauseReason
from schedules.models import ChangeEvent, Visit, Webhook, WebhookDelivery
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.change_feed import feed_epoch
from schedules.services.exchange.webhook_messages import forget_messages, ring_webhooks, write_messages
from schedules.services.exchange.webhooks import (
    end_webhook,
    move_webhook,
    open_webhook,
    pause_webhook,
    replay_webhook,
    resume_webhook,
    rotate_webhook_secret,
)
from tests.cast import NOW, TODAY, a_site, an_enrolment, open_epoch_as_a_restore_does, show_who_one_is
from trials.domain.errors import Refused
from trials.domain.refusals import Refusal
from trials.models import ApiClient, User
from trials.outbound import Answer, OutboundUnreachable
from trials.services.accounts.clients import ClientTerms, end_client, open_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
URL = "http://127.0.0.1:9/hook"


class Receiver:
    """Somebody who answers as told and keeps what came."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers, self.got = list(answers), []

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        if answer < 300:
            self.got.append((body, dict(headers)))
        return Answer(answer)

    @property
    def numbers(self) -> list[int]:
        return [json.loads(body)["data"]["number"] for body, _headers in self.got]


@pytest.fixture
def client_of(settings: Any, participant: Participant) -> ApiClient:
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]
    terms = ClientTerms(site=participant.site)
    return open_client(name="castor", terms=terms, today=TODAY, now=NOW, by=None, reason="EDC.")[0]


@pytest.fixture
def hook(client_of: ApiClient) -> Webhook:
    return open_webhook(client=client_of, url=URL, by=None)[0]


def changed(person: Participant, count: int = 1) -> None:
    visits = list(Visit.objects.filter(participant=person).order_by("pk")[:count])
    ChangeEvent.objects.bulk_create(
        ChangeEvent(kind="moved", participant=person, visit=visit, at=NOW) for visit in visits
    )


def rung(receiver: Receiver, at: datetime = NOW) -> int:
    return ring_webhooks(now=lambda: at, at=lambda: at, send=receiver)


def test_a_change_is_told_once_signed_and_thin(participant: Participant, client_of: ApiClient) -> None:
    hook, secret = open_webhook(client=client_of, url=URL, by=None)
    assert secret not in hook.secret
    changed(participant)
    receiver = Receiver()
    assert (rung(receiver), rung(receiver)) == (1, 0)
    ((body, headers),) = receiver.got
    said = Verifier(secret).verify(body, headers)
    assert set(said["data"]) == {"number", "cursor", "kind", "participant", "visit"}
    assert participant.subject_code not in body.decode()
    assert headers["webhook-id"] == WebhookDelivery.objects.get().key
    with pytest.raises(Exception, match="signature"):
        Verifier(secret).verify(body.replace(b"moved", b"m0ved"), headers)


def test_only_what_the_client_may_see_is_told(participant: Participant, hook: Webhook) -> None:
    elsewhere = an_enrolment(participant.protocol_version, subject_code="S02-001", site=a_site("BJ"))
    changed(enrol(enrolment=elsewhere, by=None))
    assert (write_messages(now=NOW), hook.deliveries.count()) == (0, 0)
    changed(participant)
    assert write_messages(now=NOW) == 1
    assert write_messages(now=NOW) == 0
    end_client(client=hook.client, now=NOW, by=None, reason="Over.")
    changed(participant)
    assert (write_messages(now=NOW), rung(Receiver())) == (0, 0)


def test_nothing_overtakes_a_change_of_the_same_participant(participant: Participant, hook: Webhook) -> None:
    other = enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S01-002"), by=None)
    write_messages(now=NOW)
    WebhookDelivery.objects.all().delete()
    changed(participant, 3)
    changed(other, 2)
    receiver = Receiver(500)
    rung(receiver)
    rows = WebhookDelivery.objects.order_by("number")
    mine, theirs = (
        [one.number for one in rows if one.participant_id == who.pk] for who in (participant, other)
    )
    assert receiver.numbers == theirs, "the others go on"
    rung(receiver, NOW + timedelta(seconds=59))
    assert receiver.numbers == theirs
    rung(receiver, NOW + timedelta(seconds=60))
    assert receiver.numbers == [*theirs, *mine]


def test_a_receiver_that_nobody_reaches_rests_and_pauses_in_the_end(
    participant: Participant, hook: Webhook
) -> None:
    changed(participant)
    at, last = NOW, NOW + PATIENCE + timedelta(days=1)
    while at < last:
        rung(Receiver(*[OutboundUnreachable(Refusal("url", "Nobody answered."))] * 9), at)
        at += timedelta(hours=4)
    hook.refresh_from_db()
    assert hook.paused_because == PauseReason.UNREACHABLE
    one = WebhookDelivery.objects.get()
    assert (one.sent_at, one.refused_at, one.reason) == (None, None, "Nobody answered.")
    receiver = Receiver()
    assert rung(receiver, at) == 0
    resume_webhook(webhook=hook, by=None)
    assert (rung(receiver, at), len(receiver.got)) == (1, 1)


def test_what_is_refused_for_good_ends_and_is_shown(participant: Participant, hook: Webhook) -> None:
    changed(participant, 2)
    receiver = Receiver(400)
    rung(receiver)
    assert [one.reason for one in hook.deliveries.order_by("number")] == ["HTTP 400", ""]
    assert len(receiver.got) == 1
    changed(participant)
    rung(Receiver(410))
    hook.refresh_from_db()
    assert hook.paused_because == PauseReason.GONE
    assert hook.deliveries.filter(sent_at=None, refused_at=None).count() == 1, "it waits"


def test_twenty_refusals_in_a_row_pause(participant: Participant, hook: Webhook) -> None:
    for _round in range(25):
        changed(participant)
    rung(Receiver(*[302] * 40))
    hook.refresh_from_db()
    assert hook.paused_because == PauseReason.REFUSED, "a redirect is not followed"
    assert hook.deliveries.filter(refused_at__isnull=False).count() == REFUSED_IN_A_ROW


def test_a_crash_leaves_a_claim_that_is_taken_up_with_the_same_key(
    participant: Participant, hook: Webhook
) -> None:
    changed(participant)
    write_messages(now=NOW)
    WebhookDelivery.objects.update(claimed_at=NOW)
    receiver = Receiver()
    assert rung(receiver, NOW + timedelta(minutes=4)) == 0
    assert rung(receiver, NOW + timedelta(minutes=6)) == 1


def test_both_secrets_sign_while_one_is_rotated(participant: Participant, client_of: ApiClient) -> None:
    hook, first = open_webhook(client=client_of, url=URL, by=None)
    second = rotate_webhook_secret(webhook=hook, overlap_days=7, now=NOW, by=None)
    changed(participant)
    receiver = Receiver()
    rung(receiver)
    body, headers = receiver.got[0]
    assert Verifier(first).verify(body, headers) == Verifier(second).verify(body, headers)
    rotate_webhook_secret(webhook=hook, overlap_days=0, now=NOW, by=None)
    changed(participant)
    rung(receiver)
    with pytest.raises(Exception, match="signature"):
        Verifier(second).verify(*receiver.got[1])


@pytest.mark.parametrize("act", ["paused", "ended", "moved", "rotated"])
def test_what_is_done_with_a_webhook_while_it_rings_holds_for_the_next_message(
    act: str, participant: Participant, hook: Webhook
) -> None:
    """The rest of the batch went to the address of before, signed with the secret of before."""
    other = enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S01-002"), by=None)
    write_messages(now=NOW)
    WebhookDelivery.objects.all().delete()
    changed(participant)
    changed(other)
    seen: list[tuple[str, Mapping[str, str], bytes]] = []
    secret = ""

    def send(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        nonlocal secret
        seen.append((url, dict(headers), body))
        if len(seen) > 1:
            return Answer(204)
        if act == "paused":
            pause_webhook(webhook=hook, now=NOW, by=None)
        elif act == "ended":
            end_webhook(webhook=hook, now=NOW, by=None)
        elif act == "moved":
            move_webhook(webhook=hook, url=URL + "2", by=None)
        else:
            secret = rotate_webhook_secret(webhook=hook, overlap_days=0, now=NOW, by=None)
        return Answer(204)

    ring_webhooks(now=lambda: NOW, at=lambda: NOW, send=send)
    assert [url for url, _headers, _body in seen] == {
        "paused": [URL],
        "ended": [URL],
        "moved": [URL, URL + "2"],
        "rotated": [URL, URL],
    }[act]
    if secret:
        Verifier(secret).verify(seen[1][2], dict(seen[1][1]))


def test_messages_are_paused_replayed_and_forgotten(participant: Participant, hook: Webhook) -> None:
    changed(participant, 2)
    receiver = Receiver()
    rung(receiver)
    pause_webhook(webhook=hook, now=NOW, by=None)
    assert replay_webhook(webhook=hook, since=NOW, by=None) == 2
    assert rung(receiver) == 0
    resume_webhook(webhook=hook, by=None)
    assert rung(receiver) == 2
    keys = [headers["webhook-id"] for _body, headers in receiver.got]
    assert keys[:2] == keys[2:]
    assert forget_messages(now=NOW + timedelta(days=29)) == 0
    assert forget_messages(now=NOW + timedelta(days=31)) == 2
    end_webhook(webhook=hook, now=NOW, by=None)
    changed(participant)
    assert rung(receiver) == 0
    with pytest.raises(Refused, match="ended"):
        resume_webhook(webhook=hook, by=None)


def test_after_a_restore_messages_carry_a_cursor_of_the_new_epoch(
    participant: Participant, hook: Webhook
) -> None:
    changed(participant)
    receiver = Receiver()
    rung(receiver)
    open_epoch_as_a_restore_does()
    word = feed_epoch()
    changed(participant)
    rung(receiver)
    cursors = [json.loads(body)["data"]["cursor"] for body, _headers in receiver.got]
    assert not cursors[0].startswith(word)
    assert cursors[1].startswith(word)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://[::1]/",
        "http://192.168.1.4/",
        "ftp://example.org/",
        "https://user:pass@example.org/",
        "nonsense",
        "https://169.254.169.254/latest/meta-data",
    ],
)
def test_no_address_inside_is_taken(settings: Any, client_of: ApiClient, url: str) -> None:
    settings.OUTBOUND_NETWORKS = []
    with pytest.raises(Refused) as refused:
        open_webhook(client=client_of, url=url, by=None)
    assert set(refused.value.fields) == {"url"}
    assert not Webhook.objects.exists()


def test_a_real_server_is_told(participant: Participant, client_of: ApiClient) -> None:
    got: list[tuple[bytes, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/hook"
        _hook, secret = open_webhook(client=client_of, url=url, by=None)
        changed(participant, 2)
        assert ring_webhooks(now=lambda: NOW, at=lambda: NOW) == 2
    finally:
        server.shutdown()
        server.server_close()
    for body, headers in got:
        assert Verifier(secret).verify(body, headers)["type"] == "visit.changed"


def test_webhooks_are_set_up_and_looked_at_on_pages(
    client: Client, participant: Participant, client_of: ApiClient, edc: User
) -> None:
    client.force_login(User.objects.create_superuser("root"))
    show_who_one_is(client)
    new = reverse("webhook-new", args=[client_of.pk])
    wrong = client.post(new, {"url": "https://10.0.0.1/"})
    assert (wrong.status_code, "10.0.0.1" in wrong.content.decode()) == (422, True)
    page = client.post(new, {"url": URL})
    assert "whsec_" in page.content.decode()
    hook = Webhook.objects.get()
    changed(participant, 2)
    rung(Receiver(400))
    home, act = reverse("webhook", args=[hook.pk]), reverse("webhook-act", args=[hook.pk])
    shown = client.get(home + "?state=refused").content.decode()
    assert "HTTP 400" in shown
    assert "whsec_" not in shown
    failed = hook.deliveries.get(refused_at__isnull=False)
    client.post(act, {"act": "message", "message": failed.pk})
    failed.refresh_from_db()
    assert failed.refused_at is None
    client.post(act, {"act": "pause"})
    assert "paused by a person" in client.get(home).content.decode()
    client.post(act, {"act": "resume"})
    client.post(act, {"act": "replay", "since": "2026-11-21"})
    assert hook.deliveries.filter(sent_at=None).count() == 2
    assert client.post(act, {"act": "replay", "since": "soon"}, follow=True).status_code == 200
    assert client.post(act, {"act": "nonsense"}).status_code == 302
    assert (
        "whsec_"
        in client.post(reverse("webhook-rotate", args=[hook.pk]), {"overlap_days": "7"}).content.decode()
    )
    client.post(act, {"act": "end"})
    assert "ended on" in client.get(reverse("webhooks", args=[client_of.pk])).content.decode()
    client.force_login(edc)
    assert client.get(home).status_code == 404
    assert client.post(act, {"act": "resume"}).status_code == 404
