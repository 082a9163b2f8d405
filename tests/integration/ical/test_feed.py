"""A calendar behind a secret address: what it shows, what it answers, when it ends."""

from __future__ import annotations

import gzip
import logging
from datetime import date, datetime, timedelta
from typing import Any

import icalendar
import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.domain.errors import FeedRefused
from schedules.models import CalendarFeed, CalendarState, Visit
from schedules.services.bulk import bulk_enrol
from schedules.services.feeds import open_feed, revoke_feed
from schedules.services.planning import enrol
from schedules.web.feeds import FETCHES
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from trials.models import Membership, User
from trials.services.memberships import grant_membership

pytestmark = pytest.mark.django_db
LONG_AGO = "Mon, 01 Jan 2001 00:00:00 GMT"


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def participant() -> Participant:
    return enrol(enrolment=an_enrolment(), by=None)


@pytest.fixture
def owner(participant: Participant) -> User:
    return a_coordinator(site=participant.site)


def a_coordinator(name: str = "wang", **where: Any) -> User:
    user = User.objects.create_user(name)
    grant_membership(user=user, role="coordinator", starts_on=TODAY - timedelta(days=30), by=None, **where)
    return user


def subscribe(owner: User, **what: Any) -> tuple[CalendarFeed, str]:
    feed, token = open_feed(owner=owner, now=NOW, **what)
    return feed, f"/calendar/{token}.ics"


def fetch(address: str, at: datetime = NOW, method: str = "get", **headers: str) -> HttpResponse:
    with time_machine.travel(at, tick=False):
        answer: HttpResponse = getattr(Client(), method)(address, headers=headers)
    return answer


def events(response: HttpResponse) -> list[icalendar.Event]:
    assert response.status_code == 200
    return icalendar.Calendar.from_ical(response.content).events


def titles(response: HttpResponse) -> list[str]:
    return [str(event["SUMMARY"]) for event in events(response)]


def change(participant: Participant, code: str, **values: Any) -> None:
    """A change as services make it: the visit, and with it the calendar's revision."""
    visits = Visit.objects.filter(participant=participant, code=code)
    visits.update(changed_at=NOW, **values)
    state = CalendarState.objects.get(participant=participant)
    CalendarState.objects.filter(participant=participant).update(revision=state.revision + 1)


# --- what it shows ------------------------------------------------------------------------------
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
        assert visit.code not in visit.uid
        assert participant.subject_code not in visit.uid


