"""In which state a reminder and each of its deliveries is: derived from what is on record, never stored."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from trials.domain.words import mark as _


class State(StrEnum):
    """What has become of a reminder, or of its delivery to one person over one channel."""

    WRITTEN = "written"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    NOBODY = "nobody"
    LAPSED = "lapsed"


STATE_LABELS = {
    State.WRITTEN: _("waits to be sent"),
    State.CLAIMED: _("being sent"),
    State.SENT: _("sent"),
    State.FAILED: _("could not be delivered"),
    State.NOBODY: _("nobody to tell"),
    State.LAPSED: _("no longer needed"),
}


def state_of(
    *,
    claimed_at: datetime | None,
    sent_at: datetime | None,
    failed_at: datetime | None = None,
    nobody_at: datetime | None = None,
    lapsed_at: datetime | None = None,
) -> State:
    """Give the state: what was sent stays sent, what lapsed first is never sent."""
    ends = {
        State.SENT: sent_at,
        State.LAPSED: lapsed_at,
        State.FAILED: failed_at,
        State.NOBODY: nobody_at,
        State.CLAIMED: claimed_at,
    }
    return next((state for state, at in ends.items() if at is not None), State.WRITTEN)


def notice_key(key: str, recipient: int) -> str:
    """Give the key under which a reminder leaves to one person: rule, thing, day, step and recipient."""
    return f"{key}:{recipient}"
