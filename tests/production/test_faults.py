"""Processes that die, a broker that forgets, a mail server that hangs: nothing is lost, nothing doubled.

The short forms of `python -m tests.production.faults`; the long ones are that command with larger numbers.
What takes a minute or two is in the long lane, the rest in `make test-by-command`.
"""

from __future__ import annotations

import pytest

from tests.production import faults

by_command = pytest.mark.by_command
HANGING = 2000
"""So many reminders need more than one connection: the first, which does not hang, takes a ring of them."""
LATE = 3 * faults.BEAT_SECONDS
"""Two beats, and one for a machine that does something else."""


@pytest.mark.long
def test_twenty_kills_over_two_thousand_reminders_lose_and_double_nothing() -> None:
    found = faults.kills("postgres", 2000, 20)
    assert found.fine, found


@by_command
def test_a_claim_that_is_dropped_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYZERO_PLANT", "dropped-claim")
    found = faults.kills("postgres", 400, 12)
    assert found.lost, found


@by_command
def test_a_key_that_is_not_unique_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYZERO_PLANT", "missing-key")
    found = faults.kills("postgres", 60, 0, patience=20)
    assert found.doubled, found


@by_command
def test_postgresql_stopped_hard_loses_no_acknowledged_move() -> None:
    found = faults.postgres(60, 3)
    assert found.moves, found
    assert found.fine, found


@by_command
def test_a_database_that_forgets_what_it_acknowledged_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYZERO_PLANT", "forgetful")
    found = faults.postgres(20, 4)
    assert found.lost_moves, found


@by_command
def test_clocks_put_forward_and_back_while_mail_fails_miss_and_double_nothing() -> None:
    found = faults.clock("postgres", 100, 60)
    assert found.fine, found


@by_command
def test_a_beat_that_rings_by_the_clock_on_the_wall_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYZERO_PLANT", "plain-beat")
    found = faults.clock("postgres", 60, 60, patience=60)
    assert found.unsaid, found


@pytest.mark.long
def test_a_broker_that_forgets_and_is_away_loses_nothing() -> None:
    found = faults.broker("postgres", 100)
    assert found.fine, found


@by_command
def test_a_broker_that_alone_knows_what_is_to_be_sent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYZERO_PLANT", "carried")
    found = faults.broker("postgres", 400, patience=60)
    assert found.unsaid, found


@by_command
def test_a_mail_server_that_hangs_keeps_no_sweep_waiting() -> None:
    found = faults.mail("postgres", HANGING, 60)
    assert not found.lost, found
    assert not found.doubled, found
    assert found.latest["sweep"] < LATE, found


@by_command
def test_a_worker_that_does_everything_is_noticed_where_mail_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYZERO_PLANT", "one-queue")
    found = faults.mail("postgres", HANGING, 60)
    assert found.latest["sweep"] > LATE, found
