"""A channel that does not answer rests 1, 2 and 5 minutes, and is then tried with one message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from trials.domain.channels.breaker import LEAVES_WITHIN, UNLIMITED, Health

NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_it_rests_longer_each_time_and_lets_one_probe_through():
    health, at, rests = Health(), NOW, []
    for _ in range(3):
        assert health.allowance(at, 20) > 1
        health = health.unanswered(at)
    for _ in range(5):
        assert health.allowance(at, 20) == 0
        assert health.rests_until is not None
        rests.append(health.rests_until - at)
        at = health.rests_until
        assert health.allowance(at, 20) == 1
        assert health.probing(at).allowance(at, 20) == 0, "one probe, not one for each worker"
        health = health.unanswered(at)
    assert rests == [MINUTE, 2 * MINUTE, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE]
    assert health.answered().allowance(at + MINUTE, 20) == 20


def test_two_failures_are_no_reason_to_rest():
    health = Health().unanswered(NOW).unanswered(NOW).answered().unanswered(NOW).unanswered(NOW)
    assert health.allowance(NOW, 20) > 1


def test_who_counts_by_seconds_is_busy_until_the_last_is_a_second_old():
    health = Health().taking(NOW, 3)
    assert health.is_busy(NOW)
    assert health.is_busy(NOW + LEAVES_WITHIN), "its worker may have died"
    sent = health.giving_back(1, NOW + 2 * SECOND)
    assert sent.is_busy(NOW + 2.9 * SECOND)
    assert not sent.is_busy(NOW + 3 * SECOND)
    assert not Health().is_busy(NOW)


def test_a_minute_takes_no_more_than_the_receiver_allows():
    health = Health()
    for sent in range(20):
        assert health.allowance(NOW, 20) == 20 - sent
        health = health.taking(NOW + timedelta(seconds=sent), 1)
    ends = NOW + timedelta(seconds=25)
    assert health.answered().allowance(NOW + timedelta(seconds=59), 20) == 0
    assert health.unanswered(NOW).allowance(NOW + timedelta(seconds=59), 20) == 0
    health = health.giving_back(5, ends)
    assert health.allowance(ends, 20) == 5
    assert health.allowance(ends + timedelta(seconds=59), 20) == 5
    assert health.allowance(ends + MINUTE, 20) == 20, "a minute after the last, not after the first"
    assert health.taking(ends + MINUTE, 3).allowance(ends + MINUTE, 20) == 17


@given(gaps=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 20), st.integers(1, 30)), max_size=40))
def test_no_minute_wherever_it_begins_holds_more_than_the_receiver_allows(gaps):
    """Rings come `gap` seconds after one another, take `long` seconds each, and have `waiting` messages."""
    health, at, left = Health(), NOW, []
    for gap, long, waiting in gaps:
        at += timedelta(seconds=gap)
        number = min(health.allowance(at, 20), waiting)
        if number:
            health = health.taking(at, number)
            left += [at + timedelta(seconds=long * place / number) for place in range(1, number + 1)]
            at += timedelta(seconds=long)
            health = health.giving_back(0, at)
    for first in left:
        assert sum(first <= one < first + MINUTE for one in left) <= 20


def test_who_dies_with_a_ring_has_sent_all_of_it_within_its_time():
    health = Health().taking(NOW, 20)
    assert health.allowance(NOW + LEAVES_WITHIN + timedelta(seconds=59), 20) == 0
    assert health.allowance(NOW + LEAVES_WITHIN + MINUTE, 20) == 20


def test_a_receiver_without_a_number_is_never_full():
    health = Health()
    for _ in range(3):
        health = health.taking(NOW, UNLIMITED)
    assert health.allowance(NOW, UNLIMITED) == UNLIMITED


def test_a_rest_written_by_a_clock_that_ran_ahead_is_over():
    day = timedelta(days=1)
    health = Health(failures=3, rests=1, rests_until=NOW + day + MINUTE, minute=NOW + day, sent=20)
    assert health.allowance(NOW, 20) == 1
    assert Health(minute=NOW + day, sent=20).allowance(NOW, 20) == 20