def test_titles_carry_study_subject_code_visit_and_window(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    shown = titles(fetch(address))
    trial = participant.trial.code
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
    assert {title.split()[0] for title in titles(fetch(address))} == {participant.trial.code}


@pytest.mark.parametrize(
    ("values", "title", "status", "why"),
    [
        ({}, "", "TENTATIVE", "planned"),
        (
            {"booked_on": TODAY, "booked_start": NOW, "booked_end": NOW + timedelta(hours=1)},
            "",
            "CONFIRMED",
            "booked",
        ),
        ({"booked_on": TODAY}, "", "CONFIRMED", "booked for a day without an hour: takes no time"),
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
    assert str(event["SUMMARY"]).startswith(f"{title}{participant.trial.code}"), why
    assert event["STATUS"] == status, why
    assert event["TRANSP"] == ("OPAQUE" if "booked_start" in values else "TRANSPARENT"), why


def test_a_closed_window_is_not_called_missed_before_it_is_recorded(
    participant: Participant, owner: User
) -> None:
    _, address = subscribe(owner, participant=participant)
    Membership.objects.update(ends_on=None)
    late = fetch(address, at=NOW + timedelta(days=900))
    assert not [title for title in titles(late) if "Missed" in title]


# --- what it answers ----------------------------------------------------------------------------
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
    assert "Cookie" not in answer["Vary"]
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
    monkeypatch.setattr("schedules.web.feeds.fetch_feed", lambda **_: 1 / 0)
    assert Client(raise_request_exception=False).get(address).status_code == 500
    written = "".join(capfd.readouterr())
    assert "ZeroDivisionError" in written
    assert "feed" in written
    for secret in (address, unknown):
        assert secret.removeprefix("/calendar/").removesuffix(".ics") not in written


# --- when it ends -------------------------------------------------------------------------------
def test_a_revoked_feed_says_so_for_thirty_days_and_is_then_not_found(
    participant: Participant, owner: User
) -> None:
    feed, address = subscribe(owner, participant=participant)
    first = fetch(address)
    revoke_feed(feed=feed, now=NOW)
    ended = fetch(address, **{"if-none-match": first["ETag"], "if-modified-since": first["Last-Modified"]})
    assert titles(ended) == ["This calendar subscription has ended"]
    assert events(ended)[0].start == date(2026, 11, 21)
    by_date = fetch(address, **{"if-modified-since": first["Last-Modified"]})
    assert by_date.status_code == 200
    assert participant.subject_code not in str(ended.content.split(b"BEGIN:VEVENT")[1])
    assert fetch(address, at=NOW + timedelta(days=30)).status_code == 200
    assert fetch(address, at=NOW + timedelta(days=30, seconds=1)).status_code == 404


def test_revoking_twice_keeps_the_first_moment(participant: Participant, owner: User) -> None:
    feed, _ = subscribe(owner, participant=participant)
    revoke_feed(feed=feed, now=NOW)
    assert revoke_feed(feed=feed, now=NOW + timedelta(days=1)).revoked_at == NOW


def _lose_membership(owner: User) -> None:
    Membership.objects.filter(user=owner).update(ends_on=TODAY - timedelta(days=1))


def _become_monitor(owner: User) -> None:
    Membership.objects.filter(user=owner).update(role="monitor")


def _leave(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)


def _move(owner: User) -> None:
    Membership.objects.filter(user=owner).update(site=a_site("BJ"))


@pytest.mark.parametrize("what", ["participant", "site"])
@pytest.mark.parametrize("lose", [_lose_membership, _become_monitor, _leave, _move])
def test_a_lost_role_ends_a_feed_at_once(participant: Participant, owner: User, lose: Any, what: str) -> None:
    thing = participant if what == "participant" else participant.site
    feed, address = subscribe(owner, **{what: thing})
    assert len(titles(fetch(address))) > 1
    lose(owner)
    assert titles(fetch(address)) == ["This calendar subscription has ended"]
    feed.refresh_from_db()
    assert feed.revoked_at == NOW


def test_a_site_can_switch_feeds_off_and_on(participant: Participant, owner: User) -> None:
    feed, address = subscribe(owner, participant=participant)
    first = fetch(address)
    site = participant.site
    type(site).objects.update(feeds_enabled=False)
    off = fetch(address, **{"if-none-match": first["ETag"]})
    assert titles(off) == ["Calendar subscriptions are switched off at this site"]
    type(site).objects.update(feeds_enabled=True)
    on = fetch(address, **{"if-modified-since": off["Last-Modified"]})
    assert titles(on) == titles(first)
    feed.refresh_from_db()
    assert feed.revoked_at is None


@pytest.mark.parametrize("role", ["monitor", "data_manager", "designer", "administrator"])
def test_opening_needs_a_role_that_subscribes(participant: Participant, role: str) -> None:
    user = User.objects.create_user("li")
    grant_membership(user=user, role=role, starts_on=TODAY, by=None)
    with pytest.raises(FeedRefused, match="role"):
        open_feed(owner=user, participant=participant, now=NOW)


def test_opening_needs_a_site_that_allows_it(participant: Participant, owner: User) -> None:
    site = participant.site
    site.feeds_enabled = False
    site.save()
    with pytest.raises(FeedRefused, match="switched off"):
        open_feed(owner=owner, site=site, now=NOW)


# --- how many queries ---------------------------------------------------------------------------
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
