"""Days that nobody can have meant, refused at their fields by every service that takes one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.utils.translation import gettext as _

from trials.domain.refusals import IMPOSSIBLE_DAY
from trials.domain.sites.plausible_days import FIRST_DAY, LAST_DAY, Frame


def impossible_days(days: Mapping[str, date | None], end: date | None = None) -> dict[str, list[str]]:
    """Return what is said at the field of each day that cannot be; `end` is the planned end of the trial.

    Without an end nothing is refused up to the last day of any trial.
    """
    frame = Frame(end) if end else None
    latest = min(frame.latest, LAST_DAY) if frame else LAST_DAY
    message = _(IMPOSSIBLE_DAY)
    return {
        name: [message % {"day": day, "first": FIRST_DAY, "latest": latest}]
        for name, day in days.items()
        if day is not None and not FIRST_DAY <= day <= latest
    }
