"""The database's guard of a frozen trial: no statement writes its records, anyone who sends it.

Laid after every migration on each recorded table whose rows belong to a trial: one that a new
model adds is guarded from the start. What goes on after the end of a trial is left out by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from trials.audit.triggers import audited_models
from trials.domain.errors import FROZEN

FUNCTION = Path(__file__).with_name("frozen.sql")
GOES_ON = {
    *("trials.trial", "trials.membership", "trials.apitoken", "trials.apiclient", "trials.signature"),
    *("trials.export", "schedules.calendarfeed"),
}
"""Access is withdrawn, signatures and exports are made, tokens and calendars revoked after the end, too."""

TRIAL = "trials_trial"
# The number is the lock's name: a release with another one would not wait for the workers of the one before.
WRITERS = 20261207
"""PostgreSQL's advisory lock that writers of records share and that a freeze takes alone.

It is one for all trials: to find those of a bulk write would take longer than a freeze, which is rare, does.
"""
THROUGH = {
    "trial_id": "JOIN trials_trial t ON t.id = r.trial_id",
    "participant_id": (
        "JOIN participants_participant p ON p.id = r.participant_id JOIN trials_trial t ON t.id = p.trial_id"
    ),
    "cohort_id": "JOIN trials_cohort c ON c.id = r.cohort_id JOIN trials_trial t ON t.id = c.trial_id",
    "protocol_version_id": (
        "JOIN trials_protocolversion v ON v.id = r.protocol_version_id "
        "JOIN trials_trial t ON t.id = v.trial_id"
    ),
    "to_version_id": (
        "JOIN trials_protocolversion v ON v.id = r.to_version_id JOIN trials_trial t ON t.id = v.trial_id"
    ),
    "amendmentrun_id": (
        "JOIN schedules_amendmentrun a ON a.id = r.amendmentrun_id "
        "JOIN trials_protocolversion v ON v.id = a.to_version_id JOIN trials_trial t ON t.id = v.trial_id"
    ),
}
"""How a row leads to its trial: by the first of these columns that its table has."""

EVENTS = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
}
CLOSING = ("id", "frozen_on", "archived_on", "retain_until")


def lay_guards(sender: AppConfig, using: str, **_: Any) -> None:
    """Lay the guards of an app's tables, in place of what stood there before."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    if TRIAL not in tables:
        return
    with connection.cursor() as cursor:
        for statement in _statements(sender, connection, tables):
            cursor.execute(statement)


def guarded_models(app: AppConfig) -> Iterator[tuple[type[Model], str]]:
    """The models of an app whose rows belong to a trial, each with the joins that lead there."""
    for model in audited_models(app):
        columns = {field.column for field in model._meta.concrete_fields}  # noqa: SLF001
        path = next((path for column, path in THROUGH.items() if column in columns), "")
        if path and model._meta.label_lower not in GOES_ON:  # noqa: SLF001
            yield model, path


def _statements(app: AppConfig, connection: BaseDatabaseWrapper, tables: set[str]) -> Iterator[str]:
    sqlite = connection.vendor == "sqlite"
    if app.label == "trials":
        if not sqlite:
            yield FUNCTION.read_text(encoding="utf-8").replace("@lock@", str(WRITERS))
            yield from _freeze_alone()
        yield from _guards_of_trial(app.get_model("trial"), sqlite)
    for model, path in guarded_models(app):
        table = model._meta.db_table  # noqa: SLF001
        if table in tables:
            yield from (_by_row if sqlite else _by_statement)(table, path)


def _by_statement(table: str, path: str) -> Iterator[str]:
    for event, rows in EVENTS.items():
        trigger = f"dayzero_frozen_{event.lower()}"
        yield f"DROP TRIGGER IF EXISTS {trigger} ON {table}"
        yield (
            f"CREATE TRIGGER {trigger} AFTER {event} ON {table} {rows} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION dayzero_refuse_frozen('{path} WHERE t.frozen_on IS NOT NULL', '{FROZEN}')"
        )


def _by_row(table: str, path: str) -> Iterator[str]:
    column = next(name for name in THROUGH if THROUGH[name] == path)
    for event in EVENTS:
        rows = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}[event]
        ids = " UNION ALL ".join(f"SELECT {row}.{column} AS {column}" for row in rows)
        frozen = f"SELECT 1 FROM ({ids}) r {path} WHERE t.frozen_on IS NOT NULL"  # noqa: S608  own names
        trigger = f"dayzero_frozen_{table}_{event.lower()}"
        yield f"DROP TRIGGER IF EXISTS {trigger}"
        yield (
            f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} WHEN EXISTS ({frozen}) "
            f"BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
        )


def _guards_of_trial(trial: type[Model], sqlite: bool) -> Iterator[str]:
    """A frozen trial keeps what it says of itself, an archived one stays so, and neither is kept for less."""
    differs = "IS NOT" if sqlite else "IS DISTINCT FROM"
    every = [field.column for field in trial._meta.concrete_fields]  # noqa: SLF001
    if not set(CLOSING) <= set(every):  # as a migration that goes back may leave it: nothing is frozen there
        return
    columns = [column for column in every if column not in CLOSING]
    changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
    archived_changed = f"OLD.archived_on {differs} NEW.archived_on"
    shortened = "NEW.retain_until IS NULL OR NEW.retain_until < OLD.retain_until"
    guards = {
        "told": (
            "UPDATE",
            f"OLD.frozen_on IS NOT NULL AND NEW.frozen_on IS NOT NULL AND ({changed})",
            FROZEN,
        ),
        "archived": (
            "UPDATE",
            f"OLD.archived_on IS NOT NULL AND (NEW.frozen_on IS NULL OR {archived_changed})",
            "an archived trial is never opened again",
        ),
        "retained": (
            "UPDATE",
            f"OLD.retain_until IS NOT NULL AND ({shortened})",
            "the records of a trial are never kept for less long than was said",
        ),
        "kept": (
            "DELETE",
            "OLD.retain_until IS NOT NULL",
            "a trial whose records are retained is not deleted",
        ),
    }
    for name, (event, when, message) in guards.items():
        yield from (_row_guard if sqlite else _row_guard_postgresql)(
            f"dayzero_trial_{name}", event, when, message
        )


def wait_for_writers(using: str = DEFAULT_DB_ALIAS) -> None:
    """Let every write that has begun come to its end, and none begin until this transaction ends.

    To be called before the trial's row is locked: who writes may still need that row. SQLite has one
    writer at a time.
    """
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS])


def _freeze_alone() -> Iterator[str]:
    """A freeze by hand waits for who writes, too."""
    trigger = "dayzero_trial_freezing"
    yield f"DROP TRIGGER IF EXISTS {trigger} ON {TRIAL}"
    yield (
        f"CREATE TRIGGER {trigger} BEFORE UPDATE ON {TRIAL} FOR EACH ROW "
        "WHEN (OLD.frozen_on IS NULL AND NEW.frozen_on IS NOT NULL) "
        "EXECUTE FUNCTION dayzero_wait_for_writers()"
    )


def _row_guard(trigger: str, event: str, when: str, message: str) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {trigger}"
    yield (
        f"CREATE TRIGGER {trigger} BEFORE {event} ON {TRIAL} WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _row_guard_postgresql(trigger: str, event: str, when: str, message: str) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {trigger} ON {TRIAL}"
    yield (
        f"CREATE TRIGGER {trigger} BEFORE {event} ON {TRIAL} FOR EACH ROW WHEN ({when}) "
        f"EXECUTE FUNCTION dayzero_refuse('{message}')"
    )
