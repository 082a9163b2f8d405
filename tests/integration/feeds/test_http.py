"""What every answer of a calendar's address carries, odd requests included."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from participants.models import Participant
from schedules.models import CalendarFeed
from schedules.services.feeds.subscriptions import pause_feed, revoke_feed
from schedules.web.feeds.clients import client_name
from schedules.web.feeds.views import FETCHES
from tests.cast import NOW
from tests.phones import fetch, subscribe
from trials.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
ALWAYS = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex"}


def answers(owner: User, participant: Participant) -> dict[str, Any]:
    """One answer of every kind."""
    _, address = subscribe(owner, participant=participant)
    ended, gone = subscribe(owner, participant=participant)
    revoke_feed(feed=ended, now=NOW)
    paused, resting = subscribe(owner, participant=participant)
    pause_feed(feed=paused, now=NOW)
    _, busy = subscribe(owner, participant=participant)
    for _n in range(FETCHES):
        fetch(busy)
    first = fetch(address)
    return {
        "200": first,
        "HEAD": fetch(address, method="head"),
        "304": fetch(address, **{"if-none-match": first["ETag"]}),
        "405": fetch(address, method="delete"),
        "404": fetch("/calendar/" + "x" * 43 + ".ics"),
        "404 long": fetch("/calendar/" + "x" * 9000),
        "405 unknown": fetch("/calendar/" + "x" * 43 + ".ics", method="post"),
        "429": fetch(busy),
        "ended": fetch(gone),
        "paused": fetch(resting),
    }


def test_every_answer_keeps_its_address_to_itself(participant: Participant, owner: User) -> None:
    for kind, answer in answers(owner, participant).items():
        assert {name: answer[name] for name in ALWAYS} == ALWAYS, kind
        assert not answer.cookies, kind
        assert "Location" not in answer, kind
        assert "Cookie" not in answer.get("Vary", ""), kind
        assert "Accept-Language" not in answer.get("Vary", ""), kind
        refused = answer.status_code in {404, 405, 429}
        assert answer["Cache-Control"] == ("no-store" if refused else "private, max-age=900"), kind


def test_a_304_has_no_body_and_says_no_length(participant: Participant, owner: User) -> None:
    answer = answers(owner, participant)["304"]
    assert answer.status_code == 304
    assert answer.content == b""
    assert "Content-Length" not in answer
    assert "Content-Type" not in answer


def test_no_method_tells_whether_an_address_exists(participant: Participant, owner: User) -> None:
    found = answers(owner, participant)
    assert {**found["405"].headers} == {**found["405 unknown"].headers}
    assert {**found["404"].headers} == {**found["404 long"].headers}


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND", "REPORT", "BREW", "get"])
def test_odd_methods_read_nothing(participant: Participant, owner: User, method: str) -> None:
    _, address = subscribe(owner, participant=participant)
    answer = Client().generic(method, address)
    assert answer.status_code == (200 if method == "get" else 405)
    assert method == "get" or answer.content == b""


def test_one_character_changed_is_another_address(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    token = address.removeprefix("/calendar/").removesuffix(".ics")
    for place in (0, 21, 42):
        other = "B" if token[place] != "B" else "C"
        assert fetch(f"/calendar/{token[:place]}{other}{token[place + 1 :]}.ics").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"if-none-match": '"'},
        {"if-none-match": "x" * 5000},
        {"if-none-match": "☃"},
        {"if-modified-since": "Fri, 31 Feb 2026 99:99:99 GMT"},
        {"if-modified-since": "-1"},
        {"if-modified-since": "Thu, 01 Jan 9999999 00:00:00 GMT"},
        {"accept-encoding": "gzip;q=nonsense"},
        {"accept-encoding": "gzip;q=..."},
        {"user-agent": "☃" * 999},
        {"range": "bytes=0-10"},
    ],
)
def test_nonsense_is_answered_whole(participant: Participant, owner: User, headers: dict[str, str]) -> None:
    _, address = subscribe(owner, participant=participant)
    assert fetch(address, **headers).status_code == 200


def test_compression_is_switched_off_for_one_subscription(participant: Participant, owner: User) -> None:
    feed, address = subscribe(owner, participant=participant)
    zipped = fetch(address, **{"accept-encoding": "gzip"})
    assert "Content-Encoding" in zipped
    CalendarFeed.objects.filter(pk=feed.pk).update(compressed=False)
    known = {"if-none-match": zipped["ETag"], "if-modified-since": zipped["Last-Modified"]}
    plain = fetch(address, **{"accept-encoding": "gzip"}, **known)
    assert plain.status_code == 200, "a program that stumbled on it is given it again"
    assert fetch(address, **{"if-modified-since": zipped["Last-Modified"]}).status_code == 200
    assert "Content-Encoding" not in plain
    assert plain["ETag"].startswith('"')
    assert gzip.decompress(zipped.content) == plain.content


def test_a_paused_feed_is_unchanged_until_it_is_resumed(participant: Participant, owner: User) -> None:
    feed, address = subscribe(owner, participant=participant)
    pause_feed(feed=feed, now=NOW)
    first = fetch(address)
    assert fetch(address, at=NOW + timedelta(hours=2), **{"if-none-match": first["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("iOS/18.1 (22B83) dataaccessd/1.0", "iOS"),
        ("macOS/15.1 (24B83) CalendarAgent/1120", "macOS"),
        ("Google-Calendar-Importer", "Google Calendar"),
        ("ICSx5/2.2.3 (okhttp/4.12; Android)", "ICSx⁵ (Android)"),
        ("Mozilla/5.0 (X11; Linux) Gecko/20100101 Thunderbird/128.0", "Thunderbird"),
        ("Microsoft.Exchange/15.20 (ICS)", "Outlook (Exchange)"),
        ("curl/8.5.0", "curl"),
        ("", ""),
        ("\x00\x1b[31m", ""),
        ("a" * 500, "a" * 40),
    ],
)
def test_programs_are_called_what_people_call_them(agent: str, name: str) -> None:
    assert client_name(agent) == name
