"""What readers of the change feed are told of by the database itself, no matter who wrote and how.

A service that writes visits says what was done with them. Participants, anchors, protocol windows and
deviations are written in many places and in bulk; triggers, laid as those of the trail are, let none of
it be missed. A version that alone was raised, and what the trail leaves out too, is no change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from trials.audit.triggers import AuditedTable, audited_table

FEED = "schedules_changeevent"
COUNTERS = {"version", "id"}


@dataclass(frozen=True, slots=True)
class Fed:
    """How a row is named in the feed: which record, and the columns of its participant and its code."""

    record: str
    participant: str
    code: str = ""


MODELS = {
    "participants.participant": Fed("participant", "id"),
    "participants.anchor": Fed("anchor", "participant_id", "code"),
    "schedules.protocolwindow": Fed("window", "participant_id", "code"),
    "schedules.deviation": Fed("deviation", "participant_id", "id"),
}


def lay_feed(sender: AppConfig, using: str, **_: Any) -> None:
    """Lay the triggers that feed an app's changes; none for a feed that cannot take them (going back)."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if FEED not in tables:
            return
        columns = {one.name for one in connection.introspection.get_table_description(cursor, FEED)}
        if not {"record", "code"} <= columns:
            return
        for model in sender.get_models():
            fed = MODELS.get(model._meta.label_lower)  # noqa: SLF001
            if fed and model._meta.db_table in tables:  # noqa: SLF001
                for statement in _statements(connection, audited_table(model), fed):
                    cursor.execute(statement)


def _statements(connection: BaseDatabaseWrapper, table: AuditedTable, fed: Fed) -> Iterator[str]:
    columns = [str(field.column) for field in table.columns if field.column not in COUNTERS]
    return (_sqlite if connection.vendor == "sqlite" else _postgresql)(table.name, columns, fed)


def _told(fed: Fed, kind: str, row: str, text: str) -> str:
    code = f'CAST({row}."{fed.code}" AS {text})' if fed.code else "''"
    return f"""'{kind}', {row}."{fed.participant}", '{fed.record}', {code}"""


def _sqlite(table: str, columns: list[str], fed: Fed) -> Iterator[str]:
    same = " AND ".join(f'OLD."{name}" IS NEW."{name}"' for name in columns)
    events = {
        "insert": ("INSERT", "added", "NEW", ""),
        "update": ("UPDATE", "changed", "NEW", f"WHEN NOT ({same})"),
        "delete": ("DELETE", "removed", "OLD", ""),
    }
    for name, (event, kind, row, when) in events.items():
        trigger = f"dayzero_feed_{table}_{name}"
        yield f"DROP TRIGGER IF EXISTS {trigger}"
        yield (
            f"CREATE TRIGGER {trigger} AFTER {event} ON {table} {when} BEGIN "  # noqa: S608  our own names
            f"INSERT INTO {FEED} (kind, participant_id, record, code) "
            f"VALUES ({_told(fed, kind, row, 'text')}); END"
        )


def _postgresql(table: str, columns: list[str], fed: Fed) -> Iterator[str]:
    differs = " OR ".join(f'o."{name}" IS DISTINCT FROM n."{name}"' for name in columns)
    insert = f"INSERT INTO {FEED} (kind, participant_id, record, code) SELECT"
    function = f"dayzero_audit_feed_{table}"
    yield f"""
        CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $function$
        BEGIN
          IF TG_OP = 'INSERT' THEN
            {insert} {_told(fed, "added", "n", "text")} FROM new_rows n ORDER BY n.id;
          ELSIF TG_OP = 'DELETE' THEN
            {insert} {_told(fed, "removed", "o", "text")} FROM old_rows o ORDER BY o.id;
          ELSE
            {insert} {_told(fed, "changed", "n", "text")} FROM old_rows o JOIN new_rows n ON o.id = n.id
            WHERE {differs} ORDER BY n.id;
          END IF;
          RETURN NULL;
        END $function$"""
    rows = {
        "INSERT": "NEW TABLE AS new_rows",
        "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "DELETE": "OLD TABLE AS old_rows",
    }
    for event, transition in rows.items():
        trigger = f"dayzero_feed_{event.lower()}"
        yield f"DROP TRIGGER IF EXISTS {trigger} ON {table}"
        yield (
            f"CREATE TRIGGER {trigger} AFTER {event} ON {table} REFERENCING {transition} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
