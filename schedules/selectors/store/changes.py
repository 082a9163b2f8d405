"""What others did to a record since somebody saw it, as the audit trail has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import DateTimeField, Field
from django.utils.translation import gettext as _

from schedules.models import Visit
from trials.audit.outside_names import record_name
from trials.audit.trail_terms import field_name
from trials.domain.audit.own_reasons import reason_text
from trials.models import AuditEntry
from trials.selectors.audit.trail_wording import fields_outside, name_in_words
from trials.spoken import say

_UNSAID = frozenset({"version", "sequence", "changed_at", "uid"})
_LATEST = 50  # changes: whom more of them overtook reads the record itself


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; empty where there was or is nothing."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a record: who, when (in the site's zone), why, and which fields."""

    by: str
    at: datetime
    reason: str
    fields: tuple[FieldChange, ...]


def changes_since(record: str, pk: int, version: int, zone: ZoneInfo) -> list[Change]:
    """The changes of a record (`schedules.visit`) after this version of it, the first first; one query."""
    entries = AuditEntry.objects.filter(model=record, object_id=str(pk), action="change").order_by("-id")
    fields = fields_outside(record)
    found = []
    for entry in entries[:_LATEST]:
        old, new = json.loads(entry.old), json.loads(entry.new)
        if new.get("version", version) <= version:
            break
        said = tuple(said_of(fields, old, new, zone))
        found.append(Change(entry.actor, entry.at.astimezone(zone), entry.reason, said))
    return found[::-1]


def last_actor(record: str, pk: int) -> str:
    """Who changed a record last; empty for Dayzero itself, or where nobody has; one query."""
    entries = AuditEntry.objects.filter(model=record, object_id=str(pk), action="change")
    return entries.order_by("-id").values_list("actor", flat=True).first() or ""


def why_created(record: str, pk: int) -> str:
    """The reason that was given when a record was written first; empty where none was; one query."""
    entries = AuditEntry.objects.filter(model=record, object_id=str(pk), action="create")
    return entries.order_by("id").values_list("reason", flat=True).first() or ""


@dataclass(frozen=True, slots=True)
class Stood:
    """What stood of a visit before it was done, missed or cancelled, which that wrote over.

    `outside_reason` is why it was booked outside its window; empty where the window became another one since:
    the booking was agreed for the window that was. `cancelled_by` is the step of the course that had
    cancelled it, `entry` which entry of the trail ended it; 0 where it was never otherwise.
    """

    outside_reason: str = ""
    cancelled_by: int | None = None
    entry: int = 0


def stood_before(visit: Visit) -> Stood:
    """Return what stood of a visit before what is on record of it, as the trail has it; one query."""
    ended = "performed_on" if visit.performed_on else "missed_on" if visit.missed_on else "cancelled_on"
    entries = AuditEntry.objects.filter(model="schedules.visit", object_id=str(visit.pk), action="change")
    reason, same_window = visit.outside_reason, True
    for entry in entries.order_by("-id").only("id", "old", "new").iterator():
        old, new = json.loads(entry.old), json.loads(entry.new)  # without what was empty
        reason = old.get("outside_reason", reason)
        same_window = same_window and not new.keys() & {"opens", "closes"}
        if ended in new and ended not in old:
            agreed = reason if visit.booked_on and same_window else ""
            # the very step: the first end of the course may be another one than cancelled it
            return Stood(str(agreed), old.get("cancelled_by_id"), entry.pk)
    return Stood()


def entry_of_creation(record: str, pk: int) -> int:
    """Return which entry of the trail created a record; 0 where none did; one query."""
    entries = AuditEntry.objects.filter(model=record, object_id=str(pk), action="create")
    return entries.order_by("id").values_list("pk", flat=True).first() or 0


def said_of(
    fields: dict[str, Field[Any, Any]], old: dict[str, Any], new: dict[str, Any], zone: ZoneInfo
) -> Iterator[FieldChange]:
    for column, value in new.items():
        field = fields.get(column)
        if field is not None and column not in _UNSAID:
            yield FieldChange(
                field_name(field), _text(field, old.get(column), zone), _text(field, value, zone)
            )


def _text(field: Field[Any, Any], value: Any, zone: ZoneInfo) -> str:
    """A value of the trail as a person reads it: instants in the site's zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.is_relation and field.related_model:
        return name_in_words(record_name(field.related_model), str(value))
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, DateTimeField):
        instant = datetime.fromisoformat(str(value))
        aware = instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo("UTC"))
        return f"{aware.astimezone(zone):%Y-%m-%d %H:%M}"
    return reason_text(str(value), say)
