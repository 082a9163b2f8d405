"""The schema that the migrations make, as JSON: by the one file of 0.1.0, or by the files that it replaces.

Run as a process of its own with an empty database in DATABASE_URL: `python -m tests.production.schemas new`
or `… old`. Later migrations are left out of both. `test_one_initial_migration` compares the two.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import django

RELEASE = "0001_release_0_1_0"
OURS = ("trials", "participants", "schedules")

POSTGRES = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
            pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace = current_schema()::regnamespace
        ORDER BY c.relname, a.attname""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
        WHERE connamespace = current_schema()::regnamespace ORDER BY 1, 2""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = current_schema() ORDER BY 1, 2",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE NOT tgisinternal ORDER BY 1, 2",
    "functions": "SELECT proname, prosrc FROM pg_proc "
    "WHERE pronamespace = current_schema()::regnamespace ORDER BY 1",
}


def migrate(way: str) -> None:
    """Migrate by the one file of each app, or by those that it replaces."""
    from django.core.management import call_command
    from django.db.migrations.loader import MigrationLoader

    load = MigrationLoader.load_disk

    def load_some(self: MigrationLoader) -> None:
        load(self)
        replaced = {key for app in OURS for key in self.disk_migrations[app, RELEASE].replaces}
        wanted = replaced if way == "old" else {(app, RELEASE) for app in OURS}
        for key in [key for key in self.disk_migrations if key[0] in OURS and key not in wanted]:
            del self.disk_migrations[key]

    MigrationLoader.load_disk = load_some  # type: ignore[method-assign]
    call_command("migrate", verbosity=0)


def schema() -> dict[str, Any]:
    """Tables, columns, constraints, indexes and triggers, in an order of their names."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            found = {}
            for what, statement in POSTGRES.items():
                cursor.execute(statement)
                found[what] = sorted([list(row) for row in cursor.fetchall()], key=str)
            return found
        cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        return {f"{kind} {name}": parts_of(sql or "") for kind, name, sql in sorted(cursor.fetchall())}


def parts_of(statement: str) -> list[str]:
    """The parts of a CREATE TABLE, sorted; any other statement as it is."""
    found = re.fullmatch(r"(CREATE TABLE[^(]*)\((.*)\)", statement, re.DOTALL)
    if not found:
        return [statement]
    parts, depth, quoted = [""], 0, False
    for letter in found[2]:
        quoted ^= letter == "'"
        depth += 0 if quoted else {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [found[1].strip(), *sorted(part.strip() for part in parts)]


if __name__ == "__main__":
    django.setup()
    migrate(sys.argv[1])
    print(json.dumps(schema()))
