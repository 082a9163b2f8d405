"""Chunks of a calendar as a process holds them: cut to the days that are shown, and compressed once."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from typing import Any

import pytest

from schedules.domain.feeds import FeedContent
from schedules.services.feeds.bodies import Bodies, Body, KeptEntry, deflated, digest_of_entries, gzipped

TODAY = date(2026, 11, 29)
DAY = timedelta(days=1)


def entry(key: str, day: date, gone: date | None = None, stamp: int = 0) -> KeptEntry:
    return KeptEntry(
        key, key * 2, day.toordinal(), day.toordinal(), gone.toordinal() if gone else 0, 3, stamp
    )


def a_body(*entries: KeptEntry) -> Body:
    body = b"".join(f"{one.key}\r\n"[:3].encode() for one in entries)
    return Body(body, json.dumps(entries))


@pytest.mark.parametrize(
    ("content", "expected", "why"),
    [
        (FeedContent(), b"a\r\nc\r\n", "what is gone by now is not shown"),
        (FeedContent(days_back=7), b"c\r\n", "nor what is too far back"),
        (FeedContent(days_ahead=7), b"a\r\n", "nor what is too far ahead"),
        (FeedContent(days_back=7, days_ahead=7), b"", "nor both"),
    ],
)
def test_a_chunk_is_cut_to_what_is_shown(content: FeedContent, expected: bytes, why: str) -> None:
    body = a_body(entry("a", TODAY - 30 * DAY), entry("b", TODAY, gone=TODAY), entry("c", TODAY + 30 * DAY))
    assert body.shown(content, TODAY).body == expected, why


def test_what_is_hidden_changes_no_digest_of_what_is_shown() -> None:
    near, far = entry("a", TODAY), entry("b", TODAY + 400 * DAY)
    content = FeedContent(days_ahead=28)
    first = a_body(near, far).shown(content, TODAY)
    second = a_body(near, far._replace(digest="moved", stamp=9)).shown(content, TODAY)
    assert first == second
    assert first.digest == digest_of_entries([near])
    assert a_body(near._replace(stamp=1), far).shown(content, TODAY).digest != first.digest


def test_compressed_entries_are_joined_to_one_member_that_gives_the_plain_bytes() -> None:
    parts = [b"BEGIN:VCALENDAR\r\n", "SUMMARY:已取消\r\n".encode() * 90, b"END:VCALENDAR\r\n"]
    made = gzipped(parts, [deflated(part) for part in parts])
    assert gzip.decompress(made) == b"".join(parts)
    assert made == gzipped(parts, [deflated(part) for part in parts]), "the same bytes each time"
    assert len(made) < len(b"".join(parts))


def test_a_chunk_is_compressed_once() -> None:
    body = a_body(entry("a", TODAY))
    assert body.deflated(body.body) is body.deflated(body.body)


class Shared(Body):
    """A chunk whose kept values another thread replaces at once with those of another calendar."""

    other: Any = None

    @property
    def _cut(self) -> Any:
        return self.other.get("cut")

    @_cut.setter
    def _cut(self, value: Any) -> None: ...

    @property
    def _deflated(self) -> Any:
        return self.other.get("deflated")

    @_deflated.setter
    def _deflated(self, value: Any) -> None: ...


def test_a_calendar_is_not_given_what_another_thread_cut_or_compressed_for_another() -> None:
    entries = (entry("a", TODAY), entry("b", TODAY + 400 * DAY))
    plain, near = a_body(*entries), FeedContent(days_ahead=28)
    far = plain.shown(FeedContent(days_ahead=3_000), TODAY)
    shared = Shared(plain.body, json.dumps(entries))
    shared.other = {"cut": ((None, 3_000, TODAY), far), "deflated": (far.body, deflated(far.body))}
    assert shared.shown(near, TODAY).body == b"a\r\n"
    assert gzip.decompress(gzipped([b"a\r\n"], [shared.deflated(b"a\r\n")])) == b"a\r\n"


def test_no_more_is_held_than_was_said() -> None:
    held = Bodies(most=6)
    for name in "abc":
        held.put([(name, b"123", "[]")])
    assert set(held.get("abc")) == {"b", "c"}
    held.get("b")
    held.put([("d", b"123", "[]")])
    assert set(held.get("abcd")) == {"b", "d"}, "what was not asked for longest goes"
    held.put([("e", b"1234567", "[]")])
    assert held.get("bde") == {}, "one that is too big is not held at all"


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [(-9, -7, True), (-9, -8, False), (0, 0, True), (28, 30, True), (29, 30, False)],
)
def test_an_entry_is_shown_while_one_of_its_days_is_near_enough(first: int, last: int, shown: bool) -> None:
    content = FeedContent(days_back=7, days_ahead=28)
    assert content.shows(TODAY + first * DAY, TODAY + last * DAY, TODAY) is shown
