"""What the record says of a deviation: kept without a language, told in the reader's."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from trials.domain.stored_sentences import facts_text, joined, labelled, told
from trials.domain.words import Code, Words, days_words

DAY = date(2027, 1, 4)
UNTIL = Words.of("Until %(day)s: %(subject)s.", {"day": DAY, "subject": "S01-001"})


def chinese(message: str) -> str:
    known = {
        "Until %(day)s: %(subject)s.": "至%(day)s：%(subject)s。",
        "Infusion": "输注",
        "%(n)d days": "%(n)d天",
        "Monday": "星期一",
    }
    return known.get(message, message)


TOLD = [
    ([UNTIL], "Until Monday 2027-01-04: S01-001.", "至星期一 2027-01-04：S01-001。", "a day"),
    ([Words.of("%(a)s", {"a": Code("Infusion")})], "Infusion", "输注", "a label is said"),
    ([Words.of("%(a)s", {"a": "Infusion"})], "Infusion", "Infusion", "what was typed stands as it was typed"),
    ([labelled(Words.of("%(a)s", {"a": "Infusion"}))], "Infusion", "输注", "unless it is a label"),
    ([Words.of("%(n)s late", {"n": days_words(3)})], "3 days late", "3天 late", "words within words"),
    ([Words.of("by %(n)d"  , {"n": 7})], "by 7", "by 7", "a number"),
    (
        [Words.of("%(at)s", {"at": datetime(2027, 1, 4, 9, tzinfo=UTC)})],
        "Monday 2027-01-04 09:00 +00:00",
        "星期一 2027-01-04 09:00 +00:00",
        "an instant",
    ),
    (
        [joined([UNTIL, UNTIL])],
        "Until Monday 2027-01-04: S01-001. Until Monday 2027-01-04: S01-001.",
        "至星期一 2027-01-04：S01-001。 至星期一 2027-01-04：S01-001。",
        "several as one",
    ),
    ([Words.of("%(a)s", {"a": '100 %(b)s {} " \\'})], '100 %(b)s {} " \\', '100 %(b)s {} " \\', "signs"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "english", "spoken", "why"), TOLD, ids=[row[3] for row in TOLD])
def test_what_is_kept_is_told_in_any_language(words, english, spoken, why) -> None:
    kept = told(*words)
    assert facts_text(kept) == english, why
    assert facts_text(kept, chinese) == spoken, why


@pytest.mark.parametrize(
    "text",
    ["", "a storm closed the road", '{"told":', '{"told":[]', '{"told":[["%(x)s",{}]]}', '{"told":[1]}',
     '{"told":[["%(x)d",{"x":"y"}]]}', '{"told":[["%",{}]]}', '{"told":[["%(x)s",{"x":[1]}]]}'],
)  # fmt: skip
def test_older_rows_and_what_a_person_typed_stand_as_they_are(text: str) -> None:
    assert facts_text(text, chinese) == text
