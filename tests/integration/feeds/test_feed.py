"""A calendar behind a secret address: what it answers a program that asks."""

from __future__ import annotations

import gzip
import logging
import logging.config
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.ical.render import event_bytes
from schedules.ical.values import CalendarEvent
from schedules.models import FeedShown
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import revoke_feed
from schedules.web.feeds.views import FETCHES
from tests.cast import NOW, TODAY, a_version, an_enrolment
from tests.phones import a_coordinator, change, fetch, subscribe, titles
from trials.models import Membership, User
from trials.services.accounts.memberships import grant_membership

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
LONG_AGO = "Mon, 01 Jan 2001 00:00:00 GMT"


def test_headers(participant: Participant, owner: User) -> None:
    feed, address = subscribe(owner, participant=participant)
    answer = fetch(address)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"].startswith("inline")
    assert answer["Cache-Control"] == "private, max-age=900"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Content-Length"] == str(len(answer.content))
    assert not answer.cookies
    assert len(f"https://dayzero.example.hospital.cn{address}") < 256, "Google's limit"
    assert len(address) == len("/calendar/.ics") + 43, "32 random bytes"
    feed.refresh_from_db()
    assert feed.last_fetched_at == NOW


def test_the_secret_is_stored_as_its_hash_alone(participant: Participant, owner: User) -> None:
    feed, address = subscribe(owner, participant=participant)
    token = address.removeprefix("/calendar/").removesuffix(".ics")
    feed.refresh_from_db()
    assert token not in str(vars(feed))
    assert len(feed.token_digest) == 64


