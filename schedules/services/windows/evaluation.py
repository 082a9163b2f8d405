"""Windows judged, and what follows written: flags, drafted deviations, and when to judge again.

Anyone who judges holds the locks of the windows, so two sweeps, or a sweep and a fact that is being
saved, never judge one window at once. The sweep passes over what another holds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F

from participants.domain.moments import day_of
from schedules.domain.windows.flags import FlagDecision, FlagPolicy, decide_flag, next_flag_change_at
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import Flag, ProtocolWindow
from schedules.selectors.windows.evaluation import JudgedWindow, ParticipantWindows, windows_of_participants
from schedules.services.store.deviation_drafts import (
    Violation,
    draft_window_deviations,
    lapse_window_deviations,
)
from schedules.services.store.flag_rows import COLUMNS, key_of, row_of, state_of, stored_row
from trials.audit.acts import recorded
from trials.bounded import HasTime, always
from trials.domain.sites.working_days import WorkingDays
from trials.models import User
from trials.services.store.loading import Row
from trials.services.store.updating import update_rows

logger = logging.getLogger(__name__)

BATCH = 500
"""How many windows a sweep judges in one transaction."""

AGAIN = timedelta(hours=1)
"""When a participant whose windows could not be judged is tried again."""

ORDINARY_WEEK = WorkingDays("Monday to Friday")
"""The clinic days of a site that has no table of its own."""

_DUE = "SELECT 1 FROM schedules_protocolwindow WHERE judge_at <= %s LIMIT 1"


def sweep_windows(*, now: datetime, batch: int = BATCH, has_time: HasTime = always) -> int:
    """Judge every window whose moment has come, by time or by facts, and give how many there were.

    One look at the partial index where nothing is due. A second sweep at the same time takes up
    what the first has not, and nothing twice; a crash leaves what was not judged due.
    """
    judged = 0
    while has_time() and _anything_due(now):
        taken = _sweep_batch(now=now, batch=batch, by=None)
        # What is left is another sweep's, a frozen trial's or of a history that is being entered.
        if not taken:
            break
        judged += taken
    return judged


def judge_participants(ids: Sequence[int], now: datetime) -> None:
    """Judge all windows of these participants again, in the caller's transaction."""
    known = ProtocolWindow.objects.filter(participant__in=ids, participant__history_since=None)
    windows = known.order_by("pk")
    held = list(windows.select_for_update(of=("self",), no_key=True))
    _judge(held, now)


def _anything_due(now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [connection.ops.adapt_datetimefield_value(now)])
        return cursor.fetchone() is not None


@recorded
def _sweep_batch(*, now: datetime, batch: int, by: User | None) -> int:
    # Nothing is judged of a history that is still being entered: what it lacks is merely not typed yet.
    live = ProtocolWindow.objects.filter(participant__trial__frozen_on=None, participant__history_since=None)
    due = live.filter(judge_at__lte=now).order_by(F("judge_at"), "pk")
    held = list(due.select_for_update(of=("self",), skip_locked=True, no_key=True)[:batch])
    _judge(held, now)
    return len(held)


