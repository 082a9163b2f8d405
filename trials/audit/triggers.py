"""The database's own guard: triggers that write the audit trail and keep what must not change.

They are laid again after every migration, for every model of ours: a way of writing that goes past
the services (a bulk statement, an admin action, SQL by hand) is recorded all the same. A model says
`audited = False` where it holds no trial data, and `audit_hidden` names columns that are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateTimeField, Field, JSONField, Model

from trials.audit.outside_names import column_outside, record_outside

AUDITED_APPS = ("trials", "participants", "schedules", "mfa", "socialaccount")
ENTRIES = "trials_auditentry"
APPEND_ONLY = (
    ENTRIES,
    "trials_auditlink",
    "trials_auditseal",
    "trials_auditepoch",
    "trials_auditmail",
    "trials_schemachange",
)
PUBLISHED = "trials_protocolversion"
SIGNATURES = "trials_signature"
USERS = "trials_user"
EXPORTS = "trials_export"
PARTICIPANTS = "participants_participant"
FAILURES = "axes_accessfailurelog"
ELSEWHERE = {
    "mfa.authenticator": ("data", "last_used_at"),
    "socialaccount.socialaccount": ("extra_data", "last_login"),
}
"""Models of packages that are recorded too, with what is left out: second factors, bound identities."""
AUDIT = Path(__file__).with_name("audit.sql")
REFUSE = Path(__file__).with_name("refuse.sql")
WRITTEN_BY_TRIGGERS = "entries of the audit trail are written by its triggers alone"
CHANGES = ("UPDATE", "DELETE")
SCOPES = ("trial", "site", "participant")
TO_TRIAL = {
    "cohort_id": "trials_cohort",
    "protocol_version_id": PUBLISHED,
    "to_version_id": PUBLISHED,
}
"""Columns that lead to a trial from a row that names neither trial nor participant."""
ENTRY = (
    "at, act, actor_id, actor, roles, cause, reason, action, model, object_id, trial_id, site_id, "
    "participant_id, old, new"
)


@dataclass(frozen=True, slots=True)
class AuditedTable:
    """What the triggers need to know of a model's table."""

    name: str
    label: str
    key: str
    columns: tuple[Field[Any, Any], ...]
    hidden: tuple[str, ...]

    @property
    def record(self) -> str:
        """What the entries of the trail call a row of this table, whatever its model is called now."""
        return record_outside(self.label)

    def said(self, column: Field[Any, Any]) -> str:
        """What the entries of the trail call a column, whatever it is called now."""
        return column_outside(self.record, column.attname)

    def scope(self, of: str) -> str:
        """The column that says which trial, site or participant a row belongs to; empty for none."""
        if self.label.endswith(f".{of}"):
            return self.key
        return next((c.column for c in self.columns if c.column == f"{of}_id"), "")

    def place(self, of: str, row: str) -> str:
        """What gives the trial, site or participant of a row (OLD, NEW or an alias) in SQL."""
        column = self.scope(of)
        if column:
            return f"{row}.{column}"
        if of != "participant" and (participant := self.scope("participant")):
            # Where the participant is now: a trail read by site is found by one index, and after a transfer
            # each site keeps the entries of its own time.
            return f"(SELECT p.{of}_id FROM {PARTICIPANTS} p WHERE p.id = {row}.{participant})"  # noqa: S608  our own names
        leads = [c.column for c in self.columns if c.column in TO_TRIAL]
        if of != "trial" or not leads:
            return "NULL"
        return f"(SELECT p.trial_id FROM {TO_TRIAL[leads[0]]} p WHERE p.id = {row}.{leads[0]})"  # noqa: S608  our own names


def audited_models(app: AppConfig) -> Iterator[type[Model]]:
    """The models of an app whose rows are recorded: all of ours but those that say no, few of a package's.

    The tables between two models, which have no class of their own, are among them.
    """
    models = app.get_models(include_auto_created=True)
    if app.label in {label.partition(".")[0] for label in ELSEWHERE}:
        return (model for model in models if model._meta.label_lower in ELSEWHERE)  # noqa: SLF001
    return (model for model in models if getattr(_installed(model), "audited", True))


