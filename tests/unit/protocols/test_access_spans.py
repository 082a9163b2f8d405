"""Whether roles followed one another without a day between them."""

from datetime import UTC, datetime, timedelta

import pytest

from trials.domain.accounts.access import covers

FIRST = datetime(2026, 11, 21, tzinfo=UTC)


def day(number: int) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.mark.parametrize(
    ("spans", "covered", "why"),
    [
        ([], False, "no role"),
        ([(day(-5), None)], True, "without an end"),
        ([(day(-5), day(5))], True, "until the last day"),
        ([(day(-5), day(4))], False, "a day less"),
        ([(day(1), None)], False, "a day late"),
        ([(day(2), None), (day(-5), day(2))], True, "one after the other"),
        ([(day(3), None), (day(-5), day(2))], False, "a day between them"),
        ([(day(-9), day(-4)), (day(0), day(9))], True, "an older one beside it"),
    ],
)
def test_every_day_has_a_role(spans: list[tuple[datetime, datetime | None]], covered: bool, why: str) -> None:
    assert covers(spans, day(0), day(4)) is covered, why
