"""The chain over the audit trail, as any other program would check it: what is wrong first, and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from trials.domain.audit.chain import (
    CLOCK_SLACK,
    FIELDS,
    START,
    Continuation,
    Epoch,
    Head,
    LinkedEntry,
    chain,
    epoch_of,
    first_fault,
    next_hash,
    standing_heads,
)
from trials.domain.audit.trail import ColumnChange, column_changes

ENTRIES = [(number, "2026-11-22 03:00:00+00", "act", None, f"user-{number}") for number in range(11, 16)]
HASHES = list(chain(ENTRIES))
LINKS = [
    LinkedEntry(number, entry[0], made, entry)
    for number, (entry, made) in enumerate(zip(ENTRIES, HASHES, strict=True), start=1)
]
HEADS = [Head(2, HASHES[1]), Head(5, HASHES[4])]


def test_a_link_is_the_hash_before_it_and_the_fields_between_separators():
    first, second = (f"{number}\x1f2026-11-22 03:00:00+00\x1fact\x1f\x1fuser-{number}" for number in (11, 12))
    by_hand = sha256(("0" * 64 + first).encode()).hexdigest()
    assert HASHES[0] == by_hand, "a missing value is empty, and nothing stands after the last field"
    assert HASHES[1] == sha256((by_hand + second).encode()).hexdigest()
    assert list(chain(ENTRIES[2:], HASHES[1])) == HASHES[2:], "a chain goes on from where it was sealed"
    assert len(FIELDS) == len(set(FIELDS)) == 16


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (("a", "b"), ("b", "a"), "the order of the fields"),
        (("ab", ""), ("a", "b"), "where one field ends and the next begins"),
        (("a", None), ("a", "None"), "nothing, and the word for it"),
        (("a",), ("a", None), "how many fields there are"),
        (("参与者",), ("參與者",), "every character"),
    ],
)
def test_two_entries_that_differ_have_two_hashes(one, other, reason):
    assert next_hash(START, one) != next_hash(START, other), reason


def _altered(links: list[LinkedEntry], at: int, **other: object) -> list[LinkedEntry]:
    return [link._replace(**other) if link.number == at else link for link in links]


def _rewritten() -> list[LinkedEntry]:
    """The whole chain made again over another past, by somebody who knows how."""
    entries = [(*ENTRIES[0][:-1], "user-99"), *ENTRIES[1:]]
    return [
        LinkedEntry(number, entry[0], made, entry)
        for number, (entry, made) in enumerate(zip(entries, chain(entries), strict=True), start=1)
    ]


@pytest.mark.parametrize(
    ("links", "heads", "fault", "reason"),
    [
        (LINKS, HEADS, None, "nothing is wrong"),
        (LINKS, [], None, "nothing was handed out yet, and nothing is wrong"),
        ([], [], None, "an empty trail"),
        (LINKS[:3], HEADS[:1], None, "sealed beyond the last head that was handed out"),
        (_altered(LINKS, 3, entry=(*ENTRIES[2][:-1], "user-1")), HEADS, (3, 13, "altered"), "a field"),
        (_altered(LINKS, 3, hash="0" * 64), HEADS, (3, 13, "altered"), "a hash"),
        (_altered(LINKS, 3, entry=ENTRIES[3]), HEADS, (3, 13, "altered"), "another entry in its place"),
        (_altered(LINKS, 3, entry=None), HEADS, (3, 13, "removed"), "an entry is gone, its link is left"),
        ([*LINKS[:2], *LINKS[3:]], HEADS, (3, None, "removed"), "a link is gone with its entry"),
        (LINKS[1:], HEADS, (1, None, "removed"), "the very first"),
        ([LINKS[1], LINKS[0], *LINKS[2:]], HEADS, (1, None, "removed"), "two links have changed places"),
        ([*LINKS, LINKS[4]], HEADS, (6, None, "removed"), "a link stands twice"),
        (LINKS[:4], HEADS, (5, None, "cut off"), "the last one is cut off, and the outside knows of it"),
        ([], HEADS, (1, None, "cut off"), "everything is cut off"),
        (_rewritten(), [], None, "a new past without a head outside cannot be told from the old"),
        (_rewritten(), HEADS, (2, 12, "rewritten"), "the first head that it does not meet"),
        (LINKS, [Head(5, "f" * 64)], (5, 15, "rewritten"), "the head that was handed out is another"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(links, heads, fault, reason):
    found = first_fault(links, heads)
    assert (found and (found.link, found.entry, found.kind)) == fault, reason


def test_a_fault_says_what_was_found():
    assert first_fault(LINKS[:3], HEADS).message == "2 of 5 sealed entries are cut off after entry 13"
    assert first_fault([], HEADS).message == "5 of 5 sealed entries are cut off after entry None"


@pytest.mark.parametrize(
    ("old", "new", "changes", "reason"),
    [
        ("", {"code": "S1"}, [("code", None, "S1")], "a record that was added"),
        ({"code": "S1"}, "", [("code", "S1", None)], "one that was deleted"),
        ({"a": 1, "b": 2}, {"b": 3, "a": 1}, [("a", 1, 1), ("b", 2, 3)], "in the order in which they stood"),
        ({"a": 1}, {"a": 1, "b": None}, [("a", 1, 1), ("b", None, None)], "a column that came later"),
        ("", "", [], "nothing at all"),
    ],
)
def test_what_an_entry_says_was_changed(old, new, changes, reason):
    texts = [json.dumps(values) if values else "" for values in (old, new)]
    assert column_changes(*texts) == tuple(ColumnChange(*change) for change in changes), reason


SEALED = datetime(2026, 11, 22, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("number", "at", "why"),
    [
        (11, SEALED, None),
        (20, SEALED, None),
        (10, SEALED, "its number is not above 10"),
        (21, SEALED, "its number is above 20"),
        (11, SEALED + CLOCK_SLACK + SECOND, None),
        (11, SEALED + CLOCK_SLACK + 2 * SECOND, "has not come yet"),
        (11, SEALED - CLOCK_SLACK, None),
        (11, SEALED - CLOCK_SLACK - SECOND, "is before that of the entries before it"),
        (11, None, "it has no time"),
        (11, "soon", "it has no time"),
    ],
)
def test_an_entry_that_does_not_continue_the_chain_is_a_stray(number, at, why) -> None:
    end = Continuation(last_entry=10, latest=SEALED, now=SEALED + SECOND, highest=20)
    entry = (number, at.isoformat() if isinstance(at, datetime) else at)
    assert list(end.taken([entry])) == ([] if why else [entry])
    assert [why in stray.why for stray in end.strays] == ([True] if why else [])


def test_a_chain_that_begins_goes_by_the_latest_of_its_entries() -> None:
    end = Continuation(last_entry=0, latest=None, now=SEALED)
    times = [SEALED - 2 * CLOCK_SLACK, SEALED, SEALED - CLOCK_SLACK, SEALED - CLOCK_SLACK - SECOND]
    entries = [(number, at.isoformat()) for number, at in enumerate(times, 1)]
    assert list(end.taken(entries)) == entries[:3]
    assert [stray.entry for stray in end.strays] == [4]


def test_a_head_from_before_a_restore_is_met_up_to_where_the_chain_went_on() -> None:
    epochs = [Epoch(1, after=3)]
    heads = [Head(3, "a"), Head(4, "b"), Head(5, "c", epoch=1)]
    assert standing_heads(heads, epochs) == [heads[0], heads[2]]
    assert [epoch_of(link, epochs) for link in (3, 4)] == [0, 1]
