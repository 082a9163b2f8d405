"""From a verdict, and the flag that stands for it, to what becomes of the flag.

One flag for one window of one participant. A person may clear it with a reason; it returns
only when the evidence changes. A person may snooze it to a day; then it sleeps until that
day, unless it grows graver.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from participants.domain.moments import day_of, first_instant
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from trials.domain.sites.working_days import WorkingDays


class FlagSeverity(StrEnum):
    """How grave a flag is, in words that sort in a worklist by `rank`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 2 for high."""
        return list(FlagSeverity).index(self)


class FlagStanding(StrEnum):
    """How a flag stands: open, cleared by the facts themselves, or by a person."""

    OPEN = "open"
    CLEARED = "cleared"
    DISMISSED = "dismissed"


class FlagChange(StrEnum):
    """What becomes of a flag."""

    NOTHING = "nothing"
    RAISE = "raise"
    RETURN = "return"
    UPDATE = "update"
    KEEP = "keep"
    SLEEP = "sleep"
    WAKE = "wake"
    CLEAR = "clear"


LEAD_DAYS = 3
"""Clinic days ahead at which what can be foreseen is asked for."""

_NO_LONGER_SHUT = 60
"""Days looked back for a clinic day. A site without any in these gets the day before: a table of working days
that has no open day must not let the sweep look back for ever."""


@dataclass(frozen=True, slots=True)
class FlagPolicy:
    """How early a flag is raised.

    `lead_days`: clinic days before a missing fact is needed, or before a window that has not opened
    would be violated: what a Sunday needs is asked for on days on which somebody is there. Without a
    `calendar` every day is one. `urgent_days`: how near, in days of the calendar, a violation must be
    for an at-risk flag to be a grave one.
    """

    lead_days: int = LEAD_DAYS
    urgent_days: int = 2
    calendar: WorkingDays | None = None

    def lead_from(self, day: date) -> date:
        """The day from which something that is needed on a day is asked for."""
        if self.calendar is None:
            return day - timedelta(days=self.lead_days)
        found = day
        for _clinic_day in range(self.lead_days):
            found = self._clinic_day_before(found)
        return found

    def _clinic_day_before(self, day: date) -> date:
        before = (day - timedelta(days=n) for n in range(1, _NO_LONGER_SHUT))
        return next((one for one in before if self._is_open(one)), day - timedelta(days=1))

    def _is_open(self, day: date) -> bool:
        return self.calendar is None or self.calendar.is_working_day(day)


POLICY = FlagPolicy()


@dataclass(frozen=True, slots=True)
class FlagState:
    """A flag as it is stored: its severity, what it was raised for, and since when.

    `fingerprint` is that of the verdict's evidence; `snoozed_until` the day on which it wakes;
    `deviation_for` the fingerprint for which a deviation was drafted.
    """

    standing: FlagStanding
    severity: FlagSeverity
    status: VerdictStatus
    fingerprint: str
    since: datetime
    snoozed_until: date | None = None
    deviation_for: str = ""


@dataclass(frozen=True, slots=True)
class FlagDecision:
    """What becomes of the flag, how it is stored (None: not at all), whether a deviation is drafted."""

    change: FlagChange
    state: FlagState | None
    draft_deviation: bool = False


def severity_of(
    verdict: Verdict, now: datetime, zone: ZoneInfo, policy: FlagPolicy = POLICY
) -> FlagSeverity | None:
    """How grave the flag for a verdict is; None where nothing needs a flag now.

    Violated is high. At risk is medium, and high in the last days before it is violated or, where
    only a fact is missing, before that is needed. What cannot be judged is low ahead of time and
    medium once the missing fact is needed.
    """
    if verdict.status is VerdictStatus.VIOLATED:
        return FlagSeverity.HIGH
    if verdict.status is VerdictStatus.AT_RISK:
        limit = verdict.becomes_violation_at or verdict.needed_by
        near = limit is None or _within(limit, now, zone, policy.urgent_days)
        return FlagSeverity.HIGH if near else FlagSeverity.MEDIUM
    if verdict.status in (VerdictStatus.KEPT, VerdictStatus.WAIVED):
        return None
    return _ahead(verdict, now, zone, policy)


def _ahead(verdict: Verdict, now: datetime, zone: ZoneInfo, policy: FlagPolicy) -> FlagSeverity | None:
    """How grave it is that something will be violated, or is needed, within the lead."""
    becomes = verdict.becomes_violation_at
    if becomes and _asked(becomes, now, zone, policy):
        return FlagSeverity.MEDIUM
    if verdict.needed_by is None or not _asked(verdict.needed_by, now, zone, policy):
        return None
    if verdict.answers_from is not None and now < verdict.answers_from:
        return None
    return FlagSeverity.MEDIUM if verdict.needed_by <= now else FlagSeverity.LOW


def decide_flag(
    verdict: Verdict,
    previous: FlagState | None,
    now: datetime,
    zone: ZoneInfo,
    policy: FlagPolicy = POLICY,
) -> FlagDecision:
    """What becomes of the flag of one window: `previous` is the flag on record, None where there was none."""
    severity = severity_of(verdict, now, zone, policy)
    if severity is None:
        return _unwanted(previous)
    wanted = _state(verdict, severity, now, previous)
    if previous is None or previous.standing is FlagStanding.CLEARED:
        return _decision(FlagChange.RAISE, wanted, previous)
    if previous.standing is FlagStanding.DISMISSED:
        if previous.fingerprint == wanted.fingerprint:
            return FlagDecision(FlagChange.NOTHING, previous)
        return _decision(FlagChange.RETURN, replace(wanted, since=now), previous)
    return _standing(previous, wanted, day_of(now, zone))


def next_flag_change_at(
    verdict: Verdict, state: FlagState | None, now: datetime, zone: ZoneInfo, policy: FlagPolicy = POLICY
) -> datetime | None:
    """The next instant (UTC) at which the flag of an unchanged verdict may change by time alone."""
    days = _days_of_nearness(verdict, zone, policy)
    if state and state.snoozed_until:
        days.append(state.snoozed_until)
    moments = [first_instant(day, zone) for day in days]
    moments += [moment for moment in (verdict.needed_by, verdict.answers_from) if moment]
    return min((moment for moment in moments if moment > now), default=None)


def _days_of_nearness(verdict: Verdict, zone: ZoneInfo, policy: FlagPolicy) -> list[date]:
    """The days from which a violation, or what is needed before it, is near enough to flag or urgent."""
    at_risk = verdict.status is VerdictStatus.AT_RISK  # which is a flag whatever the lead
    awaited = verdict.needed_by if at_risk else None
    urgent = [moment for moment in (verdict.becomes_violation_at, awaited) if moment]
    days = [day_of(moment, zone) - timedelta(days=policy.urgent_days) for moment in urgent]
    foreseen = [] if at_risk else [verdict.becomes_violation_at, verdict.needed_by]
    return days + [policy.lead_from(day_of(moment, zone)) for moment in foreseen if moment]


def _asked(moment: datetime, now: datetime, zone: ZoneInfo, policy: FlagPolicy) -> bool:
    """Whether the lead of something that is needed at a moment has begun."""
    return policy.lead_from(day_of(moment, zone)) <= day_of(now, zone)


def _within(moment: datetime, now: datetime, zone: ZoneInfo, days: int) -> bool:
    """Whether a moment lies no more than so many calendar days ahead."""
    return day_of(moment, zone) <= day_of(now, zone) + timedelta(days=days)


def _state(verdict: Verdict, severity: FlagSeverity, now: datetime, previous: FlagState | None) -> FlagState:
    going_on = previous is not None and previous.standing is not FlagStanding.CLEARED
    return FlagState(
        FlagStanding.OPEN,
        severity,
        verdict.status,
        verdict.fingerprint,
        previous.since if previous and going_on else now.astimezone(UTC),
        deviation_for=previous.deviation_for if previous else "",
    )


def _unwanted(previous: FlagState | None) -> FlagDecision:
    """Facts clear a flag; one that a person had cleared is forgotten, so that it can be raised again."""
    if previous is None or previous.standing is FlagStanding.CLEARED:
        return FlagDecision(FlagChange.NOTHING, previous)
    return FlagDecision(
        FlagChange.CLEAR, replace(previous, standing=FlagStanding.CLEARED, snoozed_until=None)
    )


def _standing(previous: FlagState, wanted: FlagState, today: date) -> FlagDecision:
    """An open flag that is still wanted."""
    graver = wanted.severity.rank > previous.severity.rank
    asleep = previous.snoozed_until is not None and today < previous.snoozed_until
    same = (previous.fingerprint, previous.severity) == (wanted.fingerprint, wanted.severity)
    if asleep and not graver:
        kept = replace(wanted, snoozed_until=previous.snoozed_until)
        return _decision(FlagChange.SLEEP, kept, previous)
    if previous.snoozed_until is not None:
        return _decision(FlagChange.WAKE, wanted, previous)
    return _decision(FlagChange.KEEP if same else FlagChange.UPDATE, wanted, previous)


def _decision(change: FlagChange, wanted: FlagState, previous: FlagState | None) -> FlagDecision:
    """The decision, with a deviation drafted for a violation that has none yet on the same evidence."""
    drafted = previous.deviation_for if previous else ""
    draft = wanted.status is VerdictStatus.VIOLATED and drafted != wanted.fingerprint
    if draft:
        wanted = replace(wanted, deviation_for=wanted.fingerprint)
    return FlagDecision(change, wanted, draft)
