"""The rows of facts, written, corrected and marked withdrawn; the use cases are those of schedules.

A row is never written over. The calling service names who acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from participants.domain.fact_kinds import Fact
from participants.domain.fact_rows import FactRow, row_of
from participants.domain.facts import Facts
from participants.domain.facts_validation import FactWarning, accept
from participants.models import Fact as StoredFact
from participants.models import Participant
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import User
from trials.spoken import require_reason, say

# As long as its column: PostgreSQL refuses a longer text.
_REASON = 300


@dataclass(frozen=True, slots=True)
class Beside:
    """What a new fact is held against: everything else on record, the present instant, the site's zone."""

    others: Facts
    now: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class FactOnRecord:
    """A fact as it was stored, with what a person should look at."""

    stored: StoredFact
    warnings: tuple[FactWarning, ...]


@recorded
def insert_fact(
    *, participant: Participant, fact: Fact, beside: Beside, by: User | None, reason: str = ""
) -> FactOnRecord:
    """One fact on record; raises FactRefused for one that cannot be."""
    return _add(participant, fact, beside, by)


@recorded
def insert_correction(
    *, stored: StoredFact, fact: Fact, beside: Beside, by: User | None, reason: str
) -> FactOnRecord:
    """A fact corrected: the row that stood is withdrawn with the reason, a new one corrects it.

    `beside` leaves the old one out. Raises FactRefused; Refused without a reason, or for a fact that
    stands no more.
    """
    _withdraw(stored, beside.now, reason)
    return _add(stored.participant, fact, beside, by, corrects=stored)


@recorded
def mark_withdrawn(*, stored: StoredFact, now: datetime, by: User | None, reason: str) -> StoredFact:
    """A fact that stands no more; the row stays. Raises Refused as above."""
    _withdraw(stored, now, reason)
    return stored


def _add(
    participant: Participant,
    fact: Fact,
    beside: Beside,
    by: User | None,
    corrects: StoredFact | None = None,
) -> FactOnRecord:
    warnings = accept(fact, beside.others, beside.now, beside.zone, say)
    row = row_of(fact, beside.zone)
    stored = unsaved_fact(participant, row, beside.now, by)
    stored.corrects = corrects
    stored.save()
    return FactOnRecord(stored, warnings)


def unsaved_fact(participant: Participant, row: FactRow, now: datetime, by: User | None) -> StoredFact:
    """Return the row of a fact, which nobody has saved yet."""
    return StoredFact(
        participant=participant,
        kind=row.kind,
        of=row.of,
        starts_on=row.starts_on,
        starts_at=row.starts_at,
        starts_zone=row.starts_zone,
        ends_on=row.ends_on,
        ends_at=row.ends_at,
        ends_zone=row.ends_zone,
        detail=dict(row.detail),
        recorded_at=now,
        recorded_by=by,
    )


def _withdraw(stored: StoredFact, now: datetime, reason: str) -> None:
    require_reason(reason)
    if stored.withdrawn_at is not None:
        raise Refused({"": [_("This fact was corrected or withdrawn already: look at the record again.")]})
    stored.withdrawn_at, stored.withdrawn_reason = now, reason.strip()[:_REASON]
    stored.save(update_fields=["withdrawn_at", "withdrawn_reason"])
