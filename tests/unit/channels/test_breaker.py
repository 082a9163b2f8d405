"""A channel that does not answer rests 1, 2 and 5 minutes, and is then tried with one message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from trials.domain.channels.breaker import Health

NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


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


def test_a_minute_takes_no_more_than_the_receiver_allows():
    health = Health()
    for sent in range(20):
        assert health.allowance(NOW, 20) == 20 - sent
        health = health.taking(NOW + timedelta(seconds=sent), 1)
    assert health.answered().allowance(NOW + timedelta(seconds=59), 20) == 0
    assert health.unanswered(NOW).allowance(NOW + timedelta(seconds=59), 20) == 0
    assert health.giving_back(5).allowance(NOW + timedelta(seconds=59), 20) == 5
    assert health.allowance(NOW + MINUTE, 20) == 20
    assert health.taking(NOW + MINUTE, 3).allowance(NOW + MINUTE, 20) == 17


def test_a_rest_written_by_a_clock_that_ran_ahead_is_over():
    day = timedelta(days=1)
    health = Health(failures=3, rests=1, rests_until=NOW + day + MINUTE, minute=NOW + day, sent=20)
    assert health.allowance(NOW, 20) == 1
    assert Health(minute=NOW + day, sent=20).allowance(NOW, 20) == 20
