"""The audit trail as a table to be kept, alone or together with the record that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone

from trials.audit.outside_names import record_name
from trials.formats.exports.tables import Preamble, csv_lines, csv_part
from trials.models import AuditEntry
from trials.selectors.audit.trail_wording import fields_of, kind_in_words

CHUNK = 2000
FIELDS = (
    *("id", "at", "actor", "roles", "action", "model", "object_id", "reason", "cause", "act", "old", "new"),
    *("actor_id", "trial_id", "site_id", "participant_id", "link__number", "link__hash"),
)
HEADS = (
    *("Entry", "At", "Who", "In which roles", "Action", "Record", "Number", "Reason", "Cause", "Act"),
    *("Old values", "New values", "Account number", "Trial number", "Site number", "Participant number"),
    *("Link", "Hash", "Subject code"),
)
RECORD_HEADS = ("Record", "Number", "Field", "Value")
AT, PARTICIPANT = FIELDS.index("at"), FIELDS.index("participant_id")

SubjectCodes = Callable[[set[int]], Mapping[int, str]]
"""The subject codes of participants in the reader's sight, by their ids."""


def trail_lines(entries: QuerySet[AuditEntry], codes: SubjectCodes, head: Preamble) -> Iterator[str]:
    """The lines of a table of these entries, the oldest first; old and new values as they are hashed.

    Times are the server's, with their offset; link and hash are empty for what is not yet sealed.
    """
    return csv_lines(head, HEADS, _rows(entries, codes))


def record_lines(
    records: Sequence[Model], entries: QuerySet[AuditEntry], codes: SubjectCodes, head: Preamble
) -> Iterator[str]:
    """The lines of records as they stand, field by field, and below them of their trail."""
    yield from csv_lines(head, RECORD_HEADS, _fields(records))
    yield "\r\n"
    yield from csv_part([HEADS])
    yield from csv_part(_rows(entries, codes))


def _rows(entries: QuerySet[AuditEntry], codes: SubjectCodes) -> Iterator[list[Any]]:
    found = entries.order_by("id").values_list(*FIELDS).iterator(chunk_size=CHUNK)
    zone = timezone.get_default_timezone()
    while chunk := list(islice(found, CHUNK)):
        named = codes({row[PARTICIPANT] for row in chunk if row[PARTICIPANT]})
        for values in chunk:
            row = list(values)
            row[AT] = timezone.localtime(row[AT], zone)
            yield [*row, named.get(row[PARTICIPANT], "")]


def _fields(records: Sequence[Model]) -> Iterator[tuple[object, ...]]:
    for record in records:
        kind = kind_in_words(record_name(type(record)))
        for field in fields_of(record):
            yield kind, record.pk, field.label, field.new
