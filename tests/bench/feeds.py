"""What a calendar costs: a 304 against an empty page, one changed event against joining the stored bytes.

Run for one database in a process of its own: `python -m tests.bench.feeds`, with DAYZERO_TEST_DATABASE set to
sqlite or postgres. CPU seconds of this process; those of a PostgreSQL server are not among them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from statistics import median
from time import process_time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_test_environment  # noqa: E402
from django.urls import include, path  # noqa: E402

from participants.models import Participant  # noqa: E402
from schedules.models import CalendarChunk, CalendarFeed, CalendarState, FeedShown, Visit  # noqa: E402
from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from schedules.services.feeds.subscriptions import open_feed  # noqa: E402
from tests.bench.enrolment import cast_of  # noqa: E402
from tests.bench.measuring import Comparison, duration  # noqa: E402
from tests.cast import NOW, a_site  # noqa: E402
from tests.phones import a_coordinator  # noqa: E402

SIZES, VISITS = (200, 1_000), 10
"""Participants at the site, and visits of each: two thousand events, and ten thousand."""
ROUNDS = 21
AS_AN_EMPTY_PAGE, AS_JOINING = 2.0, 5.0
ZIPPED = {"accept-encoding": "gzip"}
STORED = "SELECT body FROM schedules_calendarchunk WHERE style = %s ORDER BY participant_id"
STORED_TOOK: list[float] = []


def empty(request: HttpRequest) -> HttpResponse:
    """Answer nothing, by the way that every page goes."""
    return HttpResponse()


urlpatterns = [path("empty/", empty), path("", include("config.urls"))]


def main() -> None:
    """Print the measures of the database that the environment names."""
    setup_test_environment()
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with override_settings(ROOT_URLCONF=__name__):
            everybody, done = cast_of(SIZES[-1], VISITS), 0
            for size in SIZES:
                bulk_enrol(enrolments=everybody[done:size], by=None)
                done = size
                for line in compare(size):
                    print(line, flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def compare(participants: int) -> Iterator[Comparison | str]:
    """The measures of a feed of a site with so many participants."""
    site = a_site()
    owner = a_coordinator(f"owner{participants}", site=site)
    feed, token = open_feed(owner=owner, site=site, now=NOW)
    address, client = f"/calendar/{token}.ics", Client()
    first, _ = spent(lambda: client.get(address))
    answer = client.get(address)
    events = answer.content.count(b"BEGIN:VEVENT")
    yield f"  {f'{events:,} events, rendered for the first time':<58} {duration(first):>8}"
    validators = {"if-none-match": answer["ETag"]}
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(spent(lambda: client.get("/empty/"))[0])
        ours.append(spent(lambda: _fetch(client, address, validators, 304))[0])
    remark = f"{queries(lambda: _fetch(client, address, validators, 304))} queries, {connection.display_name}"
    what = f"304 of {events:,} events against an empty page"
    yield Comparison(what, median(ours), median(bare), at_most=AS_AN_EMPTY_PAGE, remark=remark)
    yield from _one_change(client, address, feed, events)


def _one_change(client: Client, address: str, feed: CalendarFeed, events: int) -> Iterator[Comparison]:
    """One change against joining the stored bytes: as they are answered, as they are read, and from memory.

    The aim is held against a fetch of the same calendar without a change, which looks up, joins and answers.
    Bare reading answers no request, bare joining not even asks a database: both cost less than an empty page.
    """
    parts = []
    for entries, body in CalendarChunk.objects.filter(participant__site=feed.site).values_list(
        "entries", "body"
    ):
        start = 0
        for one in json.loads(entries):
            parts.append(bytes(body[start : start + one[5]]))
            start += one[5]
    ways: dict[str, list[float]] = {name: [] for name in ("ours", "zipped", "memory", "stored", "whole")}
    counts = set()
    people = list(Participant.objects.filter(site=feed.site).values_list("pk", flat=True)[:ROUNDS])
    for pk in people:
        ways["memory"].append(spent(lambda: b"".join(parts))[0])
        _stored(feed)
        ways["stored"].append(STORED_TOOK[-1])
        ways["whole"].append(spent(lambda: _fetch(client, address, {}, 200))[0])
        change_room(pk)
        ways["ours"].append(spent(lambda: _fetch(client, address, {}, 200))[0])
        change_room(pk)
        ways["zipped"].append(spent(lambda: _fetch(client, address, ZIPPED, 200))[0])
        change_room(pk)
        counts.add(queries(lambda: _fetch(client, address, {}, 200)))
    took = {name: median(times) for name, times in ways.items()}
    what = f"one changed event of {events:,} against the stored bytes joined and answered"
    remark = f"{min(counts)}-{max(counts)} queries, {connection.display_name}"
    yield Comparison(what, took["ours"], took["whole"], at_most=AS_JOINING, remark=remark)
    what = f"the same against reading and joining the rows of {events:,} events, unanswered"
    yield Comparison(what, took["ours"], took["stored"], remark=connection.display_name)
    what = f"the same against joining bytes of {events:,} events that lie in memory"
    yield Comparison(what, took["ours"], took["memory"], remark=connection.display_name)
    what = f"one changed event of {events:,}, compressed, against plain"
    yield Comparison(what, took["zipped"], took["ours"], remark=connection.display_name)


def _stored(feed: CalendarFeed) -> bytes:
    """What the database holds of a feed, read along its index and joined, by a plain statement."""
    style = FeedShown.objects.values_list("style", flat=True).get(feed=feed)
    start = process_time()
    with connection.cursor() as cursor:
        cursor.execute(STORED, [style])
        body = b"".join(bytes(one) for (one,) in cursor.fetchall())
    STORED_TOOK.append(process_time() - start)
    return body


def change_room(pk: int) -> None:
    """Book the first visit of a participant (an id) for another room."""
    visit = Visit.objects.filter(participant=pk).order_by("target").first()
    assert visit
    room = "Room 4" if visit.booked_place == "Room 3" else "Room 3"
    Visit.objects.filter(pk=visit.pk).update(booked_on=visit.target, booked_place=room)
    state = CalendarState.objects.get(participant=pk)
    CalendarState.objects.filter(participant=pk).update(revision=state.revision + 1)


def _fetch(client: Client, address: str, headers: dict[str, str], status: int) -> None:
    answer = client.get(address, headers=headers)
    assert answer.status_code == status


def spent(way: Callable[[], Any]) -> tuple[float, Any]:
    """The CPU seconds of one call, and what it gave; no fetch counts against the rate limit."""
    cache.clear()
    start = process_time()
    given = way()
    return process_time() - start, given


def queries(way: Callable[[], Any]) -> int:
    """The number of queries of one call."""
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        way()
    return len(asked)


if __name__ == "__main__":
    main()
