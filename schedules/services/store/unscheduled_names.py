"""Names of unscheduled visits, kept in the order of their days whatever is written around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from participants.models import Participant
from schedules.domain.visits.unscheduled import Added, Happening, Name, Neighbour, names_of_added
from schedules.domain.visits.visit import UNSCHEDULED
from schedules.models import ChangeEvent, Visit
from trials.domain.protocols.protocol import Protocol
from trials.selectors.records import protocol_of
from trials.services.store.updating import Beside, update_rows

_COLUMNS = ("label", "epoch")
_NEW = 0
"""The key of a visit that has no row yet."""
_RAISED = ("version", "sequence")


class _Row(NamedTuple):
    """The columns that names follow from."""

    pk: int
    participant_id: int
    rule_code: str
    occurrence: int
    attempt: int
    unscheduled: bool
    label: str
    epoch: str
    anchor_code: str
    anchor_on: date
    target: date
    booked_on: date | None
    booked_start: datetime | None
    performed_on: date | None
    performed_at: datetime | None
    cancelled_on: date | None

    @property
    def when(self) -> Happening:
        """When it happened, else is booked, else is due."""
        if self.performed_on:
            return Happening(self.performed_on, self.performed_at)
        if self.booked_on:
            return Happening(self.booked_on, self.booked_start)
        return Happening(self.target)


def name_added(people: Sequence[int], now: datetime) -> None:
    """Number the unscheduled visits of these participants after what happened or is booked before them.

    One query where there is none, a constant number of statements for any number of participants. A visit
    whose name changes gets a new version, for phones and readers. The caller holds the locks.
    """
    added = Visit.objects.filter(participant__in=people, rule_code=UNSCHEDULED)
    having = list(added.values_list("participant_id", flat=True).distinct()) if people else []
    if not having:
        return
    rows = defaultdict(list)
    for values in Visit.objects.filter(participant__in=having).values_list(*_Row._fields):
        row = _Row(*values)
        rows[row.participant_id].append(row)
    persons = Participant.objects.filter(pk__in=having).select_related("protocol_version")
    changed = [
        (row.pk, row.participant_id, name)
        for person in persons.defer("protocol_version__document")
        for row, name in _renamed(protocol_of(person.protocol_version), rows[person.pk])
    ]
    beside = Beside(raised=_RAISED, same={"changed_at": now})
    update_rows(Visit, _COLUMNS, [(pk, name.label, name.epoch) for pk, _person, name in changed], beside)
    ChangeEvent.objects.bulk_create(
        ChangeEvent(kind="renamed", participant_id=person, visit_id=pk) for pk, person, _name in changed
    )


def name_new(visit: Visit, protocol: Protocol) -> None:
    """Name an unscheduled visit that is not stored yet, as `name_added` would once it is; one query."""
    stored = Visit.objects.filter(participant=visit.participant_id).values_list(*_Row._fields)
    new = _Row(_NEW, *(getattr(visit, name) for name in _Row._fields[1:]))
    rows = [*(_Row(*values) for values in stored), new]
    visit.label, visit.epoch = next(name for row, name in _renamed(protocol, rows) if row.pk == _NEW)


def _is_neighbour(row: _Row, present: int) -> bool:
    """Whether a visit of the plan was done, or is to come in the present attempt."""
    to_come = row.attempt == present and row.cancelled_on is None
    return not row.unscheduled and (row.performed_on is not None or to_come)


def _renamed(protocol: Protocol, rows: Sequence[_Row]) -> Iterable[tuple[_Row, Name]]:
    """The unscheduled visits of one participant whose name is another one now."""
    present = max(row.attempt for row in rows)
    zeros = _zeros(protocol, rows)
    zero = zeros.get(present)
    planned = [
        Neighbour((row.target - day).days, row.when, row.epoch)
        for row in rows
        if _is_neighbour(row, present) and (day := zeros.get(row.attempt, zero))
    ]
    added = [row for row in rows if row.rule_code == UNSCHEDULED]
    found = names_of_added(
        protocol, zero, planned, [Added(row.pk, row.when, (row.attempt, row.occurrence)) for row in added]
    )
    for row in added:
        name = found[row.pk]
        name = name._replace(epoch=name.epoch or protocol.epochs[0].code)
        if name != (row.label, row.epoch):
            yield row, name


def _zeros(protocol: Protocol, rows: Iterable[_Row]) -> dict[int, date]:
    """Day zero of each attempt, from the visits that count from it; those that still stand come last."""
    counted = (row for row in rows if row.anchor_code == protocol.day_zero)
    ordered = sorted(counted, key=lambda row: (not row.unscheduled, row.cancelled_on is None, row.anchor_on))
    return {row.attempt: row.anchor_on for row in ordered}
