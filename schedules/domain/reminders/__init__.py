"""What must be said once: the rules, when each is due, and the key that keeps it from being said twice."""

from schedules.domain.reminders.ledger import (
    AHEAD,
    BETWEEN,
    CLOSING,
    KEY_PARTS,
    STALE_AFTER,
    START,
    WAITS,
    Notice,
    closing_key,
    is_worth_saying,
    local_days,
    start_key,
    wait_after,
)

__all__ = [
    "AHEAD",
    "BETWEEN",
    "CLOSING",
    "KEY_PARTS",
    "STALE_AFTER",
    "START",
    "WAITS",
    "Notice",
    "closing_key",
    "is_worth_saying",
    "local_days",
    "start_key",
    "wait_after",
]