def test_nothing_changed_is_304_by_either_validator(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    first = fetch(address)
    for headers, status, why in [
        ({"if-none-match": first["ETag"]}, 304, "by name"),
        ({"if-modified-since": first["Last-Modified"]}, 304, "by date, as iOS asks"),
        ({"if-none-match": '"other"', "if-modified-since": first["Last-Modified"]}, 200, "the name wins"),
        (
            {"if-none-match": first["ETag"], "if-modified-since": LONG_AGO},
            304,
            "again",
        ),
        ({"if-modified-since": "yesterday, about noon"}, 200, "a nonsense date"),
        ({"if-none-match": f'"x", W/{first["ETag"]}'}, 304, "one of several, weakly"),
        ({"if-none-match": "*"}, 304, "any"),
    ]:
        answer = fetch(address, **headers)
        assert answer.status_code == status, why
        assert answer["ETag"] == first["ETag"], why
        if status == 304:
            assert answer.content == b"", why
            assert answer["Cache-Control"] == "private, max-age=900", why


def test_the_same_calendar_gives_the_same_bytes(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    assert fetch(address).content == fetch(address, at=NOW + timedelta(days=3)).content


def test_head_is_get_without_its_body(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    got, head = fetch(address), fetch(address, method="head")
    assert head.content == b""
    assert {**head.headers} == {**got.headers}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_reading_only(participant: Participant, owner: User, method: str) -> None:
    _, address = subscribe(owner, participant=participant)
    answer = getattr(Client(enforce_csrf_checks=True), method)(address)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("accepts", "zipped", "why"),
    [
        ("", False, "not asked for"),
        ("gzip", True, "asked for"),
        ("br, gzip;q=0.8", True, "among others"),
        ("GZIP", True, "names have no case"),
        ("gzip;q=0", False, "refused"),
        ("gzip; q=0.000, br", False, "refused with spaces and digits"),
        ("*", False, "some installations of Outlook say this and then stumble"),
        ("x-gzip", False, "another name"),
    ],
)
def test_gzip_on_request(participant: Participant, owner: User, accepts: str, zipped: bool, why: str) -> None:
    _, address = subscribe(owner, participant=participant)
    plain = fetch(address)
    answer = fetch(address, **{"accept-encoding": accepts})
    assert ("Content-Encoding" in answer) is zipped, why
    assert (gzip.decompress(answer.content) if zipped else answer.content) == plain.content
    assert answer["ETag"] == (f"W/{plain['ETag']}" if zipped else plain["ETag"])
    assert "Accept-Encoding" in answer["Vary"]
    again = fetch(address, **{"accept-encoding": accepts, "if-none-match": plain["ETag"]})
    assert again.status_code == 304, "one content, however it travels"


def test_a_change_changes_both_validators(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    first = fetch(address)
    change(participant, "d28", label="Day 28, moved")
    answer = fetch(address, **{"if-none-match": first["ETag"], "if-modified-since": first["Last-Modified"]})
    assert answer.status_code == 200
    assert answer["ETag"] != first["ETag"]
    by_date = fetch(address, **{"if-modified-since": first["Last-Modified"]})
    assert by_date.status_code == 200, "in the same second, and all the same later"


def test_what_leaves_by_the_passing_of_days_changes_both_validators(
    participant: Participant, owner: User
) -> None:
    change(participant, "d28", cancelled_on=TODAY)
    _, address = subscribe(owner, participant=participant)
    first = fetch(address)
    thirty = fetch(address, at=NOW + timedelta(days=30), **{"if-none-match": first["ETag"]})
    assert thirty.status_code == 304
    later = fetch(address, at=NOW + timedelta(days=31), **{"if-modified-since": first["Last-Modified"]})
    assert not [title for title in titles(later) if "Cancelled" in title]


def test_what_leaves_with_a_role_changes_both_validators(participant: Participant) -> None:
    other = enrol(enrolment=an_enrolment(a_version("NCT07274059"), subject_code="S01-777"), by=None)
    owner = a_coordinator(site=participant.site, trial=participant.trial)
    more = grant_membership(
        user=owner, role="coordinator", site=other.site, trial=other.trial, starts_on=TODAY, by=None
    )
    _, address = subscribe(owner, site=participant.site)
    first = fetch(address)
    assert any("S01-777" in title for title in titles(first))
    Membership.objects.filter(pk=more.pk).update(ends_on=TODAY)
    tomorrow = NOW + timedelta(days=1)
    answer = fetch(address, at=tomorrow, **{"if-modified-since": first["Last-Modified"]})
    assert not any("S01-777" in title for title in titles(answer))


@pytest.mark.parametrize(
    "address",
    [
        "/calendar/" + "A" * 43 + ".ics",
        "/calendar/short.ics",
        "/calendar/" + "A" * 43,
        "/calendar/.ics",
        "/calendar/",
        "/calendar/" + "A" * 44 + ".ics",
    ],
)
def test_what_is_not_a_feed_looks_like_a_feed_that_ended_long_ago(
    participant: Participant, owner: User, address: str
) -> None:
    feed, once = subscribe(owner, participant=participant)
    revoke_feed(feed=feed, now=NOW - timedelta(days=60))
    ended, unknown = fetch(once), fetch(address)
    assert unknown.status_code == ended.status_code == 404
    assert unknown.content == ended.content
    assert {**unknown.headers} == {**ended.headers}
    assert not unknown.cookies


def test_too_many_fetches_wait(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    _, other = subscribe(owner, participant=participant)
    for _ in range(FETCHES):
        assert fetch(address).status_code == 200
    refused = fetch(address)
    assert refused.status_code == 429
    wait = int(refused["Retry-After"])
    assert 0 < wait <= 300
    assert refused.content == b""
    assert fetch(other).status_code == 200, "each address is counted for itself"
    assert fetch(address, at=NOW + timedelta(seconds=wait)).status_code == 200


def test_tokens_never_reach_a_log(
    participant: Participant, owner: User, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from config.settings import test as settings

    _, address = subscribe(owner, participant=participant)
    logging.config.dictConfig(settings.LOGGING)
    unknown = "/calendar/" + "B" * 43 + ".ics"
    Client().get(unknown)
    Client().post(address)
    monkeypatch.setattr("schedules.web.feeds.views.fetch_feed", lambda **_: 1 / 0)
    assert Client(raise_request_exception=False).get(address).status_code == 500
    written = "".join(capfd.readouterr())
    assert "ZeroDivisionError" in written
    assert "feed" in written
    for secret in (address, unknown):
        assert secret.removeprefix("/calendar/").removesuffix(".ics") not in written


def test_one_changed_visit_is_rendered_alone_and_the_rest_is_joined(
    participant: Participant, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = subscribe(owner, participant=participant)
    fetch(address)
    rendered: list[CalendarEvent] = []

    def counted(event: CalendarEvent) -> bytes:
        rendered.append(event)
        return event_bytes(event)

    monkeypatch.setattr("schedules.services.feeds.rendering.event_bytes", counted)
    assert fetch(address).status_code == 200
    assert rendered == []
    change(participant, "d28", booked_place="Room 3", booked_on=TODAY, outside_reason="travels")
    fetch(address, at=NOW + timedelta(minutes=1))
    assert [event.location for event in rendered] == ["Room 3"]
    assert FeedShown.objects.count() == 1, "its validators are one row"


def test_another_renderer_is_another_content(
    participant: Participant, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = subscribe(owner, participant=participant)
    first = fetch(address)
    monkeypatch.setattr("schedules.services.feeds.fetching.RENDERER", "99")
    later = fetch(address, at=NOW + timedelta(minutes=1), **{"if-none-match": first["ETag"]})
    assert later.status_code == 200
    assert later["ETag"] != first["ETag"]


def test_queries_do_not_grow(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, site=participant.site)
    fetch(address)
    few = _queries(address, at=NOW + timedelta(minutes=10))
    version = participant.protocol_version
    many = [an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, 42)]
    bulk_enrol(enrolments=many, by=None)
    fetch(address)
    assert _queries(address, at=NOW + timedelta(minutes=20)) == few
    assert few[1] <= 7


def _queries(address: str, at: datetime) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as whole:
        answer = fetch(address, at=at)
    with CaptureQueriesContext(connection) as unchanged:
        fetch(address, at=at, **{"if-none-match": answer["ETag"]})
    return len(whole), len(unchanged)