def _installed(model: type[Model]) -> type[Model]:
    """The class of the code that runs, for a model as a migration left it; the latter where it is gone."""
    try:
        return apps.get_model(model._meta.label_lower)  # noqa: SLF001
    except LookupError:
        return model


def lay_triggers(sender: AppConfig, using: str, **_: Any) -> None:
    """Lay the triggers of an app's tables, in place of what stood there before."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    if ENTRIES not in tables:
        return
    lay = _SQLite(connection) if connection.vendor == "sqlite" else _PostgreSQL(connection)
    with connection.cursor() as cursor:
        for statement in lay.statements(sender, tables):
            cursor.execute(statement)


def audited_table(model: type[Model]) -> AuditedTable:
    """The table of a model, as the triggers see it."""
    meta = model._meta  # noqa: SLF001
    hidden = ELSEWHERE.get(meta.label_lower) or tuple(getattr(_installed(model), "audit_hidden", ()))
    fields = meta.concrete_fields
    shown = tuple(field for field in fields if field.name not in hidden)
    left_out = tuple(field.attname for field in fields if field.name in hidden)
    return AuditedTable(meta.db_table, meta.label_lower, meta.pk.attname, shown, left_out)


_TRAIL = (
    *((table, "append_only", "the audit trail cannot be changed or deleted") for table in APPEND_ONLY),
    (SIGNATURES, "signed", "a signature cannot be changed or deleted"),
)
_RECORDS = (
    (FAILURES, "failed", "a sign-in that failed stays on record"),
    (EXPORTS, "exported", "an export stays on record"),
)
"""What is only ever added to: table, name of its trigger, and what a change of it is told."""


class _Layer:
    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    def statements(self, app: AppConfig, tables: set[str]) -> Iterator[str]:
        """Every statement that lays the triggers of the app's tables that exist."""
        trials = app.label == "trials"
        if trials:
            yield from self.prepare()
            yield from self.written_by_triggers()
        for model in audited_models(app):
            if model._meta.db_table in tables:  # noqa: SLF001
                yield from self.audit(audited_table(model))
        if trials:
            yield from self.refuse_each(_TRAIL, tables)
            if PUBLISHED in tables:
                yield from self.refuse_published(app)
            yield from self.keep_accounts()
            yield from self.refuse_each(_RECORDS, tables)

    def refuse_each(self, kept: Iterable[tuple[str, str, str]], tables: set[str]) -> Iterator[str]:
        """Refuse change and deletion of what is only ever added to."""
        for table, name, what in kept:
            if table in tables:
                yield from self.refuse(table, name, what)

    def refuse_published(self, app: AppConfig) -> Iterator[str]:
        """Refuse change and deletion of a protocol version once it is published."""
        columns = {field.column for field in app.get_model("protocolversion")._meta.concrete_fields}  # noqa: SLF001
        # A migration that goes back may lack the column: then nothing of a version is changed at all.
        when = "OLD.published_at IS NOT NULL" if "published_at" in columns else ""
        what = "a published protocol version cannot be changed or deleted"
        yield from self.refuse(PUBLISHED, "published", what, when)

    def keep_accounts(self) -> Iterator[str]:
        """An account stays, under the name it was given."""
        yield from self.refuse(USERS, "kept", "an account is deactivated, never deleted", events=("DELETE",))
        what = "the name of an account cannot be changed"
        yield from self.refuse(USERS, "named", what, "OLD.username <> NEW.username", ("UPDATE",))

    def prepare(self) -> Iterator[str]:
        raise NotImplementedError

    def written_by_triggers(self) -> Iterator[str]:
        """Refuse an entry that no trigger of a recorded table wrote."""
        raise NotImplementedError

    def audit(self, table: AuditedTable) -> Iterator[str]:
        raise NotImplementedError

    def refuse(
        self, table: str, name: str, message: str, when: str = "", events: tuple[str, ...] = CHANGES
    ) -> Iterator[str]:
        raise NotImplementedError


