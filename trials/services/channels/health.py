"""Let a way out rest where nobody answers, and keep to what its receiver takes in a minute.

All workers share it: it is a row, changed under its lock in a transaction of its own.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from trials.domain.channels.breaker import FAILURES, UNLIMITED, Health
from trials.domain.channels.kinds import Kind
from trials.models import ChannelHealth

# As long as its column: PostgreSQL refuses a longer text.
_REASON = 300
EMAIL = "email"


@transaction.atomic
def claim_allowance(way: str, *, at: datetime, kind: Kind | None = None, most: int) -> int:
    """Give how many of `most` messages may leave by a way now; 0 while it rests, 1 as a probe after it.

    They are counted here, before they leave: of two workers the second has what is left of the minute. Who
    is given the probe has it alone for a minute. `at` is the database's instant. Who sent them says when the
    last one left (`settle_allowance`). Of a receiver that counts by seconds one at a time sends, and keeps to
    its seconds itself: none is allowed before the last of the others is a second old.
    """
    row = _locked(way)
    health = _health(row)
    if kind is None:
        allowance = min(health.allowance(at, UNLIMITED), most)
    elif kind.per_second < UNLIMITED and health.is_busy(at):
        allowance = 0
    else:
        allowance = min(health.allowance(at, kind.per_minute), most)
    if allowance and health.failures >= FAILURES:
        health = health.probing(at)
    if allowance:
        _keep(row, health.taking(at, allowance))
    return allowance


@transaction.atomic
def settle_allowance(way: str, *, unused: int, at: datetime) -> None:
    """Give back what was allowed and did not leave, and keep that the others had left by this instant."""
    row = _locked(way)
    _keep(row, _health(row).giving_back(unused, at))


@transaction.atomic
def record_answer(way: str, *, at: datetime) -> None:
    """Keep that somebody answered by a way: it took a message, or refused one."""
    row = _locked(way)
    row.answered_at = at
    _keep(row, _health(row).answered())


@transaction.atomic
def record_silence(way: str, *, at: datetime, reason: str) -> None:
    """Keep that nobody answered by a way; the third time in a row it begins to rest."""
    row = _locked(way)
    row.failed_at, row.reason = at, reason[:_REASON]
    _keep(row, _health(row).unanswered(at))


def hold_way(way: str) -> None:
    """Let others who hold this way wait until the transaction around it ends."""
    _locked(way)


def _locked(way: str) -> ChannelHealth:
    rows = ChannelHealth.objects.filter(way=way).select_for_update(no_key=True)
    if (row := rows.first()) is not None:
        return row
    # Two that use a way for the first time both find none; the conflict leaves one row, which both lock.
    ChannelHealth.objects.bulk_create([ChannelHealth(way=way)], ignore_conflicts=True)
    return rows.get()


def _health(row: ChannelHealth) -> Health:
    return Health(row.failures, row.rests, row.rests_until, row.minute, row.sent)


def _keep(row: ChannelHealth, health: Health) -> None:
    for name, value in asdict(health).items():
        setattr(row, name, value)
    row.save()
