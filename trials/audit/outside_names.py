"""By which names records and fields have left the code: in entries of the trail, archives and exports.

An entry that is sealed, and an archive on somebody's shelf, keep the names that they were written
with. So a record or field that is renamed in the code goes on under its old name outside, and its
history is one. The right column says where it is kept now; whatever stands in neither table is
called outside as it is in the code. `tests/golden/outside-names.txt` holds every name that has ever
left: a rename without a line here fails there.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Field, Model

RECORDS: Mapping[str, str] = {}
"""The name of a kind of record outside, and the model that keeps it now: "trials.site": "trials.place"."""

FIELDS: Mapping[tuple[str, str], str] = {}
"""The name of a field outside, and its column now: ("schedules.visit", "performed_on"): "done_on"."""


def record_name(model: type[Model]) -> str:
    """Give the name under which a kind of record has left Dayzero: in the trail, exports and signatures."""
    return record_outside(model._meta.label_lower)  # noqa: SLF001 (public by custom)


def record_outside(label: str) -> str:
    """What the kind of record with this label is called outside."""
    return next((outside for outside, kept in RECORDS.items() if kept == label), label)


def column_outside(record: str, column: str) -> str:
    """What a column is called outside, of a kind of record by its name outside."""
    return next(
        (name for (of, name), kept in FIELDS.items() if (of, kept) == (record, column)),
        column,
    )


def field_name_outside(field: Field[object, object]) -> str:
    """What a field is called outside."""
    return column_outside(record_name(field.model), field.attname)
