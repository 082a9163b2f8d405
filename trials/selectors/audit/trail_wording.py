"""Entries of the audit trail in words: the names of records and fields, and what stands behind a number."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, DateTimeField, Field, JSONField, Model
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from trials.audit.outside_names import field_name_outside, record_name
from trials.audit.trail_terms import field_name, kind_name
from trials.domain.audit.own_reasons import reason_text
from trials.domain.audit.trail import ColumnChange, column_changes
from trials.domain.stored_sentences import facts_text
from trials.models import AuditEntry
from trials.selectors.audit.trail import recorded_models
from trials.spoken import say

NAMES = {
    "trials.user": "username",
    "trials.site": "code",
    "trials.trial": "code",
    "trials.cohort": "code",
    "trials.protocolversion": "label",
    "trials.consentform": "version",
    "participants.participant": "subject_code",
    "schedules.visit": "code",
    "schedules.protocolwindow": "code",
}
"""By what a record is known to people; any other is known by its number."""

Known = Mapping[tuple[str, str], str]
"""Names of records, by kind and number."""


@dataclass(frozen=True, slots=True)
class FieldInWords:
    """A field's name, and its value before and after; empty where there was none."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class EntryInWords:
    """An entry with the names of its record and participant, and its changes field by field."""

    entry: AuditEntry
    record: str
    name: str
    participant: str
    action: str
    changes: Sequence[FieldInWords]


def in_words(entries: Sequence[AuditEntry]) -> list[EntryInWords]:
    """Entries in words; as many queries as kinds of records are named, however many entries."""
    models = recorded_models()
    changed = {entry.pk: column_changes(entry.old, entry.new) for entry in entries}
    known = _known(_named(entries, models, changed))
    return [_in_words(entry, models.get(entry.model), changed[entry.pk], known) for entry in entries]


def fields_of(record: Model) -> list[FieldInWords]:
    """The fields of a record as it stands; those that the trail leaves out are left out here too."""
    model = type(record)
    columns = [
        ColumnChange(field_name_outside(field), new=_plain(field, record))
        for field in model._meta.concrete_fields  # noqa: SLF001 (public by custom)
        if field.name not in getattr(model, "audit_hidden", ())
    ]
    known = _known(_references(model, columns))
    return [_field_in_words(model, change, known) for change in columns if change.new not in (None, "")]


def fields_outside(record: str) -> dict[str, Field[Any, Any]]:
    """The fields of a kind of record, by the names that entries of the trail call them."""
    fields = recorded_models()[record]._meta.concrete_fields  # noqa: SLF001 (public by custom)
    return {field_name_outside(field): field for field in fields}


def kind_in_words(model: str) -> str:
    """The name of a kind of record."""
    kind = recorded_models().get(model)
    return kind_name(kind) if kind else model


def name_in_words(model: str, number: str) -> str:
    """By what a record is known to people: a code, a name, else its number."""
    return _known([(model, number)]).get((model, number), number)


def _plain(field: Field[Any, Any], record: Model) -> Any:
    """A value as an entry of the trail holds it."""
    value = getattr(record, field.attname)
    if isinstance(field, JSONField):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, datetime) else value


def _in_words(
    entry: AuditEntry, model: type[Model] | None, changed: Sequence[ColumnChange], known: Known
) -> EntryInWords:
    action = {"create": _("created"), "change": _("changed"), "delete": _("deleted")}
    return EntryInWords(
        entry=entry,
        record=kind_in_words(entry.model),
        name=known.get((entry.model, entry.object_id), entry.object_id),
        participant=known.get(("participants.participant", str(entry.participant_id)), ""),
        action=action.get(entry.action, entry.action),
        changes=[_field_in_words(model, change, known) for change in changed],
    )


def _field_in_words(model: type[Model] | None, change: ColumnChange, known: Known) -> FieldInWords:
    field = _field(model, change.column)
    label = field_name(field) if field else change.column
    return FieldInWords(label, _value(field, change.old, known), _value(field, change.new, known))


def _value(field: Field[Any, Any] | None, value: Any, known: Known) -> str:
    """A value as people read it: a choice by its label, a record by its name, a moment where we are."""
    if value is None or field is None:
        return "" if value is None else str(value)
    target = _target(field)
    if target:
        return known.get((target, str(value)), _("number %(number)s") % {"number": value})
    if isinstance(field, BooleanField):
        return pgettext("a field is so", "yes") if value else pgettext("a field is so", "no")
    if isinstance(field, DateTimeField):
        return _moment(value)
    # Flags, deviations and amendments keep sentences as data, which nobody can read as they are kept.
    return str(dict(field.flatchoices).get(value, "")) or reason_text(facts_text(str(value), say), say)


def _moment(value: Any) -> str:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    here = timezone.localtime(at, timezone.get_default_timezone()) if at.tzinfo else at
    return here.strftime("%Y-%m-%d %H:%M:%S %z").strip()


def _field(model: type[Model] | None, column: str) -> Field[Any, Any] | None:
    """The field of a column; None for one that a later version of the software no longer has."""
    fields = model._meta.concrete_fields if model else ()  # noqa: SLF001 (public by custom)
    return next((field for field in fields if field_name_outside(field) == column), None)


def _target(field: Field[Any, Any]) -> str:
    related: Any = field.related_model if field.is_relation else None
    return record_name(related) if related else ""


def _named(
    entries: Iterable[AuditEntry],
    models: Mapping[str, type[Model]],
    changed: Mapping[int, Sequence[ColumnChange]],
) -> Iterable[tuple[str, str]]:
    """Every record that these entries are about or refer to, by kind and number."""
    for entry in entries:
        yield entry.model, entry.object_id
        yield "participants.participant", str(entry.participant_id)
        model = models.get(entry.model)
        if model:
            yield from _references(model, changed[entry.pk])


def _references(model: type[Model], columns: Iterable[ColumnChange]) -> Iterable[tuple[str, str]]:
    for change in columns:
        field = _field(model, change.column)
        target = _target(field) if field else ""
        if target:
            yield target, str(change.old)
            yield target, str(change.new)


def _known(wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for model, number in wanted:
        if model in NAMES and number.isdecimal():
            numbers[model].add(int(number))
    models, known = recorded_models(), {}
    for model, found in numbers.items():
        rows = models[model]._default_manager.filter(pk__in=found)  # noqa: SLF001 (public by custom)
        for pk, name in rows.values_list("pk", NAMES[model]):
            known[model, str(pk)] = str(name)
    return known
