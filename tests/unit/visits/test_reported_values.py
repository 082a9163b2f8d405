"""What an EDC reports of activities and results, as text beside ours."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.visits.reported_values import (
    activity_read,
    activity_text,
    result_read,
    result_text,
    values_agree,
    words_of_day,
    words_of_item,
)
from schedules.domain.visits.values import Answer, Sampled

WUHAN = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 12, 7, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(done=True), "done"),
        (Answer(done=True, at=AT), "done 2026-12-07T09:30:00+08:00"),
        (Answer(done=False, reason=" The cuff broke. "), "left The cuff broke."),
        (Answer(done=False, reason="done 2026-12-07T09:30:00+08:00"), "left done 2026-12-07T09:30:00+08:00"),
    ],
)
def test_an_activity_is_written_and_read_again(answer: Answer, text: str) -> None:
    assert activity_text(answer, WUHAN) == text
    again = activity_read(text)
    assert (again.done, again.at, again.reason) == (answer.done, answer.at, answer.reason.strip())


@pytest.mark.parametrize("sample", [Sampled("negative"), Sampled("2 of 3", AT), Sampled("1.5 mmol/l")])
def test_a_result_is_written_and_read_again(sample: Sampled) -> None:
    assert result_read(result_text(sample, WUHAN)) == sample


@pytest.mark.parametrize(
    ("ours", "theirs", "agree"),
    [
        ("done", "done", True),
        ("done 2026-12-07T09:30:00+08:00", "done", True),
        ("done 2026-12-07T09:30:00+08:00", "done 2026-12-07T01:30:00+00:00", True),
        ("done 2026-12-07T09:30:00+08:00", "done 2026-12-07T09:31:00+08:00", False),
        ("done", "left Refused.", False),
        ("left Refused.", "left", True),
        ("left Refused.", "left refused.", True),
        ("left Refused.", "left The cuff broke.", False),
        ("negative", "Negative", True),
        ("negative", "positive", False),
        ("kept", "broken", False),
        ("", "done", False),
    ],
)
def test_what_one_of_them_lacks_decides_nothing(ours: str, theirs: str, agree: bool) -> None:
    assert values_agree(ours, theirs) is agree
    assert values_agree(theirs, ours) is agree


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "not on record"),
        ("done", "done"),
        ("done 2026-12-07T09:30:00+08:00", "done, at 2026-12-07 09:30 +08:00"),
        ("left", "not done"),
        ("left Ill.", "not done: Ill."),
        ("left done 2026-12-07T09:30:00+08:00", "not done: done 2026-12-07T09:30:00+08:00"),
        ("kept", "kept"),
        ("broken", "not kept"),
        ("kept cold", "kept cold"),
        ("negative 2026-12-07T09:30:00+08:00", "negative, at 2026-12-07 09:30 +08:00"),
        ("50 % of all", "50 % of all"),
    ],
)
def test_what_was_said_is_read_in_words(value: str, words: str) -> None:
    assert words_of_item(value).text() == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2026-12-07", "2026-12-07"),
        ("2026-12-07T09:30:00+08:00", "2026-12-07 09:30 +08:00"),
        ("missed", "missed"),
        ("missed 2026-12-07", "missed, recorded on 2026-12-07"),
        ("cancelled 2026-12-07", "cancelled, recorded on 2026-12-07"),
        ("100 %", "100 %"),
    ],
)
def test_a_day_or_what_stands_for_it_is_read_in_words(value: str, words: str) -> None:
    assert words_of_day(value).text() == words
