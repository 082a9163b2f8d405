"""Days that nobody can have meant are refused; days that are unlikely are asked about once, with a reason.

Every service that takes a day calls these, with the frame of what the day is of: a participant, a trial,
a site.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from django.db.models import Min
from django.utils.translation import gettext as _

from trials.domain.errors import Refused
from trials.domain.refusals import IMPOSSIBLE_DAY, in_words
from trials.domain.sites.plausible_days import (
    AFTER_PLANNED_END,
    FIRST_DAY,
    LAST_DAY,
    LONG_AHEAD,
    Frame,
    latest_day,
)
from trials.models import Site, SiteApproval, Trial
from trials.spoken import require_reason, say


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


def questions_of(frame: Frame, days: Iterable[date | None]) -> Iterator[str]:
    """Yield what a frame asks about days, in words; about each day once."""
    doubts = (frame.question(day) for day in dict.fromkeys(days) if day)
    yield from (in_words(doubt.message, doubt.words, say) for doubt in doubts if doubt)


def frame_ahead(today: date) -> Frame:
    """Return the frame of a day that belongs to no trial: more than a year ahead is asked about."""
    return Frame(LAST_DAY, None, latest_day(today, years=1), too_late=LONG_AHEAD)


def frame_in_trial(trial: Trial, today: date) -> Frame:
    """Return the frame of a day of a whole trial: from its first approval to its planned end; one query."""
    approvals = SiteApproval.objects.filter(protocol_version__trial=trial)
    began = approvals.aggregate(first=Min("approved_on"))["first"]
    if trial.planned_end:
        return Frame(LAST_DAY, began, trial.planned_end, too_late=AFTER_PLANNED_END)
    return Frame(LAST_DAY, began, latest_day(today, years=1), too_late=LONG_AHEAD)


def frame_at_site(site: Site, today: date) -> Frame:
    """Return the frame of a day of a whole site: from its first approval on; one query."""
    began = SiteApproval.objects.filter(site=site).aggregate(first=Min("approved_on"))["first"]
    return Frame(LAST_DAY, began, latest_day(today, years=1), too_late=LONG_AHEAD)


def ask_once(
    questions: Sequence[str], error: type[Refused], *, sure: bool, reason: str | None = None
) -> None:
    """Raise an error at `sure` for unlikely days that nobody says are meant, then at `reason` without one.

    `reason` is None where another rule asks for it, or where it is asked for later.
    """
    if questions and not sure:
        raise error({"sure": list(questions)})
    if questions and reason is not None:
        require_reason(reason, error)
