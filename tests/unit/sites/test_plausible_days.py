"""Which days somebody can have meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from trials.domain.sites.plausible_days import DAYS_AFTER_LAST, FIRST_DAY, Frame, latest_day

START, LAST = date(2026, 3, 1), date(2027, 3, 1)
FRAME = Frame(end=date(2028, 2, 29), start=START, last=LAST)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("frame", "day", "words", "why"),
    [
        (FRAME, START, None, "the first day"),
        (FRAME, START - DAY, "when the trial began here", "the day before"),
        (replace(FRAME, by_consent=True), START - DAY, "before the consent", "it begins by a consent"),
        (replace(FRAME, start=None), START - DAY, None, "nobody knows when it began"),
        (FRAME, LAST + DAYS_AFTER_LAST * DAY, None, "a late visit is usual"),
        (FRAME, LAST + (DAYS_AFTER_LAST + 1) * DAY, "when the last window closes", "and this is too late"),
        (replace(FRAME, last=None), date(2040, 1, 1), None, "nobody knows when it ends"),
    ],
)
def test_an_unlikely_day_is_asked_about(frame: Frame, day: date, words: str | None, why: str) -> None:
    doubt = frame.question(day)
    assert (doubt is not None) == (words is not None), why
    assert doubt is None or words in doubt.message % doubt.words


@pytest.mark.parametrize(
    ("day", "refused"),
    [
        (FIRST_DAY, False),
        (FIRST_DAY - DAY, True),
        (date(2048, 2, 28), False),
        (date(2048, 2, 29), True),
    ],
)
def test_an_impossible_day_is_refused(day: date, refused: bool) -> None:
    assert (FRAME.refusal(day) is not None) == refused


@pytest.mark.parametrize(
    ("end", "latest"),
    [
        (date(2028, 1, 31), date(2048, 1, 28)),
        (date(2028, 1, 5), date(2048, 1, 5)),
        (date(9978, 1, 5), date(9998, 1, 5)),
        (date(9979, 1, 5), date(9999, 12, 29)),
    ],
)
def test_the_latest_day_is_of_the_calendar(end: date, latest: date) -> None:
    assert latest_day(end) == latest