class _SQLite(_Layer):
    def prepare(self) -> Iterator[str]:
        return iter(())

    def written_by_triggers(self) -> Iterator[str]:
        """A recording trigger asks for the act first; see `teach_sqlite`."""
        trigger = f"dayzero_append_only_{ENTRIES}_insert"
        yield f"DROP TRIGGER IF EXISTS {trigger}"
        yield (
            f"CREATE TRIGGER {trigger} BEFORE INSERT ON {ENTRIES} WHEN NOT dayzero_recording() "
            f"BEGIN SELECT RAISE(ABORT, '{WRITTEN_BY_TRIGGERS}'); END"
        )

    def refuse(
        self, table: str, name: str, message: str, when: str = "", events: tuple[str, ...] = CHANGES
    ) -> Iterator[str]:
        for event in events:
            trigger = f"dayzero_{name}_{table}_{event.lower()}"
            yield f"DROP TRIGGER IF EXISTS {trigger}"
            yield (
                f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} {'WHEN ' + when if when else ''} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )

    def audit(self, table: AuditedTable) -> Iterator[str]:
        same = [f'OLD."{c.column}" IS NEW."{c.column}"' for c in table.columns]
        unchanged = ", ".join(
            f"iif({test}, '$.{table.said(c)}', '$.-')" for c, test in zip(table.columns, same, strict=True)
        )
        old, new = self._row(table, "OLD"), self._row(table, "NEW")
        before, after = f"json_remove({old}, {unchanged})", f"json_remove({new}, {unchanged})"
        changed = f"UPDATE ON {table.name} WHEN NOT ({' AND '.join(same)})"
        yield from self._trigger(table, "create", f"INSERT ON {table.name}", ("''", new))
        yield from self._trigger(table, "change", changed, (before, after))
        yield from self._trigger(table, "delete", f"DELETE ON {table.name}", (old, "''"))

    def _trigger(
        self, table: AuditedTable, action: str, event: str, values: tuple[str, str]
    ) -> Iterator[str]:
        row = "OLD" if action == "delete" else "NEW"
        scopes = (table.place(of, row) for of in SCOPES)
        act = [
            f"json_extract(a.d, '$.{key}')" for key in ("actor_id", "id", "actor", "roles", "cause", "reason")
        ]
        actor_id, ident, *others = act
        texts = ", ".join(f"coalesce({text}, '')" for text in others)
        trigger = f"dayzero_audit_{table.name}_{action}"
        yield f"DROP TRIGGER IF EXISTS {trigger}"
        yield (
            f"CREATE TRIGGER {trigger} AFTER {event} BEGIN "  # noqa: S608  names of our own tables
            f"INSERT INTO trials_auditentry ({ENTRY}) SELECT strftime('%Y-%m-%d %H:%M:%f', 'now'), "
            f"coalesce({ident}, ''), {actor_id}, {texts}, '{action}', '{table.record}', {row}.{table.key}, "
            f"{', '.join(scopes)}, {values[0]}, {values[1]} "
            "FROM (SELECT coalesce(nullif(dayzero_act(), ''), '{}') AS d) AS a; END"
        )

    def _row(self, table: AuditedTable, row: str) -> str:
        # json_patch leaves out what is null, as json_strip_nulls does on PostgreSQL: both write one entry.
        pairs = _pairs((table.said(c), self._value(c, f'{row}."{c.column}"')) for c in table.columns)
        return f"json_patch('{{}}', json_object({pairs}))"

    def _value(self, field: Field[Any, Any], value: str) -> str:
        """A column as PostgreSQL's JSON shows it; documents are text there too."""
        if isinstance(field, BooleanField):
            return f"json(iif({value} IS NULL, 'null', iif({value}, 'true', 'false')))"
        if isinstance(field, DateTimeField):
            return f"replace({value}, ' ', 'T') || '+00:00'"
        return value


