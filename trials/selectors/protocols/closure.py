"""All that is on record of a trial, table by table, with what each column means and with the trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import F, Field, Model, Q, QuerySet

from trials.audit.outside_names import field_name_outside, record_name
from trials.audit.triggers import audited_models, audited_table
from trials.models import AuditEntry, Trial, User

APPS = ("trials", "participants", "schedules")
CHUNK = 2000
TRAIL = (
    "id", "at", "act", "actor_id", "actor", "roles", "cause", "reason", "action", "model", "object_id",
    "trial_id", "site_id", "participant_id", "old", "new",
)  # fmt: skip

PATHS = {
    "trial": "trial",
    "participant": "participant__trial",
    "cohort": "cohort__trial",
    "protocol_version": "protocol_version__trial",
    "to_version": "to_version__trial",
    "amendmentrun": "amendmentrun__to_version__trial",
    "site": "site__trial_sites__trial",
}
"""How a record leads to its trial: by the first of these fields that it has."""

OWN = {"trials.trial": "pk", "trials.site": "trial_sites__trial"}
IN_TRAIL_BY_SCOPE = {"trial", "participant"}


@dataclass(frozen=True, slots=True)
class TrialTable:
    """One kind of record of a trial: its name, its columns, and the rows that are the trial's."""

    label: str
    model: type[Model]
    fields: Sequence[Field[Any, Any]]
    path: str
    found: QuerySet[Any]

    @property
    def columns(self) -> list[str]:
        """The columns' names, in the order of the rows."""
        return [field_name_outside(field) for field in self.fields]

    def rows(self) -> Iterator[Sequence[Any]]:
        """The rows in the order of their ids, fetched in chunks."""
        return (
            self.found.order_by("pk").values_list(*(field.attname for field in self.fields)).iterator(CHUNK)
        )

    def metadata(self) -> dict[str, Any]:
        """What the record and each of its columns mean."""
        meta = self.model._meta  # noqa: SLF001
        return {
            "name": str(meta.verbose_name),
            "description": (self.model.__doc__ or "").strip().split("\n")[0],
            "columns": [_column(field) for field in self.fields],
        }


def tables_of(trial: Trial) -> Iterator[TrialTable]:
    """Every kind of record that a trial has; secrets are left out, as they are of the trail."""
    for app in APPS:
        for model in audited_models(apps.get_app_config(app)):
            label = record_name(model)
            names = {field.name for field in model._meta.concrete_fields}  # noqa: SLF001
            path = OWN.get(label) or next((PATHS[name] for name in PATHS if name in names), "")
            if path:
                found = model._default_manager.filter(**{path: trial.pk}).distinct()  # noqa: SLF001
                yield TrialTable(label, model, audited_table(model).columns, path, found)


def trail_columns() -> list[str]:
    """The columns of the trail: an entry's own, its number in the chain and its hash."""
    return [*TRAIL, "number", "hash"]


def trail_of(trial: Trial, tables: Sequence[TrialTable]) -> Iterator[Sequence[Any]]:
    """The entries of the audit trail on these records, with their links once they are sealed."""
    entries = AuditEntry.objects.filter(_concerns(trial, tables)).order_by("pk")
    rows = entries.annotate(number=F("link__number"), hash=F("link__hash")).values_list(*trail_columns())
    return rows.iterator(CHUNK)


def trail_count(trial: Trial, tables: Sequence[TrialTable]) -> int:
    """How many entries of the audit trail are about these records."""
    return AuditEntry.objects.filter(_concerns(trial, tables)).count()


def accounts_of(trial: Trial, tables: Sequence[TrialTable]) -> dict[int, str]:
    """The user names of those who wrote the trail of these records, by the ids that stand in them."""
    entries = AuditEntry.objects.filter(_concerns(trial, tables), actor_id__isnull=False)
    users = User.objects.filter(pk__in=entries.values("actor_id"))
    return dict(users.order_by("pk").values_list("pk", "username"))


def _concerns(trial: Trial, tables: Sequence[TrialTable]) -> Q:
    """By the trial or the participant that an entry names; by the record where it names neither."""
    ours = Q(trial_id=trial.pk) | Q(model="trials.trial", object_id=str(trial.pk))
    for table in tables:
        if table.label == "participants.participant":
            ours |= Q(participant_id__in=table.found.values("pk"))
        elif table.path.partition("__")[0] not in IN_TRAIL_BY_SCOPE | {"pk"}:
            ids = [str(pk) for pk in table.found.values_list("pk", flat=True)]
            ours |= Q(model=table.label, object_id__in=ids)
    return ours


def _column(field: Field[Any, Any]) -> dict[str, Any]:
    described = {
        "name": field_name_outside(field),
        "type": field.get_internal_type(),
        "meaning": str(field.verbose_name),
        "help": str(field.help_text),
        "refers_to": record_name(field.related_model) if field.related_model else "",
        "values": {str(value): str(label) for value, label in field.flatchoices},
    }
    return {name: value for name, value in described.items() if value}
