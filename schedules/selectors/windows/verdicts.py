"""Verdicts with their evidence, as pages show them; and the facts on record of one participant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from participants.domain.fact_kinds import Fact, FactKind
from participants.domain.fact_rows import fact_of
from participants.models import Fact as StoredFact
from participants.models import Participant
from participants.selectors.participants import fact_row
from schedules.domain.windows.fact_sources import Feed, fed_by, feeds_of
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from schedules.models import Flag
from schedules.selectors.store.plan_rows import WindowRow
from schedules.selectors.windows.evaluation import JudgedWindow, ParticipantWindows, windows_of_participants
from trials.domain.language import Named
from trials.domain.protocols.protocol import Protocol, ProtocolWindow, applies
from trials.domain.words import Say, last_day_or_hour, plain

_REPEATED = frozenset({FactKind.DOSE, FactKind.LODGING, FactKind.NIGHT_AWAY})
"""The kinds of which one is much like the last one."""

URGENCY = (
    VerdictStatus.VIOLATED,
    VerdictStatus.AT_RISK,
    VerdictStatus.CANNOT_JUDGE,
    VerdictStatus.OPEN_AND_KEPT,
    VerdictStatus.NOT_YET,
    VerdictStatus.WAIVED,
    VerdictStatus.KEPT,
)
"""The order in which verdicts are read."""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A window, what it comes to now, in words, and what can be done about it.

    `days_late`: for so many days what is missing has been wanted, at the site; 0 while it is not.
    """

    code: str
    label: str
    window: WindowRow | None
    verdict: Verdict
    because: tuple[str, ...]
    missing: tuple[str, ...]
    becomes: datetime | None
    needed_by: datetime | None
    days_late: int
    feeds: tuple[FactKind, ...]
    waivable: bool
    flag: int | None


@dataclass(frozen=True, slots=True)
class FactLine:
    """A fact on record, or one that stands no more, with the windows that it feeds."""

    stored: StoredFact
    fact: Fact
    feeds: tuple[ProtocolWindow, ...]
    of: str


def windows_of_participant(participant: Participant, say: Say = plain) -> ParticipantWindows:
    """The docket of one participant, labels in the language of `say`."""
    (participant_windows,) = windows_of_participants([participant.pk], say)
    return participant_windows


def verdict_rows(
    participant_windows: ParticipantWindows,
    now: datetime,
    say: Say = plain,
    windows: Sequence[WindowRow] = (),
) -> list[VerdictRow]:
    """The verdicts of a participant's windows, the most pressing first; one query, for the open flags."""
    rows = {row.code: row for row in windows}
    person = participant_windows.record.participant
    open_flags = Flag.objects.filter(participant=person, window__isnull=False, cleared_at=None)
    flags = dict(open_flags.values_list("window_id", "pk"))
    found = [
        _row(participant_windows, one, say, (rows.get(one.stored.code), flags.get(one.stored.pk)), now)
        for one in participant_windows.judged(now)
    ]
    return sorted(found, key=lambda row: URGENCY.index(row.verdict.status))


def verdict_of(
    participant_windows: ParticipantWindows, window: int, now: datetime, say: Say = plain
) -> VerdictRow | None:
    """What one stored window comes to, by its id; None where the protocol asks for it no more."""
    judged = participant_windows.judged(now, {window})
    return _row(participant_windows, judged[0], say, (None, None), now) if judged else None


def _row(
    participant_windows: ParticipantWindows,
    judged: JudgedWindow,
    say: Say,
    beside: tuple[WindowRow | None, int | None],
    now: datetime,
) -> VerdictRow:
    (window, flag), rule, verdict = beside, judged.planned.rule, judged.verdict
    needed_by = _local(verdict.needed_by, participant_windows) if verdict.missing else None
    return VerdictRow(
        code=rule.code,
        label=rule.label,
        window=window,
        verdict=verdict,
        because=verdict.because(say),
        missing=verdict.missing_text(say),
        becomes=_local(verdict.becomes_violation_at, participant_windows),
        needed_by=needed_by,
        days_late=_days_since(needed_by, now.astimezone(participant_windows.zone)) if needed_by else 0,
        feeds=tuple(dict.fromkeys(feed.kind for feed in feeds_of([rule]))),
        waivable=rule.waivable and verdict.status is not VerdictStatus.WAIVED,
        flag=flag,
    )


def _local(instant: datetime | None, participant_windows: ParticipantWindows) -> datetime | None:
    return instant.astimezone(participant_windows.zone) if instant else None


def _days_since(needed_by: datetime, now: datetime) -> int:
    """For how many days an instant is over; of one at 00:00 the day that ended there is the last."""
    if now < needed_by:
        return 0
    last = last_day_or_hour(needed_by)
    return (now.date() - (last.date() if isinstance(last, datetime) else last)).days


def windows_asked(protocol: Protocol, participant: Participant) -> tuple[ProtocolWindow, ...]:
    """The windows that a protocol asks of somebody with these traits."""
    traits = protocol.effective_traits(frozenset(participant.traits))
    return tuple(window for window in protocol.windows if applies(window.applies_to, traits))


def feeds_by_kind(windows: Sequence[ProtocolWindow]) -> Mapping[FactKind, Sequence[Feed]]:
    """What can be recorded for these windows, by kind, in the order of kinds."""
    feeds = feeds_of(windows)
    return {kind: [feed for feed in feeds if feed.kind is kind] for kind in FactKind}


def fact_lines(participant_windows: ParticipantWindows) -> list[FactLine]:
    """Everything ever recorded of a participant, the newest first, with what it feeds; one query."""
    windows = windows_asked(participant_windows.protocol, participant_windows.record.participant)
    stored = StoredFact.objects.filter(participant=participant_windows.record.participant)
    found = []
    for one in stored.select_related("recorded_by").order_by("-starts_on", "-pk"):
        fact = fact_of(fact_row(one), participant_windows.zone)
        feeds = fed_by(FactKind(one.kind), one.of, windows)
        found.append(FactLine(one, fact, feeds, participant_windows.protocol.named(one.of)))
    return found


def fact_on_record(participant: Participant, pk: int) -> StoredFact | None:
    """A fact of this participant by its id."""
    related = StoredFact.objects.select_related("participant__site", "participant__trial")
    return related.filter(participant=participant, pk=pk).first()


def last_of_kind(participant: Participant, kind: FactKind, like: int | None, of: str) -> StoredFact | None:
    """The standing fact of a kind that another is likely to repeat; None where there is none.

    The one of the id `like`, else the last one of the same thing; for a kind that names what it is of,
    the last of any where nobody says.
    """
    stands = StoredFact.objects.filter(participant=participant, kind=kind, withdrawn_at=None)
    if like:
        return stands.filter(pk=like).first()
    if of:
        stands = stands.filter(of=of)
    elif kind not in _REPEATED:
        return None
    return stands.order_by("starts_on", "pk").last()


def performed_days(participant_windows: ParticipantWindows) -> list[tuple[str, date]]:
    """The visits that took place, by code and label, with their days, the newest first."""
    days = [
        (Named(visit.code, visit.label), day.day) for visit, day in participant_windows.record.performed()
    ]
    return sorted(days, key=lambda pair: pair[1], reverse=True)
