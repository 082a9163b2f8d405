"""Deviations drafted from violated windows: software says what the record shows, a person the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.points import day_of
from schedules.domain.verdicts import Verdict
from schedules.models import Deviation, ProtocolWindow
from trials.services.loading import Row
from trials.services.updating import update_rows

KIND = "window"
_REDRAFTED = ("key", "occurred_on", "facts")


@dataclass(frozen=True, slots=True)
class Violation:
    """A window that was violated: whose, under which protocol version, and by what."""

    window: ProtocolWindow
    version: int
    verdict: Verdict
    zone: ZoneInfo

    @property
    def key(self) -> str:
        """One draft for one violation on the same evidence."""
        return f"{KIND}:{self.window.pk}:{self.verdict.fingerprint}"


def draft_window_deviation(violation: Violation, now: datetime) -> None:
    """Draft a deviation for one violated window, unless there is one on the same evidence."""
    draft_window_deviations([violation], now)


def draft_window_deviations(violations: Sequence[Violation], now: datetime) -> None:
    """The same for many, in a constant number of statements.

    A draft that nobody has touched follows the evidence; one that somebody has described or
    classified stays, and another one is drafted beside it.
    """
    if not violations:
        return
    untouched = _untouched([violation.window.pk for violation in violations])
    redrafted: list[Row] = []
    fresh: list[Deviation] = []
    for violation in violations:
        standing = untouched.get(violation.window.pk)
        if standing is None:
            fresh.append(_draft(violation, now))
        elif standing.key != violation.key:
            redrafted.append((standing.pk, violation.key, _occurred(violation, now), _facts(violation)))
    Deviation.objects.bulk_create(fresh, ignore_conflicts=True)
    update_rows(Deviation, _REDRAFTED, redrafted)


def _untouched(windows: Sequence[int]) -> dict[int | None, Deviation]:
    drafts = Deviation.objects.filter(window__in=windows, kind=KIND, withdrawn_on=None, version=1)
    return {draft.window_id: draft for draft in drafts.filter(classification="", description="")}


def _draft(violation: Violation, now: datetime) -> Deviation:
    window = violation.window
    return Deviation(
        participant_id=window.participant_id,
        window=window,
        protocol_version_id=violation.version,
        key=violation.key,
        kind=KIND,
        found_on=day_of(now, violation.zone),
        occurred_on=_occurred(violation, now),
        opens=window.starts_on,
        closes=window.ends_on,
        facts=_facts(violation),
    )


def _occurred(violation: Violation, now: datetime) -> date:
    since = violation.verdict.since
    return day_of(now if since is None else since, violation.zone)


def _facts(violation: Violation) -> str:
    return " ".join((f"{violation.window.label}.", *violation.verdict.because()))
