"""The list before the start, looked at without anybody asking: what says no is a flag as soon as it does."""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from participants.domain.lifecycle import ENDS, MOVES
from participants.models import Anchor, CourseStep, Participant
from schedules.domain.readiness.start_flags import START_FLAG, StartFlag, start_flag
from schedules.domain.reminders.ledger import start_key
from schedules.models import Flag, Reminder
from schedules.selectors.readiness.start_context import start_of, starts_of
from schedules.selectors.store.calendars import today_at
from schedules.services.reminders.ledger import write_start_reminder
from schedules.services.store.flag_rows import SEVERITY
from schedules.services.store.visit_writing import lock_participant
from trials.audit.acts import recorded
from trials.bounded import HasTime, always
from trials.domain.errors import DomainError
from trials.models import ProtocolVersion, User
from trials.selectors.records import protocol_of

ENDINGS = [step.value for step, move in MOVES.items() if move.to in ENDS]

logger = logging.getLogger(__name__)


BATCH = 50
"""How many starts are read at once: the list before one rests on twenty tables."""


def sweep_starts(*, now: datetime, after: int = 0, has_time: HasTime = always) -> int:
    """Flag every start to come against which a line of the list speaks.

    Begins behind the participant `after`. Gives the last one looked at where the time was over before the
    last, 0 where all were looked at. Anyone who cannot be read is left to the next sweep, and holds up
    nobody. A participant is locked, and the list made again, only where something is to be written.
    """
    ahead = [pk for pk in starts_ahead() if pk > after]
    for batch in (ahead[first : first + BATCH] for first in range(0, len(ahead), BATCH)):
        if not has_time():
            return after
        for pk in _changed(batch, now):
            if not has_time():
                return after
            after = pk
            try:
                follow_start(participant=pk, now=now, by=None)
            except Exception:  # whatever it is, it must not hold up the others
                logger.exception("the start of participant %s cannot be judged", pk)
        after = batch[-1]
    return 0


def _changed(batch: Sequence[int], now: datetime) -> list[int]:
    """Those of these starts of which something is to be written."""
    try:
        wanted = {pk: start_flag(start) for pk, start in starts_of(batch, now).items()}
    except Exception:
        if len(batch) == 1:
            logger.exception("the start of participant %s cannot be judged", batch[0])
            return []
        return [pk for one in batch for pk in _changed([one], now)]
    flags = {one.participant_id: one for one in Flag.objects.filter(participant__in=batch, kind=START_FLAG)}
    keys = {pk: start_key(pk, one.day, one.lines) for pk, one in wanted.items() if one}
    told = set(Reminder.objects.filter(key__in=keys.values()).values_list("key", flat=True))
    return [
        pk
        for pk in batch
        if _is_to_write(wanted.get(pk), flags.get(pk)) or _is_untold(flags.get(pk), keys.get(pk), told)
    ]


def _is_untold(flag: Flag | None, key: str | None, told: Container[str | None]) -> bool:
    """Whether a flag is open of which nobody was told for this day and these reasons."""
    return _is_open(flag) and key not in told


def starts_ahead() -> list[int]:
    """The participants, by id, whose day zero is planned and not on record, or of whom a start is flagged."""
    planned = Anchor.objects.filter(participant=OuterRef("pk"), actual_on=None, planned_on__isnull=False)
    flagged = Flag.objects.filter(participant=OuterRef("pk"), kind=START_FLAG, cleared_at=None)
    ended = CourseStep.objects.filter(participant=OuterRef("pk"), undone=False, step__in=ENDINGS)
    zeros = _days_zero()
    ahead = Q(Exists(flagged))
    for code in set(zeros.values()):
        mine = [version.pk for version, zero in zeros.items() if zero == code]
        ahead |= Q(Exists(planned.filter(code=code)), ~Exists(ended), protocol_version__in=mine)
    people = Participant.objects.filter(ahead, trial__frozen_on=None, history_since=None)
    return list(people.order_by("pk").values_list("pk", flat=True))


def _days_zero() -> dict[ProtocolVersion, str]:
    """The anchor of day zero of each version; a document that cannot be read is reported and passed over."""
    found = {}
    for version in ProtocolVersion.objects.all():
        try:
            found[version] = protocol_of(version).day_zero
        except DomainError:
            logger.exception("the document of version %s cannot be read", version.pk)
    return found


@recorded
def follow_start(*, participant: int, now: datetime, by: User | None) -> None:
    """Bring the flag of one participant's start in step with the list."""
    person = lock_participant(participant)
    wanted = start_flag(start_of(person, now))
    standing = Flag.objects.filter(participant=person, kind=START_FLAG).first()
    if _is_to_write(wanted, standing):
        _write(person, wanted, standing, now)
    if wanted and Flag.objects.filter(participant=person, kind=START_FLAG, cleared_at=None).exists():
        write_start_reminder(participant=person.pk, start=wanted, today=today_at(person.site, now))


def _is_open(standing: Flag | None) -> bool:
    return standing is not None and standing.cleared_at is None


def _is_to_write(wanted: StartFlag | None, standing: Flag | None) -> bool:
    """Whether the flag does not say what it should; one that somebody cleared stays so for the same lines."""
    if wanted is None:
        return _is_open(standing)
    if standing is None or standing.evidence != wanted.evidence:
        return True
    if standing.cleared_at is None:
        return standing.severity != SEVERITY[wanted.severity].value
    return standing.cleared_by_id is None


def _write(person: Participant, wanted: StartFlag | None, standing: Flag | None, now: datetime) -> None:
    """Clear the flag, raise it, or raise it again."""
    mine = Flag.objects.filter(participant=person, kind=START_FLAG)
    if wanted is None:
        mine.update(cleared_at=now)
        return
    values = {
        "message": wanted.message,
        "evidence": wanted.evidence,
        "severity": SEVERITY[wanted.severity].value,
    }
    if standing is None:
        key = f"{START_FLAG}:{person.pk}"
        Flag.objects.create(participant=person, key=key, kind=START_FLAG, raised_at=now, **values)
        return
    again = {"cleared_at": None, "cleared_by": None, "cleared_reason": "", "raised_at": now}
    mine.filter(pk=standing.pk).update(**values, **(again if standing.cleared_at else {}))
