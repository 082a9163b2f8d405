"""Migrations of recorded tables: triggers are lifted before a migration and laid again after it.

A trigger names the columns of its table. With it in place SQLite refuses to drop or rename a column,
PostgreSQL fails at the next write, and a renamed table keeps the triggers of its old name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from trials.audit.acts import acting, caused_by
from trials.audit.database_roles import run_functions_as_owner
from trials.audit.fed import lay_feed
from trials.audit.frozen import lay_guards
from trials.audit.triggers import AUDITED_APPS, lay_triggers
from trials.models import AuditEntry, SchemaChange

CLOSED = Path(__file__).with_name("closed.sql")
CLOSING_TRIGGER = "dayzero_migrating"

_before: dict[str, set[tuple[str, str]] | None] = {}
"""The migrations that a database had when its triggers were lifted; None where it had no trail yet."""


def lift_triggers(using: str, plan: Sequence[Any] = (), **_: Any) -> None:
    """Take every trigger of ours away before a migration runs; nothing where none will run.

    On PostgreSQL the tables are closed to every other session until the triggers are laid again, so
    that nothing is written unrecorded, even where the migration is killed halfway.
    """
    connection = connections[using]
    if not plan or using in _before:
        return
    _before[using] = _applied(connection) if _has(connection, AuditEntry) else None
    with transaction.atomic(using), connection.cursor() as cursor:
        for statement in list(_lifting(connection)):
            cursor.execute(statement)


def lay_after_migration(using: str, apps: Apps = installed, **_: Any) -> None:
    """Lay the triggers of the tables as they stand now, and record in the trail which migrations ran."""
    _lay(using, apps)
    before = _before.pop(using, None)
    if before is not None:
        _record_changes(using, before)


@contextmanager
def laid_whatever_happens(using: str) -> Iterator[None]:
    """Lay the triggers again where a migration inside fails, for the tables as far as it came."""
    try:
        yield
    except BaseException:
        if using in _before:
            loader = MigrationLoader(connections[using])
            reached = [key for key in loader.applied_migrations if key in loader.graph.nodes]
            lay_after_migration(using, loader.project_state(reached).apps)
        raise
    finally:
        _before.pop(using, None)


def _lay(using: str, apps: Apps) -> None:
    connection = connections[using]
    with transaction.atomic(using), connection.cursor() as cursor:
        for label in AUDITED_APPS:
            sender = apps.get_app_config(label)
            lay_triggers(sender, using)
            lay_guards(sender, using)
            lay_feed(sender, using)
        if connection.vendor == "postgresql":
            for name, table in _standing_triggers(connection):
                if name == CLOSING_TRIGGER:
                    cursor.execute(f'DROP TRIGGER {name} ON "{table}"')
            cursor.execute("SELECT set_config('dayzero.migrating', '', false)")
        run_functions_as_owner(connection)


def _lifting(connection: BaseDatabaseWrapper) -> Iterator[str]:
    found = list(_standing_triggers(connection))
    if connection.vendor == "sqlite":
        yield from (f'DROP TRIGGER "{name}"' for name, _table in found)
        return
    yield CLOSED.read_text(encoding="utf-8")
    yield "SELECT set_config('dayzero.migrating', 'on', false)"
    for table in sorted({table for _name, table in found}):
        yield f'DROP TRIGGER IF EXISTS {CLOSING_TRIGGER} ON "{table}"'
        yield (
            f'CREATE TRIGGER {CLOSING_TRIGGER} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION dayzero_refuse_while_migrating()"
        )
    yield from (f'DROP TRIGGER "{name}" ON "{table}"' for name, table in found if name != CLOSING_TRIGGER)
    yield from (f'DROP FUNCTION "{name}"()' for name in _table_functions(connection))


def _standing_triggers(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Every trigger of ours with its table, whatever laid it and under which name the table stood then."""
    if connection.vendor == "sqlite":
        statement = (
            "SELECT name, tbl_name FROM sqlite_master "
            "WHERE type = 'trigger' AND name LIKE 'dayzero!_%' ESCAPE '!'"
        )
    else:
        statement = (
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND t.tgname LIKE 'dayzero!_%' ESCAPE '!' "
            "AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname, t.tgname"
        )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _table_functions(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname LIKE 'dayzero!_audit!_%' ESCAPE '!' "
            "AND pronamespace = current_schema()::regnamespace ORDER BY proname"
        )
        return [name for (name,) in cursor.fetchall()]


def _applied(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    return set(MigrationRecorder(connection).applied_migrations())


def _has(connection: BaseDatabaseWrapper, model: type[Model]) -> bool:
    return model._meta.db_table in connection.introspection.table_names()  # noqa: SLF001


def _record_changes(using: str, before: set[tuple[str, str]]) -> None:
    """Write what ran as rows that are recorded; the first layout of a database is no change."""
    connection = connections[using]
    if not _has(connection, SchemaChange):
        return
    after = _applied(connection)
    ran = {
        SchemaChange.Direction.BACKWARDS: before - after,
        SchemaChange.Direction.FORWARDS: after - before,
    }
    with caused_by("migrate"), acting(None):
        SchemaChange.objects.using(using).bulk_create(
            SchemaChange(app=app, name=name, direction=direction)
            for direction, keys in ran.items()
            for app, name in sorted(keys)
        )