@dataclass(slots=True)
class _Consequences:
    """What follows from verdicts, collected over any number of participants and written table by table."""

    now: datetime
    raised: list[Flag] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    violated: list[Violation] = field(default_factory=list)
    kept: dict[date, list[int]] = field(default_factory=dict)
    again: list[Row] = field(default_factory=list)

    def take(self, participant_windows: ParticipantWindows, judged: JudgedWindow, flag: Flag | None) -> None:
        """Take in one verdict."""
        window, verdict, now, zone = judged.stored, judged.verdict, self.now, participant_windows.zone
        policy = FlagPolicy(
            settings.FLAG_LEAD_DAYS, calendar=participant_windows.record.calendar or ORDINARY_WEEK
        )
        decision = decide_flag(verdict, state_of(flag) if flag else None, now, zone, policy)
        self._flag(window, judged, flag, decision)
        if verdict.status is VerdictStatus.VIOLATED:
            version = participant_windows.record.participant.protocol_version_id
            self.violated.append(Violation(window, version, verdict, zone))
        else:
            self.kept.setdefault(day_of(now, zone), []).append(window.pk)
        moments = (
            participant_windows.next_change_at(judged.planned, now),
            next_flag_change_at(verdict, decision.state, now, zone, policy),
        )
        self._judge_at(window, min((moment for moment in moments if moment), default=None))

    def drop(self, window: ProtocolWindow, flag: Flag | None) -> None:
        """A window that is asked for no more: its flag is cleared by that."""
        if flag and flag.cleared_at is None:
            row = dict(zip(COLUMNS, stored_row(flag), strict=True)) | {"cleared_at": self.now}
            self.changed.append((flag.pk, *row.values()))
        self._judge_at(window, None)

    def postpone(self, window: ProtocolWindow) -> None:
        """A window that could not be judged."""
        self._judge_at(window, self.now + AGAIN)

    def write(self) -> None:
        """Write all of it, with one statement for each kind of change."""
        Flag.objects.bulk_create(self.raised, ignore_conflicts=True)
        update_rows(Flag, COLUMNS, self.changed)
        draft_window_deviations(self.violated, self.now)
        for today, windows in self.kept.items():
            lapse_window_deviations(windows, today)
        update_rows(ProtocolWindow, ("judge_at",), self.again)

    def _flag(
        self, window: ProtocolWindow, judged: JudgedWindow, flag: Flag | None, decision: FlagDecision
    ) -> None:
        if decision.state is None:
            return
        row = row_of(flag, decision.state, window, judged.verdict, self.now)
        if flag is None:
            values = dict(zip(COLUMNS, row, strict=True))
            self.raised.append(
                Flag(participant_id=window.participant_id, window=window, key=key_of(window), **values)
            )
        elif row != stored_row(flag):
            self.changed.append((flag.pk, *row))

    def _judge_at(self, window: ProtocolWindow, at: datetime | None) -> None:
        if window.judge_at != at:
            self.again.append((window.pk, at))


def _judge(held: Sequence[ProtocolWindow], now: datetime) -> None:
    """Judge windows that the caller has locked, all of any number of participants at once."""
    if not held:
        return
    by_pk = {window.pk: window for window in held}
    flags = {flag.window_id: flag for flag in Flag.objects.filter(key__in=[key_of(one) for one in held])}
    consequences = _Consequences(now)
    left = dict(by_pk)
    read = _dockets(sorted({window.participant_id for window in held}))
    for participant_windows in read:
        try:
            for judged in participant_windows.judged(now, by_pk):
                consequences.take(participant_windows, judged, flags.get(judged.stored.pk))
                left.pop(judged.stored.pk)
        except Exception:  # whatever it is, it must not hold up the others
            person = participant_windows.record.participant.pk
            logger.exception("the windows of participant %s cannot be judged", person)
            _postpone(consequences, participant_windows, left)
    known = {participant_windows.record.participant.pk for participant_windows in read}
    _settle_unjudged(consequences, left.values(), flags, known)
    consequences.write()


def _settle_unjudged(
    consequences: _Consequences,
    left: Iterable[ProtocolWindow],
    flags: Mapping[int | None, Flag],
    known: Collection[int],
) -> None:
    """Drop what the plan of a participant who was read no longer has; look at all others later."""
    for window in left:
        if window.participant_id in known:
            consequences.drop(window, flags.get(window.pk))
        else:
            consequences.postpone(window)


def _dockets(ids: Sequence[int]) -> list[ParticipantWindows]:
    """The dockets of these participants; where they cannot all be read, of those of whom one can."""
    try:
        return windows_of_participants(ids)
    except Exception:
        if len(ids) == 1:
            logger.exception("what is on record of participant %s cannot be planned", ids[0])
            return []
    return [participant_windows for pk in ids for participant_windows in _dockets([pk])]


def _postpone(
    consequences: _Consequences, participant_windows: ParticipantWindows, left: dict[int, ProtocolWindow]
) -> None:
    mine = [
        pk
        for pk, window in left.items()
        if window.participant_id == participant_windows.record.participant.pk
    ]
    for pk in mine:
        consequences.postpone(left.pop(pk))
