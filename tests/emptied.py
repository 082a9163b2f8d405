"""The database emptied after a test that commits: tables that hold rows, past the triggers that refuse it.

Django would empty all tables, and then make content types and permissions and lay our triggers anew, which
takes longer than most of these tests. Here those rows stay, and so do the triggers.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

STAYS = frozenset({"auth_permission", "django_content_type"})
"""What every database holds from its migrations on, and no test changes."""


def empty_database() -> None:
    """Delete the rows of every table that has some."""
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    with transaction.atomic(), connection.cursor() as cursor:
        filled = _filled(cursor, tables - STAYS)
        with _without_triggers(cursor, filled):
            for table in filled:
                cursor.execute(f'DELETE FROM "{table}"')


def _filled(cursor: CursorWrapper, tables: Collection[str]) -> list[str]:
    asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in sorted(tables))
    cursor.execute(" UNION ALL ".join(asked))
    return [table for (table,) in cursor.fetchall()]


@contextmanager
def _without_triggers(cursor: CursorWrapper, tables: Collection[str]) -> Iterator[None]:
    """Let rows of these tables go: no trigger refuses it, and no key to a row that goes later does."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        return
    cursor.execute(
        "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'dayzero%'"
    )
    lifted = [(name, laid) for table, name, laid in cursor.fetchall() if table in tables]
    for name, _laid in lifted:
        cursor.execute(f'DROP TRIGGER "{name}"')
    yield
    for _name, laid in lifted:
        cursor.execute(laid)
