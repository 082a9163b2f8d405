"""Days in sentences on pages: the weekday, the year only where it is not plain; ISO where no page asks."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from trials.domain.words import DAY_FORM, Words, day_text, flat_brackets, iso_point, plain

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
CHINESE = {"Monday": "周一", "Sunday": "周日", "Friday": "周五"}


def english(message: str) -> str:
    return "en:2026-11-23" if message == DAY_FORM else message


def chinese(message: str) -> str:
    return "zh:2026-11-23" if message == DAY_FORM else CHINESE.get(message, message)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 12, 7), "Mon 7 Dec"),
        (date(2027, 5, 25), "Tue 25 May"),
        (date(2027, 5, 26), "Wed 26 May 2027"),
        (date(2026, 1, 5), "Mon 5 Jan 2026"),
        (datetime(2026, 12, 7, 9, 30, tzinfo=SHANGHAI), "Mon 7 Dec 09:30"),
    ],
)
def test_an_english_page_leaves_the_year_out_within_half_a_year(day: date, words: str) -> None:
    assert day_text(day, english) == words
    assert iso_point(day, english) == words


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 12, 7), "12月7日（周一）"),
        (date(2027, 1, 1), "2027年1月1日（周五）"),
        (datetime(2026, 12, 7, 9, 30, tzinfo=SHANGHAI), "12月7日（周一） 09:30"),
    ],
)
def test_a_chinese_page_leaves_the_year_out_within_the_year(day: date, words: str) -> None:
    assert day_text(day, chinese) == words


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("12月7日（周一）止", "12月7日（周一）止"),
        ("免疫抑制剂（10月26日（周日）），不符合", "免疫抑制剂（10月26日 周日），不符合"),
        ("筛选（10月10日（周六）完成）", "筛选（10月10日 周六 完成）"),
        ("访视窗（12月7日（周一）至12月9日（周三））", "访视窗（12月7日 周一至12月9日 周三）"),
        ("采样（11月29日（周日） 09:00）、12月7日（周一）", "采样（11月29日 周日 09:00）、12月7日（周一）"),
    ],
)
def test_a_day_in_brackets_has_none_of_its_own(text: str, flat: str) -> None:
    """Brackets within brackets: “（10月26日（周日）），不符合要求”."""
    assert flat_brackets(text) == flat
    assert Words.of(text).text(chinese) == flat


def test_an_hour_that_comes_twice_keeps_its_offset() -> None:
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    assert day_text(twice, english) == "Sun 25 Oct 02:30 (UTC+02:00)"
    assert day_text(twice.replace(fold=1), english) == "Sun 25 Oct 02:30 (UTC+01:00)"


def test_where_no_page_asks_days_are_in_iso_form() -> None:
    words = Words.of("until %(day)s", {"day": date(2026, 12, 7)})
    assert words.text(plain) == "until 2026-12-07"
    assert words.text(plain, day_text) == "until Monday 2026-12-07"
    assert words.text(english) == "until Mon 7 Dec"


def test_a_span_that_begins_or_ends_at_a_midnight_is_said_by_its_days() -> None:
    """A test that counts for one day was said to count "from Mon 14 Dec 00:00 to Tue 15 Dec 00:00"."""
    first, last = (datetime(2026, 12, day, tzinfo=SHANGHAI) for day in (14, 15))
    span = Words.of("It counts from %(starts)s to %(ends)s.", {"starts": first, "ends": last})
    assert span.text(english, day_text) == "It counts from Mon 14 Dec to Mon 14 Dec."
    hours = {"starts": first.replace(hour=9), "ends": last.replace(hour=9)}
    counted = Words.of("It counts from %(starts)s to %(ends)s.", hours).text(english, day_text)
    assert counted == "It counts from Mon 14 Dec 09:00 to Tue 15 Dec 09:00."
    taken = Words.of("taken %(taken)s", {"taken": first}).text(english, day_text)
    assert taken == "taken Mon 14 Dec 00:00", "an hour on record stays an hour"
