"""What PostgreSQL knows of the tables' contents, by which it plans."""

from __future__ import annotations

from django.db import connections

_WITHOUT = """
    SELECT table_class.relname FROM pg_class table_class
    WHERE table_class.relnamespace = current_schema()::regnamespace AND table_class.relkind = 'r'
        AND pg_relation_size(table_class.oid) > 0
        AND NOT EXISTS (
            SELECT 1 FROM pg_stats known
            WHERE known.schemaname = current_schema() AND known.tablename = table_class.relname
        )
    ORDER BY table_class.relname
"""


def gather_missing_statistics(using: str = "default") -> list[str]:
    """Let PostgreSQL look at the filled tables that it knows nothing of, and give their names.

    A dump holds no statistics. Until autovacuum comes by, a restored table is planned for as if nearly every
    condition found one row: Today then reads all live visits several times over. The caller owns the tables.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT)
        names = [str(name) for (name,) in cursor.fetchall()]
        for name in names:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(name)}")
    return names