class _PostgreSQL(_Layer):
    def prepare(self) -> Iterator[str]:
        yield REFUSE.read_text(encoding="utf-8")

    def written_by_triggers(self) -> Iterator[str]:
        trigger = f"dayzero_append_only_{ENTRIES}_insert"
        yield f"DROP TRIGGER IF EXISTS {trigger} ON {ENTRIES}"
        yield (
            f"CREATE TRIGGER {trigger} BEFORE INSERT ON {ENTRIES} FOR EACH STATEMENT "
            f"WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION dayzero_refuse('{WRITTEN_BY_TRIGGERS}')"
        )

    def refuse(
        self, table: str, name: str, message: str, when: str = "", events: tuple[str, ...] = CHANGES
    ) -> Iterator[str]:
        trigger = f"dayzero_{name}_{table}"
        condition = f"WHEN ({when})" if when else ""
        yield f"DROP TRIGGER IF EXISTS {trigger} ON {table}"
        yield (
            f"CREATE TRIGGER {trigger} BEFORE {' OR '.join(events)} ON {table} FOR EACH ROW {condition} "
            f"EXECUTE FUNCTION dayzero_refuse('{message}')"
        )
        yield f"DROP TRIGGER IF EXISTS {trigger}_truncate ON {table}"
        yield (
            f"CREATE TRIGGER {trigger}_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION dayzero_refuse('{message}')"
        )

    def audit(self, table: AuditedTable) -> Iterator[str]:
        yield self._function(table)
        rows = {
            "INSERT": "NEW TABLE AS new_rows",
            "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
            "DELETE": "OLD TABLE AS old_rows",
        }
        for event, transition in rows.items():
            trigger = f"dayzero_audit_{event.lower()}"
            yield f"DROP TRIGGER IF EXISTS {trigger} ON {table.name}"
            yield (
                f"CREATE TRIGGER {trigger} AFTER {event} ON {table.name} REFERENCING {transition} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION dayzero_audit_{table.name}()"
            )
        yield f"DROP TRIGGER IF EXISTS dayzero_audit_truncate ON {table.name}"
        yield (
            f"CREATE TRIGGER dayzero_audit_truncate BEFORE TRUNCATE ON {table.name} FOR EACH STATEMENT "
            "EXECUTE FUNCTION dayzero_refuse('a table whose changes are recorded cannot be truncated')"
        )

    def _function(self, table: AuditedTable) -> str:
        """The table's own function: columns are compared as what they are, which makes it fast."""
        differs = {c.column: f'o."{c.column}" IS DISTINCT FROM n."{c.column}"' for c in table.columns}
        values = {
            "table": table.name,
            "entry": ENTRY,
            "label": table.record,
            "key": table.key,
            "scopes_new": self._scopes(table, "n"),
            "scopes_old": self._scopes(table, "o"),
            "new": _pairs((table.said(c), self._value(c, "n")) for c in table.columns),
            "old": _pairs((table.said(c), self._value(c, "o")) for c in table.columns),
            "changed": " OR ".join(differs.values()),
        }
        for row, side in (("n", "new"), ("o", "old")):
            values[f"changed_{side}"] = ", ".join(
                f"CASE WHEN {differs[c.column]} THEN '\"{table.said(c)}\":' || "
                f"to_json({self._value(c, row)})::text END"
                for c in table.columns
            )
        text = AUDIT.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        return text

    def _scopes(self, table: AuditedTable, row: str) -> str:
        return ", ".join(table.place(of, row) for of in SCOPES)

    def _value(self, field: Field[Any, Any], row: str) -> str:
        """A column of a row; documents as text, so that nothing inside them is left out."""
        return f'{row}."{field.column}"{"::text" if isinstance(field, JSONField) else ""}'


def _pairs(pairs: Iterable[tuple[str | None, str]]) -> str:
    return ", ".join(f"'{name}', {value}" for name, value in pairs)
