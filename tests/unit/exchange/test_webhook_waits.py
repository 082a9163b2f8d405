"""When a message is tried again, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schedules.domain.webhooks import PATIENCE, RESTS, THRESHOLD, WAITS, PauseReason, after_failure

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)


def test_a_message_waits_longer_after_each_attempt() -> None:
    waits = [after_failure(NOW, attempts, NOW, None, 1).due_at for attempts in range(1, 8)]
    assert waits == [NOW + wait for wait in (*WAITS, WAITS[-1], WAITS[-1])]


def test_all_messages_rest_after_three_failures_in_a_row() -> None:
    rests = [after_failure(NOW, 1, NOW, None, failures).rests_until for failures in range(1, 7)]
    assert rests[: THRESHOLD - 1] == [None, None]
    assert rests[THRESHOLD - 1 :] == [NOW + rest for rest in (*RESTS, RESTS[-1])]


def test_what_alone_fails_for_three_days_is_given_up() -> None:
    outcome = after_failure(NOW, 20, NOW - PATIENCE, NOW - timedelta(hours=1), 1)
    assert (outcome.due_at, outcome.pause) == (None, None)


def test_where_nothing_gets_through_for_three_days_all_pause_and_nothing_is_lost() -> None:
    for last in (None, NOW - PATIENCE - timedelta(hours=1)):
        outcome = after_failure(NOW, 20, NOW - PATIENCE, last, 9)
        assert outcome.pause is PauseReason.UNREACHABLE
        assert outcome.due_at is not None
