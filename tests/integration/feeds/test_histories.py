"""A calendar over random histories: true, stable to the byte, and stamped again exactly where it changed.

Everything that can happen to participants happens, through the real services: bookings, slips, holds,
amendments, transfers, ends and their taking back. A few histories in the suite, two hundred in the long lane,
ten thousand by `make histories` (DAYZERO_HISTORIES says how many).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from math import ceil
from typing import Any

import icalendar
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant
from hypothesis.stateful import run_state_machine_as_test as run

from schedules.domain.feeds import FeedContent
from schedules.models import CalendarChunk, CalendarFeed, Visit
from schedules.selectors.store.stored_visits import lost_booking
from schedules.services.feeds.fetching import fetch_feed, render_feed
from schedules.services.feeds.subscriptions import open_feed
from tests.cast import a_site, a_version, an_approval
from tests.integration.course.courses.checks import PLACES
from tests.integration.course.courses.moving import Courses
from tests.integration.course.courses.naive import ONE, THREE, TWO
from trials.domain.sites.working_days import WorkingDays
from trials.models import Membership, Role, User
from trials.services.sites.working_days import correct_working_days

LINKS = "https://dayzero.example/participants/{}/"
STEPS, TOGETHER = 15, 50
FEW, MANY = 2, 200
ASKED = int(os.environ.get("DAYZERO_HISTORIES", "0"))
EVENT = re.compile(rb"BEGIN:VEVENT\r\n.*?END:VEVENT\r\n", re.DOTALL)
UID = re.compile(rb"\r\nUID:([^\r]*)")
STAMPS = re.compile(rb"\r\n(?:SEQUENCE|DTSTAMP|LAST-MODIFIED):[^\r]*")
PLACED = re.compile(rb"\r\n(?:DTSTART|DTEND|STATUS|LOCATION)[^\r]*")


class Followed(Courses):
    """Courses with somebody who follows them all, in both languages, and fetches after every step."""

    def __init__(self) -> None:
        super().__init__()
        owner = User.objects.create_user("phone")
        Membership.objects.create(user=owner, role=Role.COORDINATOR, starts_on=date(2020, 1, 1))
        every = {"window_bars": True, "to_book": True, "protocol_windows": True}
        contents = (FeedContent(language="en"), FeedContent(language="zh-hans", **every))
        self.feeds = [open_feed(owner=owner, now=self.now, content=one)[0].pk for one in contents]
        self.seen: dict[int, dict[bytes, bytes]] = {}
        self.last: dict[int, bytes] = {}
        self.etags: dict[int, tuple[str, bytes, Any]] = {}
        self.again = False

    # what the model says is tested with it: here the calendars are looked at
    def everything_is_as_the_model_has_it(self) -> None: ...

    def the_day_that_is_suggested_is_the_nearest_that_can_be_kept(self) -> None: ...

    def both_axes_are_what_the_model_function_and_query_say(self) -> None: ...

    def every_write_is_in_the_trail_and_is_told_to_phones_and_readers(self) -> None: ...

    def a_slip_after_chemotherapy_is_a_drafted_deviation(self) -> None: ...

    def an_infusion_before_the_block_allows_is_a_drafted_deviation(self) -> None: ...

    def a_visit_done_outside_its_window_is_a_drafted_deviation(self) -> None: ...

    def a_planned_infusion_that_no_longer_fits_is_flagged(self) -> None: ...

    def a_block_that_keeps_its_shape_is_done_in_its_order(self) -> None: ...

    def rows(self) -> list[list[dict[str, Any]]]:
        """Nothing: that refusals and previews write nothing is seen where courses are tested."""
        return []

    def as_shown(self, *, service: Any, **values: Any) -> None:
        """Let a step be so, without looking first at what it would do."""
        service(**values)

    def fetched(self, pk: int) -> tuple[bytes, str, Any]:
        feed = CalendarFeed.objects.get(pk=pk)
        fetch = fetch_feed(feed=feed, now=self.now, links=LINKS)
        assert fetch
        return render_feed(fetch=fetch), fetch.etag, fetch.changed_at

    @invariant()
    def calendars_are_true_and_stable(self) -> None:
        bodies = []
        self.again = not self.again  # one of the two calendars after each step, by turns
        for pk in self.feeds:
            body, etag, changed_at = self.fetched(pk)
            if self.again:
                assert self.fetched(pk) == (body, etag, changed_at), "the same bytes at the next fetch"
            self.again = not self.again
            self.compare(pk, body, etag, changed_at)
            bodies.append(body)
        self.compare_with_the_record(bodies[0])

    def compare(self, pk: int, body: bytes, etag: str, changed_at: Any) -> None:
        """With what was there before this step: bytes, stamps and validators change together."""
        events, before = dict(by_uid(body)), self.seen.get(pk, {})
        for uid, event in events.items():
            old = before.get(uid)
            if old is None or old == event:
                continue
            if old in self.last.get(pk, b""):  # what had gone and came back has a new stamp
                assert STAMPS.sub(b"", old) != STAMPS.sub(b"", event), f"restamped and not changed: {uid!r}"
            assert stamped(event) > stamped(old), f"changed and not stamped: {uid!r}"
            if PLACED.findall(old) != PLACED.findall(event):
                assert sequence(event) > sequence(old), f"moved in the same sequence: {uid!r}"
        if pk in self.etags:
            known, shown, at = self.etags[pk]
            assert (known == etag) is (shown == body), "the validator says whether anything changed"
            assert (at < changed_at) is (shown != body)
        self.last[pk] = body
        self.seen[pk], self.etags[pk] = {**before, **events}, (etag, body, changed_at)

    def compare_with_the_record(self, body: bytes) -> None:
        """With the rows: nobody is missing, nobody is too many, and what is confirmed is so."""
        shown = {uid.decode(): properties(event) for uid, event in by_uid(body)}
        rows = {row.uid: row for row in Visit.objects.all()}
        assert set(shown) <= set(rows)
        for uid, row in rows.items():
            if uid not in shown:
                assert row.cancelled_on, f"{row} is missing"
                continue
            status, title = shown[uid]["STATUS"], shown[uid]["SUMMARY"]
            assert (status == "CANCELLED") is (row.cancelled_on is not None)
            comes = row.booked_on and not lost_booking(row) and not row.held_on
            certain = row.cancelled_on is None and bool(row.performed_on or row.missed_on or comes)
            assert (status == "CONFIRMED") is certain, title
            if status == "CONFIRMED":
                day = row.performed_on or row.booked_on or row.target
                assert shown[uid]["DTSTART"] == f"{day:%Y%m%d}", title

    def teardown(self) -> None:
        """What was kept and joined is what rendering everything at once gives."""
        for pk in self.feeds if self.models else ():
            body, *_rest = self.fetched(pk)
            CalendarChunk.objects.all().delete()
            again = self.fetched(pk)[0]
            assert len(icalendar.Calendar.from_ical(body).events) == len(EVENT.findall(body))
            assert STAMPS.sub(b"", again) == STAMPS.sub(b"", body)
            assert again == body or pk != self.feeds[0], "an entry beside a visit's own is stamped with it"
        super().teardown()


def by_uid(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    for event in EVENT.findall(body):
        found = UID.search(event)
        assert found
        yield found.group(1), event


def properties(event: bytes) -> dict[str, str]:
    """The properties of an event by their names; the library reads a calendar in a fifth of a second."""
    lines = event.decode().replace("\r\n ", "").split("\r\n")
    named = (line.partition(":") for line in lines)
    return {name.partition(";")[0]: value for name, _colon, value in named}


def stamped(event: bytes) -> bytes:
    found = re.search(rb"\r\nLAST-MODIFIED:([^\r]*)", event)
    assert found
    assert b"\r\nDTSTAMP:" + found.group(1) in event
    return found.group(1)


def sequence(event: bytes) -> int:
    found = re.search(rb"\r\nSEQUENCE:([0-9]+)", event)
    assert found
    return int(found.group(1))


def play(number: int, histories: int) -> None:
    Followed.sites = [a_site(code) for code in PLACES]
    Followed.versions = {label: a_version(text=text) for label, text in ((1, ONE), (2, TWO), (3, THREE))}
    for site in Followed.sites:
        correct_working_days(site=site, days=WorkingDays("Monday to Friday"), by=None, reason="opened")
        for version in Followed.versions.values():
            an_approval(site, version)
    played = settings(
        max_examples=histories,
        stateful_step_count=STEPS,
        deadline=None,
        phases=(Phase.generate,),
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run(seed(number)(Followed), settings=played)


@pytest.mark.django_db
def test_a_calendar_stays_true_over_a_few_histories() -> None:
    play(0, FEW)


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, 1 + ceil((ASKED or MANY) / TOGETHER)))
@pytest.mark.django_db
def test_a_calendar_stays_true_over_many_histories(number: int) -> None:
    play(number, TOGETHER)
