"""A flag of a protocol window between its row and the value that the rules decide about."""

from __future__ import annotations

from datetime import UTC, datetime

from schedules.domain.windows.flags import FlagSeverity, FlagStanding, FlagState
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from schedules.models import Flag, ProtocolWindow, Severity
from trials.domain.language import in_english
from trials.services.store.loading import Row

KIND = "window-"
COLUMNS = (
    "kind", "severity", "message", "evidence", "raised_at", "cleared_at", "cleared_by_id", "cleared_reason",
    "snoozed_until",
)  # fmt: skip

SEVERITY = {
    FlagSeverity.LOW: Severity.NOTICE,
    FlagSeverity.MEDIUM: Severity.WARNING,
    FlagSeverity.HIGH: Severity.CRITICAL,
}
_BY_NAME = {severity.value: ours for ours, severity in SEVERITY.items()}


def key_of(window: ProtocolWindow) -> str:
    """The key of the one flag that a window has."""
    return f"window:{window.pk}"


def state_of(flag: Flag) -> FlagState:
    """A stored flag as the rules look at it; a violation that was flagged has its deviation drafted."""
    status = VerdictStatus(flag.kind.removeprefix(KIND))
    return FlagState(
        _standing(flag),
        _BY_NAME[flag.severity],
        status,
        flag.evidence,
        flag.raised_at.astimezone(UTC),
        flag.snoozed_until,
        flag.evidence if status is VerdictStatus.VIOLATED else "",
    )


def row_of(
    flag: Flag | None, state: FlagState, window: ProtocolWindow, verdict: Verdict, now: datetime
) -> Row:
    """The values of COLUMNS for a flag as decided; what cleared it is kept until it opens again."""
    is_open = state.standing is FlagStanding.OPEN
    message = message_of(window, verdict) if is_open or flag is None else flag.message
    return (
        f"{KIND}{state.status.value}", SEVERITY[state.severity].value, message, state.fingerprint,
        state.since, *_cleared(flag, state, now), state.snoozed_until,
    )  # fmt: skip


def _cleared(flag: Flag | None, state: FlagState, now: datetime) -> tuple[datetime | None, int | None, str]:
    """When a flag was cleared, and by whom and why; what the facts have cleared was nobody's act."""
    if state.standing is FlagStanding.OPEN:
        return None, None, ""
    cleared_at = (flag and flag.cleared_at) or now
    if flag is None or state.standing is FlagStanding.CLEARED:
        return cleared_at, None, ""
    return cleared_at, flag.cleared_by_id, flag.cleared_reason


def stored_row(flag: Flag) -> Row:
    """The values of COLUMNS as they stand."""
    return tuple(getattr(flag, column) for column in COLUMNS)


def message_of(window: ProtocolWindow, verdict: Verdict) -> str:
    """What a flag says, in English: the window, its evidence, and what is missing."""
    missing = ", ".join(verdict.missing_text(in_english))
    words = [f"{window.label}.", *verdict.because(in_english)]
    return " ".join([*words, f"Missing: {missing}."] if missing else words)


def _standing(flag: Flag) -> FlagStanding:
    if flag.cleared_at is None:
        return FlagStanding.OPEN
    return FlagStanding.CLEARED if flag.cleared_by_id is None else FlagStanding.DISMISSED
