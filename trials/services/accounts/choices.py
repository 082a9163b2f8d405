"""What each person chooses for their own pages."""

from __future__ import annotations

from trials.audit.acts import recorded
from trials.models import User


@recorded
def choose_single_keys(*, user: User, on: bool, by: User | None) -> None:
    """Switch the single keys of the pages on or off for somebody; nothing is written where they are so."""
    if user.single_keys != on:
        user.single_keys = on
        user.save(update_fields=["single_keys"])
